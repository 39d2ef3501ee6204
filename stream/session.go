package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
)

// Session is this member's place in the consumer group, with a transaction that is always open. All that is
// polled and produced between two Ends is committed or aborted together.
//
// Poll, Produce, Flush, End and Close must not run at the same time as each other. The other methods may be called
// at any time.
type Session struct {
	config  Config
	group   *kgo.GroupTransactSession
	client  *kgo.Client
	admin   *kadm.Client
	topic   messages.Identity  // the input topic that the session reads
	watched chan struct{}      // closed when watchTopic has ended
	made    chan struct{}      // closed when Open has set the fields above
	abandon context.CancelFunc // ends everything that the client waits for
	owned   owned
	failure failure // errors of the records produced since the last Flush
	pace    pace    // how much is produced at a time
	limits  []int32 // the size limits of the output topics that the client was made with
	spent   error   // if set, the session cannot go on: the next session aborts the transaction
}

// mostHeartbeat limits the time between heartbeats. A member learns of a rebalance with its next heartbeat,
// and until then a partition that moves has no owner.
const mostHeartbeat = 500 * time.Millisecond

// Open joins the group and begins the first transaction. It aborts the transaction that a killed process of
// the same Member left open, which would otherwise hold back the readers of the output and our own committed
// offsets until it times out.
func Open(ctx context.Context, config Config) (opened *Session, err error) {
	defer func() { config.Observer.note(Opening, err) }()
	if err := config.dropFormerAddress(ctx); err != nil {
		return nil, err
	}
	topic, err := config.identifyFirst(ctx)
	if err != nil {
		return nil, err
	}
	if topic.Topic == "" {
		config.Log.Warn("the brokers give no topic ids, as before Kafka 2.8: a topic that was deleted and created again is recognized by its offsets only", "topic", config.InputTopic)
	}
	s := &Session{config: config, topic: topic, made: make(chan struct{}), watched: make(chan struct{})}
	s.owned.wake = func() {}
	life, abandon := context.WithCancel(context.Background())
	s.abandon = abandon
	options := append(config.client("session"),
		kgo.ClientID(config.clientID()),
		kgo.WithContext(life),
		kgo.ConsumerGroup(config.Group),
		kgo.ConsumeTopics(config.InputTopic),
		kgo.InstanceID(config.Member),
		kgo.TransactionalID(config.transactionalID()),
		kgo.TransactionTimeout(config.Timing.Transaction),
		kgo.SessionTimeout(config.Timing.Session),
		kgo.HeartbeatInterval(min(config.Timing.Session/10, mostHeartbeat)),
		kgo.RebalanceTimeout(config.Timing.Rebalance),
		kgo.Balancers(newForeseeable()),
		kgo.KeepControlRecords(), // the offsets to commit lie behind them
		kgo.OnOffsetsFetched(s.fetched),
		kgo.AdjustFetchOffsetsFn(s.assigned),
		kgo.OnPartitionsAssigned(s.joined),
		kgo.OnPartitionsRevoked(s.revoked),
		kgo.OnPartitionsLost(s.revoked),
		kgo.WithPools(new(fetchPool)),
	)
	options = append(options, config.writing()...)
	config.Observer.admit(false)
	group, err := kgo.NewGroupTransactSession(options...)
	if err != nil {
		return nil, fmt.Errorf("create Kafka session: %w", err)
	}
	s.group, s.client, s.admin = group, group.Client(), kadm.NewClient(group.Client())
	s.limits = config.limits()
	config.Observer.opened(s)
	close(s.made)
	go s.watchTopic(life)
	if _, _, err := s.client.ProducerID(ctx); err != nil {
		s.Close(false)
		return nil, fmt.Errorf("begin as transactional producer %s: %w", config.transactionalID(), err)
	}
	if err := group.Begin(); err != nil {
		s.Close(false)
		return nil, fmt.Errorf("begin transaction: %w", err)
	}
	return s, nil
}

// Poll waits for records until the context ends or the assignment changes. It returns at most limit records,
// by partition; none is no error. After an error the session must be closed. The error wraps ErrFenced if
// opening another session is of no use.
func (s *Session) Poll(ctx context.Context, limit int) ([]messages.Slice, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.owned.onChange(cancel)
	fetches := s.group.PollRecords(ctx, limit)
	var slices []messages.Slice
	if err := s.owned.failure(); err != nil {
		return nil, err
	}
	failed := s.config.same(s.topic, fetches)
	fetches.EachPartition(func(partition kgo.FetchTopicPartition) {
		if err := partition.Err; err != nil && failed == nil {
			failed = s.fatal(err, partition.Topic, partition.Partition)
		}
		if len(partition.Records) > 0 {
			slices = append(slices, messages.Slice{
				Partition: partition.Partition, Records: partition.Records, End: partition.HighWatermark, Readable: readable(partition),
			})
		}
	})
	return slices, failed
}

// readable is the offset after the last record of a partition that could be read. If the broker does not tell it, as those without transactions,
// it is the end of the partition.
func readable(p kgo.FetchTopicPartition) int64 {
	if p.LastStableOffset <= p.Records[len(p.Records)-1].Offset {
		return p.HighWatermark
	}
	return p.LastStableOffset
}

// fatal returns the error if it ends the session, otherwise nil.
func (s *Session) fatal(err error, topic string, partition int32) error {
	var joining *kgo.ErrGroupSession
	switch {
	case errors.Is(err, kerr.FencedInstanceID):
		return fmt.Errorf("%w: %s: %w", ErrFenced, s.config.Member, err)
	case errors.Is(err, kerr.InvalidSessionTimeout):
		return Explain(context.Background(), s.config, err) // joining again is of no use
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return s.config.topicRefused(s.config.InputTopic, err)
	case errors.As(err, &joining):
		// The client joins again by itself.
		s.config.Log.Debug("group session interrupted", "error", err)
		return nil
	case transient(err):
		s.config.Observer.note(Reading, err)
		return nil
	}
	return fmt.Errorf("read topic %s, partition %d: %w", topic, partition, err)
}

// End ends the transaction and begins the next one. It commits if commit is true and no partition was revoked
// since the last End. Otherwise it aborts, and the next Poll goes on at the committed offsets.
//
// After an error the session must be closed. Then it is unknown whether the transaction was committed; the
// next session learns it from the broker.
func (s *Session) End(ctx context.Context, commit bool) (committed bool, err error) {
	if s.spent != nil {
		return false, fmt.Errorf("end transaction: %w", s.spent) // the next session aborts it
	}
	s.owned.ending()
	if !commit { // the group would wait for the records, too, but for ever
		if err := s.waitUntilEmpty(ctx, s.client.AbortBufferedRecords); err != nil {
			return false, fmt.Errorf("end transaction: %w", err)
		}
	}
	committed, err = s.group.End(marked(ctx, s.topic), kgo.TransactionEndTry(commit))
	if err == nil && commit && !committed {
		err = s.verifyAbort(ctx)
	}
	if err != nil {
		return false, fmt.Errorf("end transaction: %w", err)
	}
	s.failure.take() // of records that were aborted
	if err := s.group.Begin(); err != nil {
		return false, fmt.Errorf("begin transaction: %w", err)
	}
	return committed, nil
}

// verifyAbort checks that the broker has aborted the transaction, too: the library also answers "aborted" if
// the outcome of a commit is unknown.
func (s *Session) verifyAbort(ctx context.Context) error {
	ours := s.client.CommittedOffsets()[s.config.InputTopic]
	if len(ours) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(kadm.RequireStable(ctx), s.config.Timing.Transaction)
	defer cancel()
	for failures := 0; ; failures++ {
		theirs, err := s.admin.FetchOffsets(ctx, s.config.Group)
		if err == nil {
			err = theirs.Error() // for example, an offset is not stable yet
		}
		if err == nil {
			return agree(ours, theirs[s.config.InputTopic], s.owned.unusedOffsets())
		}
		s.config.Observer.note(Ending, err)
		select {
		case <-time.After(s.config.backoff(failures)):
		case <-ctx.Done():
			return fmt.Errorf("read committed offsets after an abort: %w", err)
		}
	}
}

// agree returns an error if the broker's committed offsets differ from ours. An unused offset that the broker
// still reports is no difference: it stays until our first commit replaces it.
func agree(ours map[int32]kgo.EpochOffset, theirs map[int32]kadm.OffsetResponse, unused map[int32]int64) error {
	for partition, our := range ours {
		their, ok := theirs[partition]
		if offset, known := unused[partition]; known && offset == their.At {
			continue
		}
		if ok && their.At >= 0 && their.At != our.Offset {
			return fmt.Errorf("partition %d is committed up to %d, expected %d", partition, their.At, our.Offset)
		}
	}
	return nil
}

// Close ends the session but not the transaction: the next session of this member aborts it. With leave, the
// partitions go to the other members at once. Without it, they stay assigned to this member for a restart.
//
// Close returns when all goroutines of the session have ended. A client that waits for the broker is cut
// short after closePatience.
func (s *Session) Close(leave bool) {
	s.config.Observer.closed(s)
	closed := make(chan struct{})
	go func() {
		s.group.Close()
		close(closed)
	}()
	// A client that is joining closes only when all other members have joined, too, which may take as
	// long as a rebalance may.
	select {
	case <-closed:
	case <-time.After(closePatience):
	}
	s.abandon()
	<-closed
	<-s.watched
	if !leave {
		return
	}
	err := s.leave()
	if err != nil {
		s.config.Log.Warn("could not leave the group; its partitions stay unread until the session expires",
			"group", s.config.Group, "session_timeout", s.config.Timing.Session, "error", err)
	}
}

// closePatience is how long a client may take to close.
const closePatience = 2 * time.Second

// leave makes the instance id leave the group: a static member does not leave by closing.
func (s *Session) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	group, err := NewGroup(s.config)
	if err != nil {
		return err
	}
	defer group.Close()
	return group.leave(ctx, "clean stop")
}
