package stream

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Group looks at a consumer group from outside: who is in it, who owns what, and
// what was committed.
type Group struct {
	config Config
	client *kgo.Client
	admin  *kadm.Client
}

// Member is a member of a group.
type Member struct {
	ID         string // given by the broker, anew each time it joins
	Instance   string // its own, the same after a restart
	ClientID   string
	Partitions []int32 // of the input topic; none while the group is not stable
}

// NewGroup does not connect yet.
func NewGroup(config Config) (*Group, error) {
	client, err := kgo.NewClient(config.client("group")...)
	if err != nil {
		return nil, fmt.Errorf("create Kafka client: %w", err)
	}
	return &Group{config, client, kadm.NewClient(client)}, nil
}

// Close may be called once.
func (g *Group) Close() { g.client.Close() }

// Members are those that the broker knows. While the group is not stable their
// partitions are not told.
func (g *Group) Members(ctx context.Context) (members []Member, stable bool, err error) {
	groups, err := g.admin.DescribeGroups(ctx, g.config.Group)
	if err == nil {
		err = groups.Error()
	}
	if err != nil {
		return nil, false, fmt.Errorf("describe group %s: %w", g.config.Group, err)
	}
	group := groups[g.config.Group]
	for _, found := range group.Members {
		member := Member{ID: found.MemberID, ClientID: found.ClientID}
		if found.InstanceID != nil {
			member.Instance = *found.InstanceID
		}
		if assigned, ok := found.Assigned.AsConsumer(); ok {
			for _, topic := range assigned.Topics {
				if topic.Topic == g.config.InputTopic {
					member.Partitions = append(member.Partitions, topic.Partitions...)
				}
			}
		}
		members = append(members, member)
	}
	return members, group.State == "Stable", nil
}

// Committed are the group's offsets in the input topic, without those that a
// transaction may still take back.
func (g *Group) Committed(ctx context.Context) (map[int32]int64, error) {
	answer, err := g.admin.FetchOffsets(ctx, g.config.Group)
	if err == nil {
		err = answer.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("fetch offsets of group %s: %w", g.config.Group, err)
	}
	committed := make(map[int32]int64)
	for partition, offset := range answer[g.config.InputTopic] {
		if offset.At >= 0 {
			committed[partition] = offset.At
		}
	}
	return committed, nil
}

// Partitions is how many the input topic has.
func (g *Group) Partitions(ctx context.Context) (int32, error) {
	topics, err := g.admin.ListTopics(ctx, g.config.InputTopic)
	if err == nil {
		err = topics.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("look at topic %s: %w", g.config.InputTopic, err)
	}
	return int32(len(topics[g.config.InputTopic].Partitions)), nil
}
