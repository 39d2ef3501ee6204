package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// outputPartitions is what the original program creates its output topic with.
const outputPartitions = 10

// askTimeout bounds one question to the broker, so that an outage is told.
const askTimeout = 10 * time.Second

// PrepareTopics checks that the input topic is there and creates the output and
// dead-letter topics if they are missing; existing ones are left alone. The
// error says what is wrong; all of them may pass with time.
func PrepareTopics(ctx context.Context, config Config) (err error) {
	defer func() { config.Observer.note(Opening, err) }()
	client, err := kgo.NewClient(config.client("topics")...)
	if err != nil {
		return fmt.Errorf("create Kafka client: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()

	admin := kadm.NewClient(client)
	wanted := []string{config.OutputTopic}
	if config.DeadLetterTopic != "" {
		wanted = append(wanted, config.DeadLetterTopic)
	}
	topics, err := admin.ListTopics(ctx, append(wanted, config.InputTopic)...)
	if err != nil {
		return fmt.Errorf("reach a broker of %v: %w", config.Brokers, err)
	}
	if !topics.Has(config.InputTopic) {
		return fmt.Errorf("input topic %s does not exist", config.InputTopic)
	}
	for _, topic := range wanted {
		if topics.Has(topic) {
			continue
		}
		if err := create(ctx, admin, topic); err != nil {
			return fmt.Errorf("create topic %s: %w", topic, err)
		}
		config.Log.Info("topic created", "topic", topic, "partitions", outputPartitions)
	}
	return nil
}

// create makes a topic with the fewest replicas the broker takes writes with.
func create(ctx context.Context, admin *kadm.Client, topic string) error {
	_, err := admin.CreateTopic(ctx, outputPartitions, minimumReplicas(ctx, admin), nil, topic)
	if errors.Is(err, kerr.InvalidReplicationFactor) || errors.Is(err, kerr.PolicyViolation) {
		const brokerDefault = -1
		_, err = admin.CreateTopic(ctx, outputPartitions, brokerDefault, nil, topic)
	}
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return nil // another node was faster
	}
	return err
}

// minimumReplicas is the broker's min.insync.replicas: with fewer replicas a
// transactional write would never be acknowledged. 1 if the broker does not say.
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
