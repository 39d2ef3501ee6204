package stream

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const balanced = "topic"

// balance lets a leader balance a group whose members own these partitions.
func balance(t *testing.T, b kgo.GroupBalancer, owned map[string][]int32, partitions int32) map[string][]int32 {
	t.Helper()
	var members []kmsg.JoinGroupResponseMember
	for instance, has := range owned {
		member := kmsg.NewJoinGroupResponseMember()
		member.MemberID, member.InstanceID = "id-of-"+instance, &instance
		member.ProtocolMetadata = b.JoinGroupMetadata([]string{balanced}, map[string][]int32{balanced: slices.Clone(has)}, 5)
		members = append(members, member)
	}
	inner, _, err := b.MemberBalancer(members)
	if err != nil {
		t.Fatal(err)
	}
	assigned, err := inner.(kgo.GroupMemberBalancerOrError).BalanceOrError(map[string]int32{balanced: partitions})
	if err != nil {
		t.Fatal(err)
	}
	plan := make(map[string][]int32)
	for _, one := range assigned.IntoSyncAssignment() {
		topics, err := b.ParseSyncAssignment(one.MemberAssignment)
		if err != nil {
			t.Fatal(err)
		}
		plan[one.MemberID[len("id-of-"):]] = topics[balanced]
	}
	return plan
}

// settled balances until no member has to give up a partition.
func settled(t *testing.T, b kgo.GroupBalancer, owned map[string][]int32, partitions int32) map[string][]int32 {
	t.Helper()
	for range 3 {
		after := balance(t, b, owned, partitions)
		if maps.EqualFunc(owned, after, slices.Equal) {
			return after
		}
		for instance, has := range after {
			for _, partition := range has {
				for other, had := range owned {
					if other != instance && slices.Contains(had, partition) {
						t.Fatalf("partition %d went to %s while %s had it", partition, instance, other)
					}
				}
			}
		}
		owned = after
	}
	t.Fatalf("members and partitions do not come to rest: %v", owned)
	return nil
}

// Members join and leave, sometimes several at once. The group ends up with what Deal computes in advance.
// That is as even as what the client's own balancer does, and moves no more partitions.
func TestGroupEndsUpWithWhatDealComputes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	all := []string{"a", "b", "c", "d", "e", "f", "g"}
	for range 100 {
		partitions := 1 + random.Int32N(30)
		owned := map[string][]int32{"a": nil}
		for range 6 {
			owned = settled(t, newForeseeable(), owned, partitions)
			for range 1 + random.IntN(2) {
				if instance := all[random.IntN(len(all))]; len(owned) > 1 && random.IntN(2) == 0 {
					delete(owned, instance)
				} else if _, there := owned[instance]; !there {
					owned[instance] = nil
				}
			}
			foreseen := Deal(owned, partitions)
			after := settled(t, newForeseeable(), owned, partitions)
			usual := settled(t, kgo.CooperativeStickyBalancer(), owned, partitions)
			if !maps.EqualFunc(foreseen, after, slices.Equal) {
				t.Fatalf("of %v was foreseen %v, and came %v", owned, foreseen, after)
			}
			if moved, most := moves(owned, after), moves(owned, usual); moved > most {
				t.Errorf("from %v, %d partitions moved, with the usual balancer %d", owned, moved, most)
			}
			if got, want := sizes(after), sizes(usual); !slices.Equal(got, want) {
				t.Errorf("from %v, the parts are %v, with the usual balancer %v", owned, got, want)
			}
		}
	}
}

// moves counts the partitions that have another owner afterwards.
func moves(before, after map[string][]int32) (count int) {
	for instance, had := range before {
		for _, partition := range had {
			if !slices.Contains(after[instance], partition) {
				count++
			}
		}
	}
	return count
}

func sizes(dealt map[string][]int32) (sizes []int) {
	for _, part := range dealt {
		sizes = append(sizes, len(part))
	}
	slices.Sort(sizes)
	return sizes
}

// A member that missed a rebalance claims a partition that another member owns by now.
func TestClaimOfAnOldGenerationDoesNotCount(t *testing.T) {
	b := newForeseeable()
	member := func(instance string, generation int32, has ...int32) kmsg.JoinGroupResponseMember {
		m := kmsg.NewJoinGroupResponseMember()
		m.MemberID, m.InstanceID = instance, &instance
		m.ProtocolMetadata = b.JoinGroupMetadata([]string{balanced}, map[string][]int32{balanced: has}, generation)
		return m
	}
	for _, late := range []string{"a", "z"} { // members are looked at in the order of their names
		inner, _, err := b.MemberBalancer([]kmsg.JoinGroupResponseMember{member(late, 3, 0, 1, 2, 3), member("m", 4, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		has, _ := owners(inner.(*kgo.ConsumerBalancer), balanced)
		for _, part := range has {
			slices.Sort(part)
		}
		if !slices.Equal(has["m"], []int32{0, 1}) || !slices.Equal(has[late], []int32{2, 3}) {
			t.Errorf("owners are taken to be %v", has)
		}
	}
}

// When a member is gone, each of its partitions goes to the first instance in the partition's order that has
// room. Nothing else moves.
func TestPartitionsOfAGoneMemberGoToTheBestInstanceWithRoom(t *testing.T) {
	const partitions = 30
	all := Deal(map[string][]int32{"a": nil, "b": nil, "c": nil}, partitions)
	for gone := range all {
		left := maps.Clone(all)
		delete(left, gone)
		after := Deal(left, partitions)
		if moves(left, after) != 0 {
			t.Errorf("without %s, from %v comes %v", gone, left, after)
		}
		first := 0
		for instance, has := range after {
			for _, partition := range all[gone] {
				order := slices.Sorted(maps.Keys(left))
				Prefer(order, partition)
				if order[0] == instance && slices.Contains(has, partition) {
					first++
				}
			}
		}
		if first < 8 {
			t.Errorf("without %s, only %d of 10 partitions went to whom they suit best", gone, first)
		}
	}
}

// No instance is the first choice for most partitions.
func TestPreferenceIsSpreadOverInstances(t *testing.T) {
	first := make(map[string]int)
	for partition := range int32(300) {
		instances := make([]string, 3)
		for i := range instances {
			instances[i] = fmt.Sprintf("hegemonydetector.node-%d", i)
		}
		Prefer(instances, partition)
		first[instances[0]]++
	}
	for instance, count := range first {
		if count < 70 || count > 130 {
			t.Errorf("%s comes first for %d of 300 partitions", instance, count)
		}
	}
}
