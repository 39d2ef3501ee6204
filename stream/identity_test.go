package stream

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
)

// idOf is the id of a topic.
func idOf(t *testing.T, config Config) messages.Identity {
	t.Helper()
	topic, err := config.identifyFirst(context.Background())
	must(t, err)
	return topic
}

func remake(t *testing.T, cluster *kfake.Cluster) {
	t.Helper()
	must(t, cluster.DeleteTopic("in"))
	must(t, cluster.CreateTopic("in", 1, nil))
}

// A topic whose id is not known may be any topic.
func TestTopicCreatedAgainIsAnotherTopic(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("in", 1, nil))
	former := idOf(t, config)
	if again := idOf(t, config); former.Differs(again) || former.Topic == "" || former.Cluster == "" {
		t.Fatalf("the topic is %+v, then %+v", former, again)
	}
	remake(t, cluster)
	if now := idOf(t, config); !former.Differs(now) || former.Difference(now) == "" {
		t.Errorf("the topic that was made again is %+v, as before", now)
	}
	if former.Differs(messages.Identity{}) {
		t.Error("a topic that nothing is known of is taken for another")
	}
	if elsewhere := (messages.Identity{Cluster: "other", Topic: former.Topic}); !former.Differs(elsewhere) {
		t.Error("a topic of another cluster is taken for this one")
	}
}

// An offset that another program committed does not say of which topic it is. It is used.
func TestOffsetsOfAFormerTopicAreNotUsed(t *testing.T) {
	for name, c := range map[string]struct {
		mark  func(now messages.Identity) string
		fresh bool
	}{
		"of a former topic":    {func(messages.Identity) string { return topicMark + "AAAAAAAAAAAAAAAAAAAAAA==" }, true},
		"of this topic":        {func(now messages.Identity) string { return topicMark + now.Topic }, false},
		"of another program":   {func(messages.Identity) string { return "member-1" }, false},
		"set by Kafka's tools": {func(messages.Identity) string { return "" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, config := testConfig(t)
			must(t, cluster.CreateTopic("in", 1, nil))
			client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.DefaultProduceTopic("in"))
			must(t, err)
			defer client.Close()
			for range 5 {
				must(t, client.ProduceSync(context.Background(), &kgo.Record{Value: []byte("v")}).FirstErr())
			}
			offsets := kadm.Offsets{}
			offsets.Add(kadm.Offset{Topic: "in", At: 3, LeaderEpoch: -1, Metadata: c.mark(idOf(t, config))})
			must(t, kadm.NewClient(client).CommitAllOffsets(context.Background(), config.Group, offsets))
			session, err := Open(context.Background(), config)
			must(t, err)
			defer session.Close(true)
			got := assigned(t, session)
			want := int64(3)
			if c.fresh {
				want = 0
			}
			if got.Offset != want || got.NoCommittedOffset != c.fresh {
				t.Errorf("assigned at %d, fresh: %v; want %d, %v", got.Offset, got.NoCommittedOffset, want, c.fresh)
			}
		})
	}
}

// The committed offset lies behind the transaction markers: nothing is left to read there, so nothing is lost
// if all records expire. The offset says of which topic it is.
func TestCommittedOffsetLiesBehindTransactionMarkers(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("in", 1, nil))
	transactional(t, config, kgo.TryCommit, 1000, 5)
	transactional(t, config, kgo.TryAbort, 2000, 5)
	session, err := Open(context.Background(), config)
	must(t, err)
	defer session.Close(true)
	session.Resume(0, assigned(t, session).Generation)
	end := cluster.PartitionInfo("in", 0).HighWatermark
	for read := int64(0); read < end; {
		slices, err := session.Poll(context.Background(), 100)
		must(t, err)
		for _, slice := range slices {
			read = slice.Records[len(slice.Records)-1].Offset + 1
		}
	}
	_, err = session.End(context.Background(), true)
	must(t, err)
	fetched, err := session.admin.FetchOffsets(context.Background(), config.Group)
	must(t, err)
	offset, _ := fetched.Lookup("in", 0)
	if offset.At != end || markOf(offset.Metadata).Topic != idOf(t, config).Topic {
		t.Errorf("committed: %d for %q; want %d, for %q", offset.At, offset.Metadata, end, idOf(t, config).Topic)
	}
}

// assigned polls until the one partition is assigned.
func assigned(t *testing.T, session *Session) messages.Assignment {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_, err := session.Poll(ctx, 1)
		cancel()
		must(t, err)
		if session.Changed() {
			_, err := session.End(context.Background(), false)
			must(t, err)
		}
		if list, joined := session.Assignments(); joined && len(list) == 1 && !session.Changed() {
			return list[0]
		}
	}
	t.Fatal("no partition was assigned")
	return messages.Assignment{}
}

// The client would wait for ever for a topic that was deleted, even if it was created again.
func TestSessionEndsWithItsTopic(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*testing.T, *kfake.Cluster)
		want   error
	}{
		"made again": {remake, ErrRecreated},
		"deleted":    {func(t *testing.T, cluster *kfake.Cluster) { must(t, cluster.DeleteTopic("in")) }, errNoTopic},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster, config := testConfig(t)
			config.Timing.Session = 6 * time.Second
			must(t, cluster.CreateTopic("in", 1, nil))
			session, err := Open(context.Background(), config)
			must(t, err)
			defer session.Close(true)
			session.Resume(0, assigned(t, session).Generation)
			c.change(t, cluster)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			for ctx.Err() == nil {
				if _, err = session.Poll(ctx, 1); err != nil {
					break
				}
			}
			if !errors.Is(err, c.want) {
				t.Errorf("polling ended with %v, want %v", err, c.want)
			}
		})
	}
}

// The offsets of a span belong to one topic.
func TestHistoryOfAnotherTopicIsRefused(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("in", 1, nil))
	former := idOf(t, config)
	remake(t, cluster)
	transactional(t, config, kgo.TryCommit, 1000, 5)
	history := NewHistory(config)
	defer func() { must(t, history.Close()) }()
	_, err := history.Read(context.Background(), Span{Topic: former, From: 0, Until: 5}, func(run Replayed) error {
		t.Errorf("%d records of another topic were read", len(run.Records))
		return nil
	})
	if !errors.Is(err, ErrRecreated) {
		t.Errorf("error %v, want %v", err, ErrRecreated)
	}
}

// A standby's reader waits where its span has ended, and has read ahead. Then the topic is created again and
// filled up to the same offset.
func TestKeptReaderReadsOneTopicOnly(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("in", 1, nil))
	fill := func(value string) {
		client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.DefaultProduceTopic("in"))
		must(t, err)
		defer client.Close()
		for range 10 {
			must(t, client.ProduceSync(context.Background(), &kgo.Record{Value: []byte(value)}).FirstErr())
		}
	}
	history := NewHistory(config)
	defer func() { must(t, history.Close()) }()
	read := func(from, until int64, want string) {
		t.Helper()
		span := Span{Topic: idOf(t, config), From: from, Until: until, More: true}
		count := int64(0)
		_, err := history.Read(context.Background(), span, func(run Replayed) error {
			for _, record := range run.Records {
				if count++; string(record.Value) != want {
					t.Errorf("offset %d is %q, want %q", record.Offset, record.Value, want)
				}
			}
			return nil
		})
		must(t, err)
		if count != until-from {
			t.Errorf("%d records were read from %d to %d", count, from, until)
		}
	}
	fill("former")
	read(0, 4, "former")
	remake(t, cluster)
	fill("new")
	read(4, 8, "new")
}

// The broker reports the former topic's offset until something of this topic is committed, which may take
// long.
func TestOffsetOfAFormerTopicIsNoDisagreement(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("in", 1, nil))
	transactional(t, config, kgo.TryCommit, 1000, 5)
	commitMarked(t, config, 3, topicMark+"AAAAAAAAAAAAAAAAAAAAAA==")
	session, err := Open(context.Background(), config)
	must(t, err)
	defer session.Close(true)
	if got := assigned(t, session); got.Offset != 0 {
		t.Fatalf("assigned at %d", got.Offset)
	}
	must(t, session.verifyAbort(context.Background()))
}

// commitMarked commits an offset of the one partition from outside of the group.
func commitMarked(t *testing.T, config Config, at int64, metadata string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...))
	must(t, err)
	defer client.Close()
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: "in", At: at, LeaderEpoch: -1, Metadata: metadata})
	must(t, kadm.NewClient(client).CommitAllOffsets(context.Background(), config.Group, offsets))
}

// Other nodes are not asked for windows of the former topic either.
func TestStandbysDoNotFollowOffsetsOfAFormerTopic(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("in", 1, nil))
	group, err := NewGroup(config)
	must(t, err)
	defer group.Close()
	for metadata, want := range map[string]int{topicMark + "AAAAAAAAAAAAAAAAAAAAAA==": 0, topicMark + idOf(t, config).Topic: 1, "": 1} {
		commitMarked(t, config, 3, metadata)
		committed, topic, err := group.Committed(context.Background())
		must(t, err)
		if len(committed) != want || topic != idOf(t, config) {
			t.Errorf("with metadata %q: committed %v of %+v", metadata, committed, topic)
		}
	}
}
