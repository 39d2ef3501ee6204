package cluster

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"anomalydetector/stream"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func of(name string, partitions ...int32) stream.Member {
	return stream.Member{ID: "id-" + name, Instance: name, Address: name + ":7100", Partitions: partitions}
}

// TestOwnersOutliveARebalance: during a rebalance the view keeps the partitions of those that still
// are members; the partitions of a member that is gone have no owner.
func TestOwnersOutliveARebalance(t *testing.T) {
	var v view
	v.update([]stream.Member{of("a", 0, 1), of("b", 2), of("c", 3)}, true, noon)
	v.update([]stream.Member{of("a"), of("b"), of("d")}, false, noon)
	if none := v.unowned(4); !slices.Equal(none, []int32{3}) {
		t.Errorf("without an owner are %v, want 3 alone", none)
	}
	if owner := v.owner(1); owner == nil || owner.Address != "a:7100" {
		t.Errorf("the owner of partition 1 is %+v", owner)
	}
	again := of("a")
	again.ID = "id-a-again" // a process that came back is another member: it may own other partitions
	v.update([]stream.Member{again, of("b")}, false, noon)
	if v.owner(0) != nil || v.owner(2) == nil {
		t.Errorf("the owner of partition 0 is %+v, of 2 %+v", v.owner(0), v.owner(2))
	}
	v.update([]stream.Member{of("a", 0), of("b", 1)}, true, noon)
	if none := v.unowned(3); !slices.Equal(none, []int32{2}) {
		t.Errorf("between two phases of a rebalance %v have no owner, want 2", none)
	}
}

func TestOldViewReportsAProblem(t *testing.T) {
	var v view
	if v.problem("d") == nil {
		t.Error("a view that was never filled has no problem")
	}
	v.update([]stream.Member{of("a", 0)}, true, noon)
	if err := v.problem("d"); err != nil {
		t.Error(err)
	}
	v.err = errors.New("the broker is away")
	if err := v.problem("d"); err == nil || v.owner(0) == nil {
		t.Errorf("problem %v, owner %+v: want a problem, and the owner as before", err, v.owner(0))
	}
}

// TestEachPartitionHasItsStandbys: as many as configured, never the owner. The first of them is the
// node that will own the partition if its owner leaves.
func TestEachPartitionHasItsStandbys(t *testing.T) {
	var v view
	var all [4][]int32
	for partition := range int32(40) {
		all[partition%4] = append(all[partition%4], partition)
	}
	names := []string{"a", "b", "c", "d"}
	v.update([]stream.Member{of("a", all[0]...), of("b", all[1]...), of("c", all[2]...), of("d", all[3]...)}, true, noon)
	for partition := range int32(40) {
		owner := names[partition%4]
		for wanted := range 5 {
			var standbys []string
			for _, name := range names {
				if slices.Contains(v.standbys(name, 40, wanted), partition) {
					standbys = append(standbys, name)
				}
			}
			if len(standbys) != min(wanted, 3) || slices.Contains(standbys, owner) {
				t.Fatalf("partition %d of %s has the standbys %v, wanted are %d", partition, owner, standbys, wanted)
			}
			if wanted == 1 && !slices.Contains(v.without([]string{owner}, 40)[standbys[0]], partition) {
				t.Errorf("partition %d: the standby is %s, but another node will own it", partition, standbys[0])
			}
		}
	}
	if chosen := v.standbys("stranger", 40, 3); len(chosen) > 0 {
		t.Errorf("an instance that is no member has the standby partitions %v", chosen)
	}
}

// TestPartitionsOfMembersThatLeaveHaveSuccessors: the members that stay keep their partitions and
// share out the others.
func TestPartitionsOfMembersThatLeaveHaveSuccessors(t *testing.T) {
	var v view
	v.update([]stream.Member{of("a", 0, 1), of("b", 2, 3), of("c", 4, 5)}, true, noon)
	for _, test := range []struct {
		leave []string
		want  map[string]int
	}{
		{nil, map[string]int{"a": 2, "b": 2, "c": 2}},
		{[]string{"a"}, map[string]int{"b": 3, "c": 3}},
		{[]string{"a", "b"}, map[string]int{"c": 6}},
		{[]string{"a", "b", "c"}, map[string]int{}},
	} {
		dealt := v.without(test.leave, 6)
		sizes := make(map[string]int)
		for instance, part := range dealt {
			sizes[instance] = len(part)
			for _, own := range v.owned()[instance] {
				if !slices.Contains(part, own) {
					t.Errorf("without %v, %s loses %d", test.leave, instance, own)
				}
			}
		}
		if !maps.Equal(sizes, test.want) {
			t.Errorf("without %v the shares are %v, want %v", test.leave, dealt, test.want)
		}
	}
	if ours := v.withUs("d", 6); len(ours) != 1 {
		t.Errorf("a fourth member will have %v, want one partition", ours)
	}
	if ours := v.withUs("b", 6); !slices.Equal(ours, []int32{2, 3}) {
		t.Errorf("a member will have %v, want what it has", ours)
	}
}
