package stream

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// foreseeable is cooperative-sticky by its name and in how many partitions each
// member has. Which ones, it leaves to Deal: so nodes can tell who will have a
// partition when somebody comes or goes, and who will have it can get its windows
// before. The leader of the group alone balances; if it is a program with another
// balancer, members work together all the same, and what they foresee may be wrong.
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
		has, members := owners(b, topic)
		for instance, part := range Deal(has, partitions) {
			if len(part) > 0 {
				plan.AddPartitions(members[instance], topic, part)
			}
		}
	}
	plan.AdjustCooperative(b) // who has a partition gives it up before another one gets it
	return plan
}

// owners are the members of a topic by their instances, and the partitions each has.
// Of several that say they have one, those who lost it do not know yet.
func owners(b *kgo.ConsumerBalancer, topic string) (has map[string][]int32, members map[string]*kmsg.JoinGroupResponseMember) {
	type claim struct {
		instance   string
		generation int32
	}
	claims := make(map[int32]claim)
	has, members = make(map[string][]int32), make(map[string]*kmsg.JoinGroupResponseMember)
	b.EachMember(func(member *kmsg.JoinGroupResponseMember, meta *kmsg.ConsumerMemberMetadata) {
		if !slices.Contains(meta.Topics, topic) {
			return
		}
		instance := member.MemberID
		if member.InstanceID != nil {
			instance = *member.InstanceID
		}
		has[instance], members[instance] = nil, member
		for _, owned := range meta.OwnedPartitions {
			if owned.Topic != topic {
				continue
			}
			for _, partition := range owned.Partitions {
				if other, claimed := claims[partition]; !claimed || meta.Generation > other.generation {
					claims[partition] = claim{instance, meta.Generation}
				}
			}
		}
	})
	for partition, c := range claims {
		has[c.instance] = append(has[c.instance], partition)
	}
	return has, members
}
