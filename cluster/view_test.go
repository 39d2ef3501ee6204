package cluster

import (
	"errors"
	"slices"
	"testing"
	"time"

	"anomalydetector/stream"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func of(name string, partitions ...int32) stream.Member {
	return stream.Member{ID: "id-" + name, Instance: name, Address: name + ":7100", Partitions: partitions}
}

// TestOwnersOutliveARebalance: while the group is not stable those that still are
// members keep what they had, and what a member had that is gone is nobody's.
func TestOwnersOutliveARebalance(t *testing.T) {
	var v view
	v.update([]stream.Member{of("a", 0, 1), of("b", 2), of("c", 3)}, true, noon)
	v.update([]stream.Member{of("a"), of("b"), of("d")}, false, noon)
	if none := v.unowned(4); !slices.Equal(none, []int32{3}) {
		t.Errorf("nobody has %v, want 3 alone", none)
	}
	if owner := v.owner(1); owner == nil || owner.Address != "a:7100" {
		t.Errorf("partition 1 is of %+v", owner)
	}
	again := of("a")
	again.ID = "id-a-again" // a member that came back is another one: it may own something else
	v.update([]stream.Member{again, of("b")}, false, noon)
	if v.owner(0) != nil || v.owner(2) == nil {
		t.Errorf("partition 0 is of %+v, 2 of %+v", v.owner(0), v.owner(2))
	}
	v.update([]stream.Member{of("a", 0), of("b", 1)}, true, noon)
	if none := v.unowned(3); !slices.Equal(none, []int32{2}) {
		t.Errorf("between two phases nobody has %v, want 2", none)
	}
}

// TestWhoLeftIsAskedForAWhile: it may have stopped, and keeps its windows for others.
func TestWhoLeftIsAskedForAWhile(t *testing.T) {
	var v view
	see := func(after time.Duration, members ...stream.Member) []string {
		v.update(members, true, noon.Add(after))
		return v.askable("a:7100")
	}
	b, c := []string{"b:7100"}, []string{"b:7100", "c:7100"}
	for _, step := range []struct {
		after   time.Duration
		members []stream.Member
		want    []string
	}{
		{0, []stream.Member{of("a"), of("b"), of("c"), {ID: "cannot be asked"}}, c},
		{time.Second, []stream.Member{of("a"), of("b")}, c},
		{2 * time.Second, []stream.Member{of("a"), of("b"), of("c")}, c},
		{rememberLeft, []stream.Member{of("a"), of("b")}, c},
		{rememberLeft + 2*time.Second, []stream.Member{of("a"), of("b")}, c},
		{rememberLeft + 3*time.Second, []stream.Member{of("a"), of("b")}, b},
		{rememberLeft + 4*time.Second, nil, b},
	} {
		if got := see(step.after, step.members...); !slices.Equal(got, step.want) {
			t.Errorf("after %s %v are asked, want %v", step.after, got, step.want)
		}
	}
}

func TestAnOldViewSaysSo(t *testing.T) {
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
		t.Errorf("problem %v, owner %+v: want the one, and the other as before", err, v.owner(0))
	}
}

// TestEachPartitionHasItsStandbys: as many as are wanted, never the owner, and the
// first of them is who would be preferred if the owner were gone.
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
				if v.standby(name, partition, wanted) {
					standbys = append(standbys, name)
				}
			}
			if len(standbys) != min(wanted, 3) || slices.Contains(standbys, owner) {
				t.Fatalf("partition %d of %s has the standbys %v, wanted are %d", partition, owner, standbys, wanted)
			}
			if wanted != 1 {
				continue
			}
			order := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == owner })
			stream.Prefer(order, partition)
			if order[0] != standbys[0] {
				t.Errorf("partition %d: the standby is %s, and preferred is %s", partition, standbys[0], order[0])
			}
		}
	}
	if v.standby("a", 1000, 3) || v.standby("stranger", 0, 3) {
		t.Error("a partition that nobody owns, or an instance that is no member, has a part in standbys")
	}
}
