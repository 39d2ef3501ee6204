package stream

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// foreseeable is a balancer with the name and the share sizes of cooperative-sticky. Deal chooses which
// partitions a member gets, so a node can compute the next owner of a partition before a member joins or
// leaves, and the next owner can copy its windows in time.
//
// Only the group's leader balances. If the leader is a program with another balancer, the members still
// work together, but what they compute in advance may be wrong.
type foreseeable struct{ kgo.GroupBalancer }

func newForeseeable() kgo.GroupBalancer { return foreseeable{kgo.CooperativeStickyBalancer()} }

func (f foreseeable) MemberBalancer(members []kmsg.JoinGroupResponseMember) (kgo.GroupMemberBalancer, map[string]struct{}, error) {
	balancer, err := kgo.NewConsumerBalancer(f, members)
	return balancer, balancer.MemberTopics(), err
}

// Balance implements kgo.ConsumerBalancerBalance.
func (f foreseeable) Balance(b *kgo.ConsumerBalancer, topics map[string]int32) kgo.IntoSyncAssignment {
	plan := b.NewPlan()
	for topic, partitions := range topics {
		owned, members := owners(b, topic)
		for instance, share := range Deal(owned, partitions) {
			if len(share) > 0 {
				plan.AddPartitions(members[instance], topic, share)
			}
		}
	}
	plan.AdjustCooperative(b) // its owner gives a partition up before another member gets it
	return plan
}

// owners returns the members that read a topic, by instance, and the partitions that each of them owns. If
// several members claim a partition, the claim of the newest generation counts: the others do not know yet
// that they lost it.
func owners(b *kgo.ConsumerBalancer, topic string) (owned map[string][]int32, members map[string]*kmsg.JoinGroupResponseMember) {
	type claim struct {
		instance   string
		generation int32
	}
	claims := make(map[int32]claim)
	owned, members = make(map[string][]int32), make(map[string]*kmsg.JoinGroupResponseMember)
	b.EachMember(func(member *kmsg.JoinGroupResponseMember, meta *kmsg.ConsumerMemberMetadata) {
		if !slices.Contains(meta.Topics, topic) {
			return
		}
		instance := member.MemberID
		if member.InstanceID != nil {
			instance = *member.InstanceID
		}
		owned[instance], members[instance] = nil, member
		for _, claimed := range meta.OwnedPartitions {
			if claimed.Topic != topic {
				continue
			}
			for _, partition := range claimed.Partitions {
				if other, known := claims[partition]; !known || meta.Generation > other.generation {
					claims[partition] = claim{instance, meta.Generation}
				}
			}
		}
	})
	for partition, c := range claims {
		owned[c.instance] = append(owned[c.instance], partition)
	}
	return owned, members
}
