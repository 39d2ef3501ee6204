package stream

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// preferring is cooperative-sticky, by its name and in how many partitions each
// member has. Of the partitions that nobody has at the moment it gives each to the
// member that suits it best (Prefer), which has kept it warm if standbys do that.
// It is of use to the leader of the group alone, so members need not agree on it.
type preferring struct{ kgo.GroupBalancer }

func newPreferring() kgo.GroupBalancer { return preferring{kgo.CooperativeStickyBalancer()} }

func (p preferring) MemberBalancer(members []kmsg.JoinGroupResponseMember) (kgo.GroupMemberBalancer, map[string]struct{}, error) {
	inner, topics, err := p.GroupBalancer.MemberBalancer(members)
	if err != nil {
		return nil, nil, err
	}
	consumers, ok := inner.(*kgo.ConsumerBalancer)
	if !ok {
		return nil, nil, fmt.Errorf("the sticky balancer is a %T", inner)
	}
	return &preferringMembers{consumers}, topics, nil
}

type preferringMembers struct{ *kgo.ConsumerBalancer }

// BalanceOrError is what the client calls.
func (p *preferringMembers) BalanceOrError(topics map[string]int32) (kgo.IntoSyncAssignment, error) {
	balanced, err := p.ConsumerBalancer.BalanceOrError(topics)
	if err != nil {
		return nil, err
	}
	plan, ok := balanced.(*kgo.BalancePlan)
	if !ok {
		return nil, fmt.Errorf("the sticky balancer's plan is a %T", balanced)
	}
	for topic, partitions := range topics {
		p.prefer(plan.AsMemberIDMap(), topic, partitions)
	}
	return plan, nil
}

// prefer deals out anew what nobody has.
func (p *preferringMembers) prefer(plan map[string]map[string][]int32, topic string, partitions int32) {
	owned := make(map[int32]bool)
	var instances []string
	members := make(map[string]string) // by instance
	p.EachMember(func(member *kmsg.JoinGroupResponseMember, meta *kmsg.ConsumerMemberMetadata) {
		instance := member.MemberID
		if member.InstanceID != nil {
			instance = *member.InstanceID
		}
		instances = append(instances, instance)
		members[instance] = member.MemberID
		for _, has := range meta.OwnedPartitions {
			if has.Topic == topic {
				for _, partition := range has.Partitions {
					owned[partition] = true
				}
			}
		}
	})
	room := make(map[string]int) // by member: so many of those that nobody has
	planned := make(map[int32]bool)
	for member, all := range plan {
		kept := all[topic][:0]
		for _, partition := range all[topic] {
			planned[partition] = true
			if owned[partition] {
				kept = append(kept, partition)
			} else {
				room[member]++
			}
		}
		if len(all[topic]) > 0 {
			all[topic] = kept
		}
	}
	for partition := range partitions {
		if !planned[partition] || owned[partition] {
			continue
		}
		Prefer(instances, partition)
		for _, instance := range instances {
			if member := members[instance]; room[member] > 0 {
				room[member]--
				plan[member][topic] = append(plan[member][topic], partition)
				break
			}
		}
	}
}
