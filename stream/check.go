package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"anomalydetector/messages"
)

// Findings are what Check found, in sentences.
type Findings struct {
	Facts    []string
	Warnings []string // a person may want to change these
	Problems []string // these keep the detector from working
}

func (f *Findings) fact(format string, values ...any) {
	f.Facts = append(f.Facts, fmt.Sprintf(format, values...))
}

func (f *Findings) warn(format string, values ...any) {
	f.Warnings = append(f.Warnings, fmt.Sprintf(format, values...))
}

func (f *Findings) problem(format string, values ...any) {
	f.Problems = append(f.Problems, fmt.Sprintf(format, values...))
}

// checkTimeout limits each question of Check.
const checkTimeout = 5 * time.Second

// Wanted says what else Check looks at.
type Wanted struct {
	Shown bool // people read the output topic
	// Read returns the entity of an input record, or why it cannot be read; nil: Check reads no records.
	Read func(timestamp int64, payload []byte) (entity string, err error)
}

// Check asks the broker for everything that a start needs: whether it answers and accepts us, the topics, the
// settings and the group. It joins no group and creates nothing.
func Check(ctx context.Context, config Config, wanted Wanted) Findings {
	var found Findings
	client, err := kgo.NewClient(append(config.client("check"), kgo.RequestRetries(2), kgo.DialTimeout(checkTimeout))...)
	if err != nil {
		found.problem("create Kafka client: %s", err)
		return found
	}
	defer client.Close()
	c := &check{Config: config, Wanted: wanted, client: client, admin: kadm.NewClient(client), Findings: &found}
	c.Outlet = NewOutlet() // one that has not logged anything yet
	if !c.cluster(ctx) {
		return found
	}
	c.topics(ctx)
	c.timeouts(ctx)
	c.group(ctx)
	c.transactions(ctx)
	c.readable(ctx)
	return found
}

// check is a Check under way.
type check struct {
	Config
	Wanted
	*Findings
	client *kgo.Client
	admin  *kadm.Client
	input  kadm.TopicDetail // has no partitions if the topic does not exist
	named  string           // the cluster's id
}

// ask asks a question with a time limit.
func ask[T any](ctx context.Context, question func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return question(ctx)
}

// cluster looks at the brokers, and returns whether one answers.
func (c *check) cluster(ctx context.Context) bool {
	metadata, err := ask(ctx, c.admin.BrokerMetadata)
	if err != nil {
		c.problem("reach a broker of %s: %s", strings.Join(c.Brokers, ", "), Explain(ctx, c.Config, err))
		return false
	}
	c.named = metadata.Cluster
	c.fact("cluster %s answers: %s", metadata.Cluster, counted(len(metadata.Brokers), "broker"))
	return true
}

// topics looks at the topics that the detector reads and writes.
func (c *check) topics(ctx context.Context) {
	about := make(map[string]settings)
	var there []string
	for _, topic := range append([]string{c.InputTopic}, c.written()...) {
		role := c.role(topic)
		detail, err := ask(kadm.WithAuthorizedOps(ctx), func(ctx context.Context) (kadm.TopicDetail, error) {
			metadata, err := c.admin.Metadata(ctx, topic)
			if err != nil {
				return kadm.TopicDetail{}, err
			}
			return metadata.Topics[topic], metadata.Topics[topic].Err
		})
		switch {
		case errors.Is(err, kerr.UnknownTopicOrPartition) && topic == c.InputTopic:
			c.problem("input topic %s does not exist", topic)
			continue
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			c.missing(ctx, role, topic, about[c.InputTopic])
			continue
		case errors.Is(err, kerr.TopicAuthorizationFailed):
			c.problem("%s", c.topicRefused(topic, err))
			continue
		case err != nil:
			c.problem("look at topic %s: %s", topic, err)
			continue
		}
		if topic == c.InputTopic {
			c.input = detail
		}
		if c.unusable(detail) {
			c.problem("%s", c.topicRefused(topic, kerr.TopicAuthorizationFailed))
		}
		if role == "output" && c.Shown && forbidden(detail.AuthorizedOperations, kmsg.ACLOperationRead) {
			c.warn("topic %s may not be read: the page, the API and the command anomalies show no anomalies until the user has the permission Read on it", topic)
		}
		for _, partition := range detail.Partitions.Sorted() {
			if partition.Leader < 0 {
				c.problem("partition %d of topic %s has no leader", partition.Partition, topic)
			}
		}
		asking, cancel := context.WithTimeout(ctx, checkTimeout)
		about[topic] = c.quietly().describe(asking, c.admin, topic)[topic]
		cancel()
		keep := "not told by the broker (allow DESCRIBE_CONFIGS on it)"
		if known := about[topic].retention(); known != 0 {
			keep = hours(known)
		}
		c.fact("%s topic %s: %s, retention %s", role, topic, counted(len(detail.Partitions), "partition"), keep)
		there = append(there, topic)
		if topic == c.EpisodesTopic {
			c.narrow(detail)
		}
	}
	if len(c.input.Partitions) > 0 {
		telling := c.quietly()
		telling.Log = slog.New(toWarnings{c.Findings})
		asking, cancel := context.WithTimeout(ctx, checkTimeout)
		defer cancel()
		written := slices.DeleteFunc(there, func(topic string) bool { return topic == c.InputTopic })
		telling.warnOfRetention(asking, c.client, written, about)
		telling.warnOfCompaction(about)
	}
}

// role says what a topic is for.
func (c *check) role(topic string) string {
	switch topic {
	case c.InputTopic:
		return "input"
	case c.OutputTopic:
		return "output"
	case c.EpisodesTopic:
		return "episodes"
	}
	return "dead-letter"
}

// narrow says whether the episodes topic has fewer partitions than the input topic.
func (c *check) narrow(episodes kadm.TopicDetail) {
	has, wanted := len(episodes.Partitions), len(c.input.Partitions)
	switch {
	case has >= wanted:
	case forbidden(episodes.AuthorizedOperations, kmsg.ACLOperationAlter):
		c.problem("%s", c.tooNarrow(has, wanted, kerr.TopicAuthorizationFailed))
	default:
		c.fact("episodes topic %s has %s, and the input topic %d: a start adds the others", c.EpisodesTopic, counted(has, "partition"), wanted)
	}
}

// quietly is the configuration without its log: Check reports in its findings instead.
func (c *check) quietly() Config {
	quiet := c.Config
	quiet.Log = slog.New(slog.DiscardHandler)
	return quiet
}

// missing asks the broker whether it would let us create a topic, as the start does.
func (c *check) missing(ctx context.Context, role, topic string, input settings) {
	made := c.making(topic, input, len(c.input.Partitions))
	keep := "the broker's default retention"
	if topic == c.EpisodesTopic {
		keep = "compacted"
	} else if known := c.retention(input); known != 0 {
		keep = "retention " + hours(known)
	} else if len(c.input.Partitions) == 0 {
		keep = "the input topic's retention"
	}
	if made.partitions == 0 {
		c.fact("%s topic %s does not exist; a start creates it: as many partitions as the input topic, %s", role, topic, keep)
		return
	}
	c.fact("%s topic %s does not exist; a start creates it: %s, %s", role, topic, counted(int(made.partitions), "partition"), keep)
	answers, err := ask(ctx, func(ctx context.Context) (kadm.CreateTopicResponses, error) {
		return c.admin.ValidateCreateTopics(ctx, made.partitions, minimumReplicas(ctx, c.admin), made.with, topic)
	})
	if err == nil {
		err = answers[topic].Err
	}
	switch {
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		c.problem("%s", c.topicRefused(topic, err))
	case err != nil:
		c.warn("topic %s: the broker may refuse to create it: %s", topic, err)
	}
}

// timeouts compares our timeouts with the broker's limits.
func (c *check) timeouts(ctx context.Context) {
	asked := c.Config
	asked.Given = true // compare them even if no operator has set them
	if err := CheckTimeouts(ctx, asked); err != nil {
		c.problem("%s", Explain(ctx, c.Config, err))
	}
	broker, err := c.brokerSettings(ctx)
	if most, known := broker[mostTransaction]; err == nil && known && c.Timing.Transaction > most {
		c.problem("%s", Explain(ctx, c.Config, kerr.InvalidTransactionTimeout))
	}
}

// group looks at the group's members, and at where it would begin to read.
func (c *check) group(ctx context.Context) {
	groups, err := ask(ctx, func(ctx context.Context) (kadm.DescribedGroups, error) { return c.admin.DescribeGroups(ctx, c.Group) })
	if err == nil {
		err = groups[c.Group].Err
	}
	group := groups[c.Group]
	var members []string // by client id
	for _, member := range group.Members {
		members = append(members, member.ClientID)
	}
	switch {
	case errors.Is(err, kerr.GroupIDNotFound): // there is none, or one of Kafka's newer protocol, which lets us in
		newer, _ := ask(ctx, func(ctx context.Context) (kadm.DescribedConsumerGroups, error) {
			return c.admin.DescribeConsumerGroups(ctx, c.Group)
		})
		for _, member := range newer[c.Group].Members {
			members = append(members, member.ClientID)
		}
	case err != nil:
		c.problem("describe group %s: %s", c.Group, Explain(ctx, c.Config, err))
		return
	case forbidden(group.AuthorizedOperations, kmsg.ACLOperationRead):
		c.problem("%s", Explain(ctx, c.Config, kerr.GroupAuthorizationFailed))
	case len(group.Members) > 0 && group.Protocol != "" && group.Protocol != newForeseeable().ProtocolName():
		c.problem("group %s has members with another assignment protocol, %s, such as the original program: stop them, or use another consumer_group",
			c.Group, group.Protocol)
	}
	others := slices.DeleteFunc(slices.Clone(members), func(id string) bool { return id == Program || strings.HasPrefix(id, Program+"@") })
	if len(others) > 0 {
		c.warn("group %s has %s of another program (client id %s): its partitions are not watched", c.Group, counted(len(others), "member"), others[0])
	}
	if len(c.input.Partitions) == 0 {
		return
	}
	limits, err := ask(ctx, func(ctx context.Context) (map[int32]bounds, error) { return boundsOf(ctx, c.admin, c.InputTopic) })
	if err != nil {
		c.problem("list offsets of topic %s: %s", c.InputTopic, err)
		return
	}
	committed, err := ask(ctx, func(ctx context.Context) (kadm.OffsetResponses, error) { return c.admin.FetchOffsets(ctx, c.Group) })
	if err == nil {
		err = committed.Error()
	}
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		c.problem("fetch offsets of group %s: %s", c.Group, Explain(ctx, c.Config, err))
		return
	}
	c.begins(len(members), limits, committed[c.InputTopic])
}

// transactions asks whether we may write with transactions. The group is asked here, too: a broker does not
// tell what is allowed in a group that does not exist yet.
func (c *check) transactions(ctx context.Context) {
	quiet := c.quietly()
	asking, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if err := quiet.groupAccess(asking, c.client); err != nil {
		if line := Explain(ctx, c.Config, err).Error(); !c.hasProblem(c.names().Advice(kerr.GroupAuthorizationFailed.Message)) {
			c.problem("%s", line)
		}
	}
	if err := quiet.transactionAccess(asking, c.client); err != nil {
		c.problem("%s", Explain(ctx, c.Config, err))
	}
}

func (f *Findings) hasProblem(part string) bool {
	return slices.ContainsFunc(f.Problems, func(line string) bool { return strings.Contains(line, part) })
}

// begins says where the group would begin to read.
func (c *check) begins(members int, limits map[int32]bounds, committed map[int32]kadm.OffsetResponse) {
	topic := messages.Identity{Cluster: c.named, Topic: topicID(c.input.ID)}
	with, lag := 0, int64(0)
	var former, deleted, beyond []int32
	for partition, bound := range limits {
		offset, there := committed[partition]
		next := offset.At
		switch {
		case !there || next < 0:
			next = bound.first
		case markOf(offset.Metadata).Differs(topic):
			former, next = append(former, partition), bound.first
		case next < bound.first:
			deleted, next = append(deleted, partition), bound.first
		case next > bound.end:
			beyond, next = append(beyond, partition), bound.first
		default:
			with++
		}
		lag += bound.end - next
	}
	c.fact("group %s: %s; it goes on at committed offsets in %d of %s, and has %s to read", c.Group, counted(members, "member"), with,
		counted(len(limits), "partition"), counted(int(lag), "offset"))
	for _, other := range []struct {
		partitions []int32
		why        string
	}{
		{former, "the committed offset is of a former topic of that name, and is not used"},
		{deleted, "the committed offset lies before the first record: those between are lost"},
		{beyond, "the committed offset lies beyond the end of the topic"},
	} {
		if len(other.partitions) > 0 {
			slices.Sort(other.partitions)
			c.warn("%s; the detector begins at the first record (partitions %s of %s)", other.why, numbers(other.partitions), c.InputTopic)
		}
	}
}

// numbers prints a list, as in "0, 3, 7".
func numbers(all []int32) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(all), " ", ", "), "[]")
}

// counted prints a number of things, as in "1 broker" and "3 brokers".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// forbidden says whether an operation is missing from those allowed. Brokers that list none do not support
// the question.
func forbidden(allowed []kadm.ACLOperation, needed kadm.ACLOperation) bool {
	return len(allowed) > 0 && !slices.Contains(allowed, needed)
}

// toWarnings is a log handler that turns log lines into warnings.
type toWarnings struct{ *Findings }

// Enabled implements slog.Handler.
func (toWarnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle implements slog.Handler.
func (w toWarnings) Handle(_ context.Context, record slog.Record) error {
	words := []string{record.Message}
	record.Attrs(func(a slog.Attr) bool {
		words = append(words, a.String())
		return true
	})
	w.warn("%s", strings.Join(words, " "))
	return nil
}

// WithAttrs implements slog.Handler.
func (w toWarnings) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup implements slog.Handler.
func (w toWarnings) WithGroup(string) slog.Handler { return w }
