package stream

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"anomalydetector/test/sink"
)

func TestEpisodesTopicIsMadeCompactedWithThePartitionsOfTheInput(t *testing.T) {
	cluster, config := testConfig(t)
	config.EpisodesTopic = "life"
	must(t, cluster.CreateTopic("in", 3, map[string]string{"retention.ms": "1000", "max.message.bytes": "2000000"}))
	must(t, PrepareTopics(context.Background(), config))
	about := cluster.TopicInfo("life")
	setting := func(key string) string {
		if value := about.Configs[key]; value != nil {
			return *value
		}
		return ""
	}
	if setting("cleanup.policy") != "compact" || setting("retention.ms") != "" || setting("max.message.bytes") != "2010000" {
		t.Errorf("it is made with %v", about.Configs)
	}
	if got := len(cluster.PartitionInfos("life")); got != 3 {
		t.Errorf("it has %d partitions", got)
	}
}

// A topic that is not compacted is worse than none.
func TestEpisodesTopicIsNotMadeWithoutCompaction(t *testing.T) {
	cluster, config := testConfig(t)
	config.EpisodesTopic = "life"
	must(t, cluster.CreateTopic("in", 1, nil))
	without := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: "life", Err: kerr.PolicyViolation, Count: -1,
		When: func(request kmsg.Request) bool {
			for _, topic := range request.(*kmsg.CreateTopicsRequest).Topics {
				if topic.Topic == "life" && !slices.ContainsFunc(topic.Configs, func(c kmsg.CreateTopicsRequestTopicConfig) bool {
					return c.Name == "cleanup.policy" && *c.Value == "compact"
				}) {
					t.Error("it is asked for without compaction")
				}
			}
			return true
		}})
	if err := PrepareTopics(context.Background(), config); !errors.Is(err, kerr.PolicyViolation) || without.Hits() == 0 {
		t.Errorf("the start says %v", err)
	}
}

func TestEpisodesTopicThatIsNotCompactedIsWarnedOfOnce(t *testing.T) {
	cluster, config := testConfig(t)
	config.EpisodesTopic, config.Outlet = "life", NewOutlet()
	var log strings.Builder
	config.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	must(t, cluster.CreateTopic("in", 1, nil))
	must(t, cluster.CreateTopic("life", 1, map[string]string{"retention.ms": "-1"}))
	for range 2 {
		must(t, PrepareTopics(context.Background(), config))
	}
	if got := strings.Count(log.String(), "the episodes topic is not compacted"); got != 1 {
		t.Errorf("warned of it %d times: %s", got, log.String())
	}
}

func TestEpisodesTopicGetsThePartitionsThatItLacks(t *testing.T) {
	cluster, config := testConfig(t)
	config.EpisodesTopic = "life"
	must(t, cluster.CreateTopic("in", 4, nil))
	must(t, cluster.CreateTopic("life", 2, map[string]string{"cleanup.policy": "compact"}))
	fault := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreatePartitions}, Topic: "life", Err: kerr.TopicAuthorizationFailed, Count: -1})
	err := PrepareTopics(context.Background(), config)
	if !Final(err) || !strings.Contains(err.Error(), "has 2 partitions, and the input topic 4") ||
		!strings.Contains(err.Error(), "allow the user Alter on the topic, or run kafka-topics.sh --alter --topic life --partitions 4") {
		t.Errorf("without permission: %v", err)
	}
	fault.Remove()
	must(t, PrepareTopics(context.Background(), config))
	if got := len(cluster.PartitionInfos("life")); got != 4 {
		t.Errorf("it has %d partitions", got)
	}
}

// The input gets another partition while the session runs.
func TestAddedPartitionsHaveEpisodes(t *testing.T) {
	for _, allowed := range []bool{true, false} {
		t.Run(strconv.FormatBool(allowed), func(t *testing.T) {
			cluster, session := joined(t, 1, func(c *Config) {
				c.EpisodesTopic = "life"
				c.Client = []kgo.Opt{kgo.MetadataMaxAge(time.Second)} // it notices added partitions sooner
			})
			must(t, cluster.CreateTopic("life", 1, map[string]string{"cleanup.policy": "compact"}))
			session.Produce(&kgo.Record{Topic: "life", Key: []byte("k"), Value: []byte("v")}) // so that the client knows one partition
			must(t, session.Flush(context.Background()))
			if !allowed {
				cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreatePartitions}, Topic: "life", Err: kerr.TopicAuthorizationFailed, Count: -1})
			}
			admin, err := kgo.NewClient(kgo.SeedBrokers(session.config.Brokers...))
			must(t, err)
			defer admin.Close()
			added := kmsg.NewPtrCreatePartitionsRequest()
			topic := kmsg.NewCreatePartitionsRequestTopic()
			topic.Topic, topic.Count = "in", 2
			added.Topics = append(added.Topics, topic)
			_, err = added.RequestWith(context.Background(), admin)
			must(t, err)
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			for len(cluster.PartitionInfos("life")) < 2 || !has2(session) {
				_, err := session.Poll(ctx, 10)
				if !allowed {
					if err == nil {
						must(t, ctx.Err())
						continue
					}
					if !strings.Contains(err.Error(), "kafka-topics.sh --alter --topic life --partitions 2") {
						t.Errorf("without permission: %v", err)
					}
					return
				}
				must(t, err)
				must(t, ctx.Err())
				_, err = session.End(ctx, false)
				must(t, err)
			}
			for {
				session.Produce(&kgo.Record{Topic: "life", Partition: 1, Key: []byte("k"), Value: []byte("v")})
				if session.Flush(ctx) == nil {
					break
				}
				must(t, ctx.Err())
				_, err := session.End(ctx, false) // until the client has heard of the partition
				must(t, err)
			}
			if got := cluster.PartitionInfo("life", 1).HighWatermark; got != 1 {
				t.Errorf("the partition has %d records", got)
			}
		})
	}
}

// has2 says whether the session has two partitions of the input.
func has2(session *Session) bool {
	all, _ := session.Assignments()
	return len(all) == 2
}

// All other topics keep the partitions that Kafka's own clients choose.
func TestOnlyEpisodesGoToThePartitionThatTheyName(t *testing.T) {
	cluster, config := testConfig(t)
	config.EpisodesTopic = "life"
	for _, topic := range []string{"in", "out", "bad", "life"} {
		must(t, cluster.CreateTopic(topic, 7, nil))
	}
	session, err := Open(context.Background(), config)
	must(t, err)
	defer session.Close(true)
	const count = 50
	others := kgo.StickyKeyPartitioner(nil).ForTopic("out")
	var produced []*kgo.Record
	for i := range count {
		for _, topic := range []string{"out", "bad", "life"} {
			record := &kgo.Record{Topic: topic, Partition: int32(i % 7), Key: []byte(strconv.Itoa(i)), Value: []byte("v")}
			produced = append(produced, record)
			session.Produce(record)
		}
	}
	must(t, session.Flush(context.Background()))
	for i, record := range produced {
		want := others.Partition(record, 7)
		if record.Topic == "life" {
			want = i / 3 % 7
		}
		if record.Partition != int32(want) {
			t.Errorf("record %s of %s is in partition %d, want %d", record.Key, record.Topic, record.Partition, want)
		}
	}
}

// A record that is left out would make an episode that never ends, or a state that is too old.
func TestRefusedEpisodeIsFinal(t *testing.T) {
	cluster, session := joined(t, 1, func(c *Config) { c.EpisodesTopic = "life" })
	must(t, cluster.CreateTopic("out", 2, nil))
	must(t, cluster.CreateTopic("life", 2, nil))
	refuses := func(r *kgo.Record) bool { return strings.HasPrefix(string(r.Value), "refused") }
	sink.Refuse(cluster, "life", 2, kerr.InvalidRecord, refuses)
	sink.Refuse(cluster, "out", 2, kerr.InvalidRecord, refuses)
	session.Produce(&kgo.Record{Topic: "out", Key: []byte("a"), Value: []byte("refused, too")})
	session.Produce(&kgo.Record{Topic: "life", Partition: 1, Key: []byte("b"), Value: []byte("good")})
	session.Produce(&kgo.Record{Topic: "life", Partition: 1, Key: []byte("c"), Value: []byte("refused")})
	err := session.Flush(context.Background())
	if !errors.Is(err, ErrEpisodeRefused) || !errors.Is(err, ErrForbidden) || !errors.Is(err, kerr.InvalidRecord) ||
		!strings.Contains(err.Error(), `the episodes topic refuses a record: topic life, partition 1, key "c", 8 bytes: INVALID_RECORD`) {
		t.Errorf("the flush says %v", err)
	}
	if isA[*Refused](err) {
		t.Error("the refused records would be left out")
	}
}

// The deletion of the episodes topic is that of any topic that the detector writes to.
func TestDeletedEpisodesTopicIsNoticed(t *testing.T) {
	cluster, session := joined(t, 1, func(c *Config) {
		c.EpisodesTopic, c.Timing.Transaction = "life", 2*time.Second
	})
	for _, topic := range []string{"out", "bad", "life"} {
		must(t, cluster.CreateTopic(topic, 1, nil))
	}
	fault := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "life", Err: kerr.RequestTimedOut, Count: -1})
	session.Produce(&kgo.Record{Topic: "life", Key: []byte("k"), Value: []byte("v")})
	must(t, fault.Wait(t.Context(), 1))
	_, err := kadm.NewClient(session.client).DeleteTopics(context.Background(), "life")
	must(t, err)
	if err := session.Flush(context.Background()); !gone(err) {
		t.Errorf("the flush ended with: %v", err)
	}
}
