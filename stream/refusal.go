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

// Explain says what to do about an error by which the broker refuses us: which
// permission is missing, or which setting is out of which bounds. It may ask the
// broker for these. Other errors are returned as they are.
func Explain(ctx context.Context, config Config, err error) error {
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return fmt.Errorf("%w (the broker refuses [kafka] sasl_username with the password in sasl_password_file; the file is read again at each try)", err)
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return fmt.Errorf("%w (the user needs the permission Read on the group %s)", err, config.Group)
	case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		return fmt.Errorf("%w (the user needs the permissions Write and Describe on the transactional id %s)", err, config.transactionalID())
	case errors.Is(err, kerr.InvalidSessionTimeout):
		return fmt.Errorf("%w ([kafka] session_timeout is %s, and the broker takes %s)", err, config.Timing.Session,
			config.bounds(ctx, "group.min.session.timeout.ms", "group.max.session.timeout.ms"))
	case errors.Is(err, kerr.InvalidTransactionTimeout):
		return fmt.Errorf("%w ([kafka] transaction_timeout is %s, and the broker takes %s)", err, config.Timing.Transaction,
			config.bounds(ctx, "", "transaction.max.timeout.ms"))
	}
	return err
}

// bounds tells from when to when a broker takes a time, by its settings, if we may
// read them.
func (c Config) bounds(ctx context.Context, least, most string) string {
	names := most
	if least != "" {
		names = least + " and " + most
	}
	settings, err := c.brokerSettings(ctx)
	if err != nil {
		return "what its settings " + names + " allow"
	}
	text := "at most " + settings[most]
	if least != "" {
		text = settings[least] + " to " + settings[most]
	}
	return text + " (its settings " + names + ")"
}

// brokerSettings are the times among the settings of a broker.
func (c Config) brokerSettings(ctx context.Context) (map[string]string, error) {
	client, err := kgo.NewClient(c.client("settings")...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	admin := kadm.NewClient(client)
	brokers, err := admin.ListBrokers(ctx)
	if err != nil {
		return nil, err
	}
	if len(brokers) == 0 {
		return nil, errors.New("no broker is known")
	}
	found, err := admin.DescribeBrokerConfigs(ctx, brokers[0].NodeID)
	if err != nil {
		return nil, err
	}
	settings := make(map[string]string)
	for _, resource := range found {
		if resource.Err != nil {
			return nil, resource.Err
		}
		for _, entry := range resource.Configs {
			if ms, err := strconv.ParseInt(entry.MaybeValue(), 10, 64); err == nil {
				settings[entry.Key] = (time.Duration(ms) * time.Millisecond).String()
			}
		}
	}
	return settings, nil
}

// allowed looks whether we may see the topics. A broker does not even say whether a
// topic exists that we may not see.
func (c Config) allowed(topics kadm.TopicDetails) error {
	for _, topic := range []string{c.InputTopic, c.OutputTopic, c.DeadLetterTopic} {
		if errors.Is(topics[topic].Err, kerr.TopicAuthorizationFailed) {
			return c.topicRefused(topic, topics[topic].Err)
		}
	}
	return nil
}

// topicRefused names a topic that we may not use, and what that takes.
func (c Config) topicRefused(topic string, err error) error {
	permissions := "Write and Describe, and Create if it does not exist"
	if topic == c.InputTopic {
		permissions = "Read and Describe"
	}
	return fmt.Errorf("topic %s: %w (the user needs the permissions %s on it)", topic, err, permissions)
}

// unwritten names the topic of a record that could not be written.
func unwritten(record *kgo.Record, err error) error {
	if errors.Is(err, kerr.TopicAuthorizationFailed) {
		return Config{}.topicRefused(record.Topic, err)
	}
	return fmt.Errorf("topic %s: %w", record.Topic, err)
}
