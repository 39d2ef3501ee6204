package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Explain adds to an error of the broker what a person can do about it: which permission is missing, or which
// setting is out of which limits. It may ask the broker for these. It returns other errors as they are.
func Explain(ctx context.Context, config Config, err error) error {
	switch {
	case errors.Is(err, kerr.InvalidSessionTimeout):
		bounds := "what its settings " + leastSession + " and " + mostSession + " allow"
		if settings, unknown := config.brokerSettings(ctx); unknown == nil {
			bounds = fmt.Sprintf("%s to %s (its settings %s and %s)", settings[leastSession], settings[mostSession], leastSession, mostSession)
		}
		return &Explained{err, fmt.Sprintf("[kafka] session_timeout is %s, and the broker takes %s", config.Timing.Session, bounds), true}
	case errors.Is(err, kerr.InvalidTransactionTimeout):
		bounds := "no more than its setting " + mostTransaction + " allows"
		if settings, unknown := config.brokerSettings(ctx); unknown == nil {
			bounds = fmt.Sprintf("at most %s (its setting %s)", settings[mostTransaction], mostTransaction)
		}
		return &Explained{err, fmt.Sprintf("[kafka] transaction_timeout is %s, and the broker takes %s", config.Timing.Transaction, bounds), true}
	}
	if err == nil || isA[*Explained](err) {
		return err
	}
	err = config.listener(ctx, err)
	if known := diagnose(err); known != nil {
		return &Explained{err, known.advice(config.names()), known.final}
	}
	return err
}

// saslMissing says whether a broker has answered once, and then closed the connection.
func saslMissing(err error) bool {
	return isA[*kgo.ErrFirstReadEOF](err) && worded("is SASL missing")(err)
}

// listener finds out why a broker has closed a connection without a word: the listener may speak plain text
// while we speak TLS, or want a login while we send none. A broker that stops, or a proxy without a broker
// behind it, closes connections, too.
func (c Config) listener(ctx context.Context, err error) error {
	switch {
	case c.TLS != nil && isA[*handshakeError](err) && errors.Is(err, io.EOF):
		plain := c
		plain.TLS, plain.SASL, plain.Observer = nil, nil, nil
		client, failed := kgo.NewClient(append(plain.client("topics"), kgo.RequestRetries(0))...)
		if failed != nil {
			return err
		}
		defer client.Close()
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		// A listener that wants a login answers once, for the client itself, and then closes the connection.
		if _, failed = client.Request(ctx, kmsg.NewPtrApiVersionsRequest()); failed == nil || saslMissing(failed) {
			return fmt.Errorf("%w: %w", errPlainListener, err)
		}
	case c.SASL == nil && saslMissing(err):
		return fmt.Errorf("%w: %w", errNoLogin, err)
	}
	return err
}

// CheckTimeouts returns an error if the session timeout is outside of the broker's limits, if the broker
// tells them. The group itself would refuse it only after the session is open. A timeout that no operator has
// set is checked once the broker has refused it.
func CheckTimeouts(ctx context.Context, config Config) error {
	if !config.Given && !config.Observer.timeoutRefused() {
		return nil
	}
	settings, err := config.brokerSettings(ctx)
	if err != nil {
		return nil // the group will tell
	}
	least, knowsLeast := settings[leastSession]
	most, knowsMost := settings[mostSession]
	if timeout := config.Timing.Session; knowsLeast && timeout < least || knowsMost && timeout > most {
		return fmt.Errorf("join group %s: %w", config.Group, kerr.InvalidSessionTimeout)
	}
	return nil
}

// Names of the broker's settings.
const (
	leastSession    = "group.min.session.timeout.ms"
	mostSession     = "group.max.session.timeout.ms"
	mostTransaction = "transaction.max.timeout.ms"
)

// brokerSettings are the settings of a broker that are numbers, taken as milliseconds.
func (c Config) brokerSettings(ctx context.Context) (map[string]time.Duration, error) {
	client, err := kgo.NewClient(append(c.client("settings"), kgo.WithContext(ctx))...)
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
	settings := make(map[string]time.Duration)
	for _, resource := range found {
		if resource.Err != nil {
			return nil, resource.Err
		}
		for _, entry := range resource.Configs {
			if ms, err := strconv.ParseInt(entry.MaybeValue(), 10, 64); err == nil {
				settings[entry.Key] = time.Duration(ms) * time.Millisecond
			}
		}
	}
	return settings, nil
}

// refusedTopic replaces the error by one that names the topic that we may not use, if that is what is wrong:
// the library does not name it if it is asked for several. A broker does not even say whether such a topic
// exists.
func (c Config) refusedTopic(ctx context.Context, admin *kadm.Client, err error) error {
	if !errors.Is(err, kerr.TopicAuthorizationFailed) {
		return err
	}
	for _, topic := range []string{c.InputTopic, c.OutputTopic, c.DeadLetterTopic, c.EpisodesTopic} {
		if topic == "" {
			continue
		}
		if _, alone := admin.ListTopics(ctx, topic); errors.Is(alone, kerr.TopicAuthorizationFailed) {
			return c.topicRefused(topic, kerr.TopicAuthorizationFailed)
		}
	}
	return err
}

// topicRefused is an error that names a topic that we may not use, and the permissions that this needs.
func (c Config) topicRefused(topic string, err error) error {
	permissions := c.names().permissions(topic) + " on it"
	if topic != c.InputTopic {
		permissions += ", and Create if it does not exist"
	}
	return &Explained{fmt.Errorf("topic %s: %w", topic, err), "the user needs the permissions " + permissions, true}
}

// unwritten adds the topic to the error of a record that could not be written.
func unwritten(record *kgo.Record, err error) error {
	if errors.Is(err, kerr.TopicAuthorizationFailed) {
		return Config{}.topicRefused(record.Topic, err)
	}
	return fmt.Errorf("topic %s: %w", record.Topic, err)
}
