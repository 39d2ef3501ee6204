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

// ends are the two ways in which a session waits for its client's records.
var ends = map[string]func(*Session) error{
	"flush": func(s *Session) error { return s.Flush(context.Background()) },
	"abort": func(s *Session) error { _, err := s.End(context.Background(), false); return err },
}

// impatient makes a session look after two seconds whether it waits in vain. It does not look earlier than that.
func impatient(c *Config) { c.Timing.Transaction = 2 * time.Second }

// The client does not know whether the batch was written, and so tries for ever.
func TestDeletedOutputTopicIsNoticedThoughTheClientIsSilent(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			cluster, session := joined(t, 1, impatient)
			must(t, cluster.CreateTopic("out", 1, nil))
			must(t, cluster.CreateTopic("bad", 1, nil))
			fault := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "out", Err: kerr.RequestTimedOut, Count: -1})
			session.Produce(&kgo.Record{Topic: "out", Key: []byte("k"), Value: []byte("v")})
			must(t, fault.Wait(t.Context(), 1))
			_, err := kadm.NewClient(session.client).DeleteTopics(context.Background(), "out")
			must(t, err)
			if err := end(session); !gone(err) {
				t.Errorf("the session ended with: %v", err)
			}
			if _, err := session.End(context.Background(), true); !gone(err) {
				t.Errorf("the session goes on, and ends with: %v", err)
			}
		})
	}
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
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			cluster, session := joined(t, 1, impatient)
			must(t, cluster.CreateTopic("out", 1, nil))
			must(t, cluster.CreateTopic("bad", 1, nil))
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
				if err := session.client.ProduceSync(t.Context(), &kgo.Record{Topic: "bad"}).FirstErr(); !errors.Is(err, kerr.InvalidProducerEpoch) {
					t.Fatalf("a replaced producer writes: %v", err)
				}
			}
			if err := <-given; !errors.Is(err, kerr.InvalidProducerEpoch) {
				t.Fatalf("a replaced producer writes: %v", err)
			}
			session.Produce(&kgo.Record{Topic: "out", Value: []byte("forgotten")})
			release()
			<-askedAgain

			if err := end(session); !errors.Is(err, kerr.InvalidProducerEpoch) {
				t.Errorf("the session ended with: %v", err)
			}
			if _, err := session.End(t.Context(), true); !errors.Is(err, kerr.InvalidProducerEpoch) {
				t.Errorf("the session goes on, and ends with: %v", err)
			}
		})
	}
}
