package stream

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// settingOf is the value of a topic's setting on the broker.
func settingOf(t *testing.T, config Config, topic, key string) string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...))
	must(t, err)
	defer client.Close()
	answers, err := kadm.NewClient(client).DescribeTopicConfigs(context.Background(), topic)
	must(t, err)
	for _, setting := range answers[0].Configs {
		if setting.Key == key {
			return setting.MaybeValue()
		}
	}
	t.Fatalf("topic %s has no %s", topic, key)
	return ""
}

// Anomalies have the timestamps of the input, so they must be kept as long.
func TestCreatedTopicsKeepRecordsAsLongAsTheInput(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		input map[string]string
		asked time.Duration
		want  string
	}{
		"the default":             {nil, 0, "604800000"},
		"the topic's own":         {map[string]string{"retention.ms": "7776000000"}, 0, "7776000000"},
		"unlimited":               {map[string]string{"retention.ms": "-1"}, 0, "-1"},
		"compacted":               {map[string]string{"cleanup.policy": "compact"}, 0, "-1"},
		"compacted and deleted":   {map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "60000"}, 0, "60000"},
		"as asked for":            {map[string]string{"retention.ms": "60000"}, 2 * day, "172800000"},
		"unlimited, as asked for": {map[string]string{"retention.ms": "60000"}, Unlimited, "-1"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, config := testConfig(t)
			config.Retention = c.asked
			must(t, cluster.CreateTopic("in", 1, c.input))
			must(t, PrepareTopics(context.Background(), config))
			for _, topic := range []string{"out", "bad"} {
				if got := settingOf(t, config, topic, "retention.ms"); got != c.want {
					t.Errorf("topic %s keeps records for %s ms, want %s", topic, got, c.want)
				}
			}
		})
	}
}

// The broker's defaults would compact, or refuse old timestamps.
func TestCreatedTopicsOverrideTheBrokersDefaults(t *testing.T) {
	cluster, config := testConfig(t, kfake.BrokerConfigs(map[string]string{"log.message.timestamp.type": "LogAppendTime"}))
	must(t, cluster.CreateTopic("in", 1, map[string]string{"cleanup.policy": "compact", "max.message.bytes": "5000000"}))
	must(t, PrepareTopics(context.Background(), config))
	for key, want := range map[string]string{"cleanup.policy": "delete", "message.timestamp.type": "CreateTime", "max.message.bytes": "5010000"} {
		if got := settingOf(t, config, "out", key); got != want {
			t.Errorf("the output topic was made with %s=%s, want %s", key, got, want)
		}
	}
}

// Some brokers do not let us read settings, or not set them.
func TestTopicsAreCreatedThoughTheBrokerRefusesSettings(t *testing.T) {
	for name, fault := range map[string]kfake.Fault{
		"not told":           {Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1},
		"refused":            {Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.PolicyViolation, Count: -1, When: hasSettings},
		"refused as unknown": {Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.InvalidConfig, Count: -1, When: hasSettings},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, config := testConfig(t)
			must(t, cluster.CreateTopic("in", 1, nil))
			cluster.Fault(fault)
			must(t, PrepareTopics(context.Background(), config))
			if got := len(cluster.PartitionInfos("out")); got != outputPartitions {
				t.Errorf("the output topic has %d partitions", got)
			}
		})
	}
}

func hasSettings(request kmsg.Request) bool {
	for _, topic := range request.(*kmsg.CreateTopicsRequest).Topics {
		if len(topic.Configs) > 0 {
			return true
		}
	}
	return false
}

// The warning names both figures.
func TestTooShortRetentionIsWarnedOfOnce(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		output    map[string]string
		input     string // retention.ms
		age       time.Duration
		committed bool
		want      string
	}{
		"old records":            {map[string]string{"retention.ms": "604800000"}, "-1", 30 * day, false, "retention=168.0h needed=792.0h history=72.0h oldest_to_read=720.0h"},
		"old records, read":      {map[string]string{"retention.ms": "604800000"}, "-1", 30 * day, true, ""},
		"new records":            {map[string]string{"retention.ms": "604800000"}, "-1", time.Hour, false, ""},
		"less than the history":  {map[string]string{"retention.ms": "86400000"}, "-1", 0, true, "retention=24.0h needed=72.0h"},
		"as long as the input":   {map[string]string{"retention.ms": "604800000"}, "604800000", 30 * day, false, ""},
		"unlimited":              {map[string]string{"retention.ms": "-1"}, "-1", 30 * day, false, ""},
		"by the time of writing": {map[string]string{"retention.ms": "60000", "message.timestamp.type": "LogAppendTime"}, "-1", 30 * day, false, ""},
		"compacted":              {map[string]string{"retention.ms": "60000", "cleanup.policy": "compact"}, "-1", 30 * day, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, config := testConfig(t)
			var log bytes.Buffer
			config.Log, config.DeadLetterTopic, config.History = slog.New(slog.NewTextHandler(&log, nil)), "", 3*day
			config.Outlet = NewOutlet()
			must(t, cluster.CreateTopic("in", 1, map[string]string{"retention.ms": c.input}))
			must(t, cluster.CreateTopic("out", 1, c.output))
			client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.DefaultProduceTopic("in"))
			must(t, err)
			defer client.Close()
			must(t, client.ProduceSync(context.Background(), &kgo.Record{Timestamp: time.Now().Add(-c.age), Value: []byte("v")}).FirstErr())
			if c.committed {
				var offsets kadm.Offsets
				offsets.AddOffset("in", 0, 1, -1)
				must(t, kadm.NewClient(client).CommitAllOffsets(context.Background(), config.Group, offsets))
			}
			must(t, PrepareTopics(context.Background(), config))
			looks := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch, kmsg.OffsetFetch}, Observe: true, Count: -1})
			must(t, PrepareTopics(context.Background(), config))
			if looks.Hits() > 0 {
				t.Errorf("the second time it looked again, with %d requests", looks.Hits())
			}
			told := 0
			if c.want != "" {
				told = 1
			}
			if got := strings.Count(log.String(), "raise its retention.ms"); got != told || !strings.Contains(log.String(), c.want) {
				t.Errorf("told %d times, want %d with %q:\n%s", got, told, c.want, log.String())
			}
		})
	}
}
