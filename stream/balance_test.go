package stream

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const balanced = "topic"

// balance lets a leader balance a group whose members have these partitions.
func balance(t *testing.T, owned map[string][]int32, partitions int32) map[string][]int32 {
	t.Helper()
	b := newPreferring()
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

// TestOrphansGoToTheirStandbys: when a member is gone, each of its partitions
// goes to whoever comes first in its order, as long as that has room, and
// nothing else moves.
func TestOrphansGoToTheirStandbys(t *testing.T) {
	const partitions = 30
	all := map[string][]int32{"a": nil, "b": nil, "c": nil}
	all = balance(t, all, partitions)
	for instance, has := range all {
		if len(has) != partitions/3 {
			t.Fatalf("%s has %v at the start", instance, has)
		}
	}
	for gone := range all {
		left := make(map[string][]int32)
		for instance, has := range all {
			if instance != gone {
				left[instance] = has
			}
		}
		after := balance(t, left, partitions)
		preferred := 0
		for instance, has := range after {
			if len(has) != partitions/2 {
				t.Errorf("without %s, %s has %d", gone, instance, len(has))
			}
			for _, partition := range all[instance] {
				if !slices.Contains(has, partition) {
					t.Errorf("without %s, partition %d moved away from %s", gone, partition, instance)
				}
			}
			for _, partition := range all[gone] {
				order := []string{"a", "b", "c"}
				Prefer(order, partition)
				order = slices.DeleteFunc(order, func(i string) bool { return i == gone })
				if order[0] == instance && slices.Contains(has, partition) {
					preferred++
				}
			}
		}
		if preferred < 8 {
			t.Errorf("without %s, only %d of 10 partitions went to their standbys", gone, preferred)
		}
	}
}

// TestPreferenceSpreads: no instance is the first choice for most partitions.
func TestPreferenceSpreads(t *testing.T) {
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
