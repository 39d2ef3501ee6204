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

// Group looks at a consumer group from outside: its members, their partitions and the committed offsets. It
// can also act for members that are gone (Fence).
type Group struct {
	config Config
	client *kgo.Client
	admin  *kadm.Client
}

// Member is a member of a group.
type Member struct {
	ID         string  // from the broker, a new one each time the member joins
	Instance   string  // its own name, the same after a restart
	Address    string  // where other nodes can ask it, as host:port; empty: nowhere
	Process    string  // the process that first joined under this Instance
	Partitions []int32 // of the input topic; none while the group is not stable
}

// clientID is the session's client id. A broker keeps the first client id of an instance, even if another
// process takes the instance's place.
func (c Config) clientID() string {
	if c.Advertise == "" {
		return Program
	}
	return Program + "@" + c.Advertise + "/" + c.Process
}

// addressOf is the inverse of clientID. It returns empty texts for the id of another program.
func addressOf(clientID string) (address, process string) {
	if rest, ours := strings.CutPrefix(clientID, Program+"@"); ours {
		if at := strings.LastIndexByte(rest, '/'); at > 0 {
			return rest[:at], rest[at+1:]
		}
	}
	return "", ""
}

// dropFormerAddress removes the group's member of our name if it has another address, because other nodes
// would go on asking there.
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
			c.Log.Info("this node has another address now and joins the group anew", "former", m.Address, "advertise", c.Advertise)
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

// NewGroup makes a Group, which connects with its first question.
func NewGroup(config Config) (*Group, error) {
	client, err := kgo.NewClient(config.client("group")...)
	if err != nil {
		return nil, fmt.Errorf("create Kafka client: %w", err)
	}
	return &Group{config, client, kadm.NewClient(client)}, nil
}

// Close closes the connections. It may be called once.
func (g *Group) Close() { g.client.Close() }

// Members are the members that the broker knows. They have no Partitions while the group is not stable.
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

// Committed are the group's committed offsets in the input topic, by partition, and the topic that they belong to.
// Offsets of a former topic of the same name are left out, and so are those of a transaction that is still open.
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

// Partitions is how many partitions the input topic has.
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
