package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// outputPartitions is how many partitions the original program gives its output topic.
const outputPartitions = 10

// askTimeout limits one question to the broker, so that an outage is reported instead of waited for.
const askTimeout = 10 * time.Second

// PrepareTopics checks that the input topic exists, and creates the topics that the detector writes to if they
// are missing. It does not change existing topics, except that the episodes topic gets as many partitions as the
// input topic. It learns how large their records may be, and warns if they keep records for too short a time. Its
// error says what is wrong; every one of them may pass with time, so the caller tries again.
func PrepareTopics(ctx context.Context, config Config) (err error) {
	defer func() { config.Observer.note(Opening, err) }()
	client, err := kgo.NewClient(append(config.client("topics"), kgo.WithContext(ctx))...) // the client would let a silent broker hold up a stop
	if err != nil {
		return fmt.Errorf("create Kafka client: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()

	admin := kadm.NewClient(client)
	wanted := config.written()
	topics, err := admin.ListTopics(kadm.WithAuthorizedOps(ctx), append(wanted, config.InputTopic)...)
	if err = config.refusedTopic(ctx, admin, err); err != nil {
		return fmt.Errorf("reach a broker of %v: %w", config.Brokers, err)
	}
	if !topics.Has(config.InputTopic) {
		return fmt.Errorf("input topic %s does not exist: %w", config.InputTopic, kerr.UnknownTopicOrPartition)
	}
	for _, detail := range topics.Sorted() {
		if detail.Err == nil && config.unusable(detail) {
			return config.topicRefused(detail.Topic, kerr.TopicAuthorizationFailed)
		}
	}
	about := config.describe(ctx, admin, append(wanted, config.InputTopic)...)
	for _, topic := range wanted {
		if topics.Has(topic) {
			continue
		}
		made := config.making(topic, about[config.InputTopic], len(topics[config.InputTopic].Partitions))
		if err := config.create(ctx, admin, topic, made); err != nil {
			if errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed) {
				err = config.topicRefused(topic, err)
			}
			return fmt.Errorf("create topic %s: %w", topic, err)
		}
		maps.Copy(about, config.describe(ctx, admin, topic))
	}
	config.warnOfRetention(ctx, client, wanted, about)
	config.warnOfCompaction(about)
	return config.widen(ctx, admin, len(topics[config.InputTopic].Partitions))
}

// written are the topics that the detector writes to.
func (c Config) written() []string {
	written := []string{c.OutputTopic}
	for _, topic := range []string{c.DeadLetterTopic, c.EpisodesTopic} {
		if topic != "" {
			written = append(written, topic)
		}
	}
	return written
}

// unusable says whether the user lacks a permission on a topic.
func (c Config) unusable(topic kadm.TopicDetail) bool {
	allowed := topic.AuthorizedOperations
	reads := topic.Topic == c.InputTopic || topic.Topic == c.EpisodesTopic
	writes := topic.Topic != c.InputTopic
	return reads && forbidden(allowed, kmsg.ACLOperationRead) || writes && forbidden(allowed, kmsg.ACLOperationWrite)
}

// making is how a topic is created.
type making struct {
	partitions int32
	with       map[string]*string // its settings
	least      map[string]*string // those without which it is not created, even if the broker refuses the others
}

// making is how a topic that the detector writes to is created.
func (c Config) making(topic string, input settings, partitions int) making {
	if topic == c.EpisodesTopic {
		return making{int32(partitions), c.episodesMadeWith(input), compacted()}
	}
	return making{outputPartitions, c.madeWith(input), nil}
}

// create creates a topic with the smallest number of replicas with which the broker accepts writes. If the
// broker's policy refuses that, it tries the broker's default for the replicas, then for the settings, then for
// both.
func (c Config) create(ctx context.Context, admin *kadm.Client, topic string, made making) error {
	const brokerDefault = -1
	replicas := minimumReplicas(ctx, admin)
	var err error
	for _, try := range []struct {
		replicas int16
		with     map[string]*string
	}{{replicas, made.with}, {brokerDefault, made.with}, {replicas, made.least}, {brokerDefault, made.least}} {
		_, err = admin.CreateTopic(ctx, made.partitions, try.replicas, try.with, topic)
		switch {
		case err == nil && try.with == nil && made.with != nil:
			c.Log.Warn("topic created with the broker's settings, because it refuses ours: make sure that it keeps records as long as the input topic",
				"topic", topic, "partitions", made.partitions)
			return nil
		case err == nil:
			c.Log.Info("topic created", "topic", topic, "partitions", made.partitions, "settings", inWords(try.with))
			return nil
		case errors.Is(err, kerr.TopicAlreadyExists):
			return nil // another node was faster
		case !errors.Is(err, kerr.InvalidReplicationFactor) && !errors.Is(err, kerr.PolicyViolation) && !errors.Is(err, kerr.InvalidConfig):
			return err
		}
	}
	return err
}

// inWords prints settings, as in "cleanup.policy=delete retention.ms=-1".
func inWords(with map[string]*string) string {
	var words []string
	for _, key := range slices.Sorted(maps.Keys(with)) {
		words = append(words, key+"="+*with[key])
	}
	return strings.Join(words, " ")
}

// minimumReplicas is the broker's min.insync.replicas, or 1 if the broker does not tell. A transactional
// write to a topic with fewer replicas would never be acknowledged.
func minimumReplicas(ctx context.Context, admin *kadm.Client) int16 {
	configs, err := admin.DescribeBrokerConfigs(ctx)
	if err != nil {
		return 1
	}
	for _, resource := range configs {
		for _, entry := range resource.Configs {
			if entry.Key != "min.insync.replicas" {
				continue
			}
			if replicas, err := strconv.ParseInt(entry.MaybeValue(), 10, 16); err == nil {
				return int16(max(replicas, 1))
			}
		}
	}
	return 1
}

func portText(port int32) string { return strconv.Itoa(int(port)) }
