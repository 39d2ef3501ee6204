package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"anomalydetector/messages"
)

// A topic that was deleted and created again has the same name and another id. Nothing of the former topic
// may be taken for the new one's. So a session reads one topic only, and committed offsets and stored windows
// carry the id of the topic that they belong to (messages.Identity).

// ErrRecreated is in the error of a reader that finds another topic under the name of the one that it reads.
var ErrRecreated = errors.New("another topic has this name now")

// errNoTopic is in the error of a question about a topic that does not exist.
var errNoTopic = errors.New("the topic does not exist")

// identify asks the broker which topic has the name of the input topic.
func (c Config) identify(ctx context.Context, admin *kadm.Client) (messages.Identity, error) {
	metadata, err := admin.Metadata(ctx, c.InputTopic)
	if err != nil {
		return messages.Identity{}, fmt.Errorf("ask for the id of topic %s: %w", c.InputTopic, err)
	}
	topic := metadata.Topics[c.InputTopic]
	switch {
	case errors.Is(topic.Err, kerr.UnknownTopicOrPartition):
		return messages.Identity{}, fmt.Errorf("%w: %s", errNoTopic, c.InputTopic)
	case topic.Err != nil:
		return messages.Identity{}, fmt.Errorf("ask for the id of topic %s: %w", c.InputTopic, topic.Err)
	}
	return messages.Identity{Cluster: metadata.Cluster, Topic: topicID(topic.ID)}, nil
}

// topicID is the text of an id; empty if the broker gives none.
func topicID(id kadm.TopicID) string {
	if id == (kadm.TopicID{}) {
		return ""
	}
	return id.String()
}

// identifyFirst asks before a client reads. Kafka never uses an id again, so a session that later sees the
// same id has read that topic and no other.
func (c Config) identifyFirst(ctx context.Context) (messages.Identity, error) {
	client, err := kgo.NewClient(append(c.client("topics"), kgo.WithContext(ctx))...)
	if err != nil {
		return messages.Identity{}, fmt.Errorf("create Kafka client: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return c.identify(ctx, kadm.NewClient(client))
}

// same returns an error if the fetched records are of another topic. Brokers before Kafka 3.1 do not say
// which topic they are of.
func (c Config) same(topic messages.Identity, fetches kgo.Fetches) (err error) {
	fetches.EachTopic(func(fetched kgo.FetchTopic) {
		if id := topicID(fetched.TopicID); topic.Differs(messages.Identity{Topic: id}) {
			err = c.recreated(topic, messages.Identity{Topic: id})
		}
	})
	return err
}

func (c Config) recreated(former, now messages.Identity) error {
	return fmt.Errorf("%w: the records of %s belong to %s", ErrRecreated, c.InputTopic, former.Difference(now))
}

// topicMark begins the metadata of an offset that this program commits; the id of its topic follows. Offsets
// that others commit, such as the original program or Kafka's own tools, have no such mark.
const topicMark = "topic-id="

// marked is a context in which offsets are committed with the id of their topic.
func marked(ctx context.Context, topic messages.Identity) context.Context {
	if topic.Topic == "" {
		return ctx
	}
	mark := topicMark + topic.Topic
	return kgo.PreTxnCommitFnContext(ctx, func(request *kmsg.TxnOffsetCommitRequest) error {
		for i := range request.Topics {
			for j := range request.Topics[i].Partitions {
				request.Topics[i].Partitions[j].Metadata = &mark
			}
		}
		return nil
	})
}

// markOf is the topic that an offset was committed for; empty if its metadata have no mark.
func markOf(metadata string) messages.Identity {
	id, _ := strings.CutPrefix(metadata, topicMark)
	if id == metadata { // no mark
		return messages.Identity{}
	}
	return messages.Identity{Topic: id}
}

// fetched notes which topics the group's offsets belong to. The client calls it before assigned.
func (s *Session) fetched(_ context.Context, _ *kgo.Client, response *kmsg.OffsetFetchResponse) error {
	s.owned.mu.Lock()
	defer s.owned.mu.Unlock()
	s.owned.marks = make(map[int32]messages.Identity)
	note := func(topic string, partition int32, metadata *string) {
		if (topic == s.config.InputTopic || topic == "") && metadata != nil { // newer brokers name it by its id
			s.owned.marks[partition] = markOf(*metadata)
		}
	}
	for _, topic := range response.Topics { // up to version 7
		for _, partition := range topic.Partitions {
			note(topic.Topic, partition.Partition, partition.Metadata)
		}
	}
	for _, group := range response.Groups {
		for _, topic := range group.Topics {
			for _, partition := range topic.Partitions {
				note(topic.Topic, partition.Partition, partition.Metadata)
			}
		}
	}
	return nil
}

// missingLooks is how often in a row the topic must be missing before the session ends: a broker that has
// just started may not know the topic yet.
const missingLooks = 3

// lookAtTopic is how often the session asks whether its topic still exists: about as often as a lost session
// would be noticed.
func (c Config) lookAtTopic() time.Duration { return c.Timing.Session / 3 }

// watchTopic looks at the topic until the session ends, or until the topic is gone: then it makes Poll fail
// with that as the reason. The client would wait for its topic for ever.
func (s *Session) watchTopic(ctx context.Context) {
	defer close(s.watched)
	every := s.config.lookAtTopic()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	missing := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		asking, cancel := context.WithTimeout(ctx, every)
		now, err := s.config.identify(asking, s.admin)
		cancel()
		switch {
		case errors.Is(err, errNoTopic):
			if missing++; missing < missingLooks {
				continue
			}
		case err != nil:
			continue // the broker is away; the client reports it
		case s.topic.Differs(now):
			err = s.config.recreated(s.topic, now)
		default:
			missing = 0
			continue
		}
		s.owned.fail(err)
		return
	}
}

// fail makes the next Poll fail with this error.
func (o *owned) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed = err
	o.change()
}

func (o *owned) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failed
}
