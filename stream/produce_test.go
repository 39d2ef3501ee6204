package stream

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// endsWith tests that a session that waits for its client's records in vain ends with an error, whether it flushes or aborts. It looks
// after two seconds, and not earlier. The topics out and bad exist.
func endsWith(t *testing.T, is func(error) bool, waitInVain func(*testing.T, *kfake.Cluster, *Session)) {
	t.Helper()
	for name, end := range map[string]func(*Session) error{
		"flush": func(s *Session) error { return s.Flush(context.Background()) },
		"abort": func(s *Session) error { _, err := s.End(context.Background(), false); return err },
	} {
		t.Run(name, func(t *testing.T) {
			cluster, session := joined(t, 1, func(c *Config) { c.Timing.Transaction = 2 * time.Second })
			must(t, cluster.CreateTopic("out", 1, nil))
			must(t, cluster.CreateTopic("bad", 1, nil))
			waitInVain(t, cluster, session)
			if err := end(session); !is(err) {
				t.Errorf("the session ended with: %v", err)
			}
			for _, commit := range []bool{false, true} {
				if _, err := session.End(context.Background(), commit); !is(err) {
					t.Errorf("the session goes on, and ends with: %v", err)
				}
			}
		})
	}
}

// The client does not know whether the batch was written, and so tries for ever.
func TestDeletedOutputTopicIsNoticedThoughTheClientIsSilent(t *testing.T) {
	endsWith(t, gone, func(t *testing.T, cluster *kfake.Cluster, session *Session) {
		fault := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "out", Err: kerr.RequestTimedOut, Count: -1})
		session.Produce(&kgo.Record{Topic: "out", Key: []byte("k"), Value: []byte("v")})
		must(t, fault.Wait(t.Context(), 1))
		_, err := kadm.NewClient(session.client).DeleteTopics(context.Background(), "out")
		must(t, err)
	})
}

// held makes the broker keep its next answer about a topic until the test releases it. The client asks again once it has
// taken that answer in.
func held(cluster *kfake.Cluster, topic string) (asked, askedAgain <-chan struct{}, release func()) {
	questions, answer := []chan struct{}{make(chan struct{}), make(chan struct{})}, make(chan struct{})
	var questioned int
	cluster.ControlKey(int16(kmsg.Metadata), func(request kmsg.Request) (kmsg.Response, error, bool) {
		about := func(of kmsg.MetadataRequestTopic) bool { return of.Topic != nil && *of.Topic == topic }
		if slices.ContainsFunc(request.(*kmsg.MetadataRequest).Topics, about) {
			close(questions[questioned])
			questioned++
			if questioned == len(questions) {
				cluster.DropControl()
			} else {
				cluster.SleepControl(func() { <-answer })
			}
		}
		return nil, nil, false
	})
	return questions[0], questions[1], func() { close(answer) }
}

// A client whose producer was replaced forgets the topics that it does not know yet. If the answer about such a
// topic comes afterwards, the client loses sight of the records that were produced meanwhile.
func TestReplacedProducerIsNoticedThoughTheClientForgetsRecords(t *testing.T) {
	replaced := func(err error) bool { return errors.Is(err, kerr.InvalidProducerEpoch) }
	endsWith(t, replaced, func(t *testing.T, cluster *kfake.Cluster, session *Session) {
		session.Produce(&kgo.Record{Topic: "bad", Value: []byte("v")})
		must(t, session.Flush(context.Background()))
		group, err := NewGroup(session.config)
		must(t, err)
		defer group.Close()
		fenced, err := group.Fence(t.Context(), session.config.Member)
		must(t, err)
		if !fenced {
			t.Fatal("there was no transaction to fence")
		}

		asked, askedAgain, release := held(cluster, "out")
		given := make(chan error, 1)
		session.client.Produce(t.Context(), &kgo.Record{Topic: "out"}, func(_ *kgo.Record, err error) { given <- err })
		<-asked
		for range 2 { // the first learns that the producer was replaced, and the second makes the client give up all records
			if err := session.client.ProduceSync(t.Context(), &kgo.Record{Topic: "bad"}).FirstErr(); !replaced(err) {
				t.Fatalf("a replaced producer writes: %v", err)
			}
		}
		if err := <-given; !replaced(err) {
			t.Fatalf("a replaced producer writes: %v", err)
		}
		session.Produce(&kgo.Record{Topic: "out", Value: []byte("forgotten")})
		release()
		<-askedAgain
	})
}

// A session must not end because its broker is away: the client goes on asking for a producer.
func TestProducerThatTheClientStillAsksForHasNotFailed(t *testing.T) {
	cluster, config := testConfig(t)
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Err: kerr.CoordinatorNotAvailable, Count: -1})
	client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.TransactionalID("one"), kgo.RequestRetries(0))
	must(t, err)
	defer client.Close()
	if _, _, err := client.ProducerID(t.Context()); err == nil {
		t.Fatal("the client has a producer")
	}
	if failed := (&Session{client: client}).producerFailure(t.Context()); failed != nil {
		t.Errorf("the producer has failed: %v", failed)
	}
}
