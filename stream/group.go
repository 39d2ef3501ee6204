package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
)

// Group is a consumer group from outside: who is in it, who owns what, and what was
// committed; and what is done in the name of members that are gone.
type Group struct {
	config Config
	client *kgo.Client
	admin  *kadm.Client
}

// Member is a member of a group.
type Member struct {
	ID         string  // given by the broker, anew each time it joins
	Instance   string  // its own, the same after a restart
	Address    string  // where it can be asked; empty: it cannot
	Process    string  // that joined first under the instance's name
	Partitions []int32 // of the input topic; none while the group is not stable
}

// clientID is what the session calls itself. Brokers keep the first client id of an
// instance, also when another process takes its place.
func (c Config) clientID() string {
	if c.Advertise == "" {
		return Program
	}
	return Program + "@" + c.Advertise + "/" + c.Process
}

// addressOf reads what clientID has written.
func addressOf(clientID string) (address, process string) {
	if rest, ours := strings.CutPrefix(clientID, Program+"@"); ours {
		if at := strings.LastIndexByte(rest, '/'); at > 0 {
			return rest[:at], rest[at+1:]
		}
	}
	return "", ""
}

// dropFormerAddress ends the membership of a process of the same name that could
// be asked elsewhere: others would go on asking there.
func (c Config) dropFormerAddress(ctx context.Context) error {
	if c.Advertise == "" {
		return nil
	}
	group, err := NewGroup(c)
	if err != nil {
		return err
	}
	defer group.Close()
	ctx, cancel := context.WithTimeout(ctx, c.Timing.Transaction)
	defer cancel()
	members, _, err := group.Members(ctx)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Instance == c.Member && m.Address != c.Advertise {
			c.Log.Info("this node has another address now, joining the group anew", "former", m.Address, "advertise", c.Advertise)
			return group.leave(ctx, "another address")
		}
	}
	return nil
}

func (g *Group) leave(ctx context.Context, reason string) error {
	answers, err := g.admin.LeaveGroup(ctx, kadm.LeaveGroup(g.config.Group).InstanceIDs(g.config.Member).Reason(reason))
	if err == nil {
		err = answers.Error()
	}
	if err != nil {
		return fmt.Errorf("leave group %s as %s: %w", g.config.Group, g.config.Member, err)
	}
	return nil
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
	if errors.Is(err, kerr.GroupIDNotFound) {
		return nil, false, nil // nobody has joined it yet
	}
	if err != nil {
		return nil, false, fmt.Errorf("describe group %s: %w", g.config.Group, err)
	}
	group := groups[g.config.Group]
	for _, found := range group.Members {
		member := Member{ID: found.MemberID}
		member.Address, member.Process = addressOf(found.ClientID)
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
// transaction may still take back or that are of a former topic of its name.
func (g *Group) Committed(ctx context.Context) (map[int32]int64, messages.Identity, error) {
	answer, err := g.admin.FetchOffsets(ctx, g.config.Group)
	if err == nil {
		err = answer.Error()
	}
	if err != nil {
		return nil, messages.Identity{}, fmt.Errorf("fetch offsets of group %s: %w", g.config.Group, err)
	}
	topic, err := g.config.identify(ctx, g.admin)
	if err != nil {
		return nil, messages.Identity{}, err
	}
	committed := make(map[int32]int64)
	for partition, offset := range answer[g.config.InputTopic] {
		if offset.At >= 0 && !markOf(offset.Metadata).Differs(topic) {
			committed[partition] = offset.At
		}
	}
	return committed, topic, nil
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
