package stream

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// This file is what a session writes, and what it does when a write fails.

// writing are the options of a client that writes.
func (c Config) writing() []kgo.Opt {
	return []kgo.Opt{
		kgo.ProducerBatchCompression(kgo.SnappyCompression()),
		kgo.RecordPartitioner(partitioner{c.EpisodesTopic, kgo.ManualPartitioner(), kgo.StickyKeyPartitioner(nil)}),
		kgo.ProducerBatchMaxBytesFn(c.Outlet.clientLimit),
	}
}

// partitioner sends a record of the episodes topic to the partition that the record names, which is the number of
// the input's partition. All other records go by their keys.
type partitioner struct {
	episodes     string
	named, byKey kgo.Partitioner
}

// ForTopic implements kgo.Partitioner.
func (p partitioner) ForTopic(topic string) kgo.TopicPartitioner {
	if topic == p.episodes && topic != "" {
		return p.named.ForTopic(topic)
	}
	return p.byKey.ForTopic(topic)
}

// limits are the client's size limits of the topics that the detector writes to.
func (c Config) limits() (limits []int32) {
	for _, topic := range c.written() {
		limits = append(limits, c.Outlet.clientLimit(topic))
	}
	return limits
}

// Produce adds a record to the transaction. The next Flush returns whether it was written.
func (s *Session) Produce(record *kgo.Record) {
	if s.pace.full(record) {
		_ = s.written(context.Background()) // the next Flush returns the error
	}
	s.group.Produce(context.Background(), record, s.failure.promise)
}

// Flush waits until all produced records are written. After an error the caller aborts the transaction. The
// error wraps a Refused if writing the same records again would fail again.
func (s *Session) Flush(ctx context.Context) error {
	if err := s.written(ctx); err != nil {
		return fmt.Errorf("flush output: %w", err)
	}
	failed := s.failure.take()
	switch {
	case failed.first == nil:
		return nil
	case failed.gone != nil:
		s.spent = fmt.Errorf("an output topic was deleted or created again: %w", failed.gone)
		return fmt.Errorf("write output: %w", failed.gone)
	case failed.refused != nil:
		return s.refused(ctx, failed)
	}
	if s.config.EpisodesTopic != "" {
		s.client.ForceMetadataRefresh() // the client may not know a partition that was just added
	}
	return fmt.Errorf("write output: %w", failed.first)
}

// written waits until the client has written everything.
func (s *Session) written(ctx context.Context) error { return s.waitUntilEmpty(ctx, s.client.Flush) }

// waitUntilEmpty waits until the client has nothing left to write, and checks now and then whether that can
// still happen: a client that does not know whether a batch was written tries for ever, silently, even if the
// topic is gone.
func (s *Session) waitUntilEmpty(ctx context.Context, wait func(context.Context) error) error {
	for {
		waiting, cancel := context.WithTimeout(ctx, min(askTimeout, s.config.Timing.Transaction))
		err := wait(waiting)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		if failed := s.producerFailure(ctx); failed != nil {
			s.spent = fmt.Errorf("the transactional producer has failed: %w", failed)
			return failed
		}
		if missing := s.missing(ctx); missing != nil {
			s.spent = fmt.Errorf("an output topic does not exist any more: %w", missing)
			return missing
		}
	}
}

// producerFailure is why the client writes nothing more in this transaction; nil: it does. For example, another
// client may have taken its transactional id. Then the client gives up all records, but it may lose sight of those
// of a topic that is new to it, and keep them for ever.
func (s *Session) producerFailure(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	_, _, err := s.client.ProducerID(ctx)
	if err == nil || ctx.Err() != nil || worded("unable to initialize a producer ID")(err) {
		return nil // it has one, or still asks for one
	}
	return err
}

// missing returns an error if a topic that the detector writes to does not exist.
func (s *Session) missing(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	topics, err := s.admin.ListTopics(ctx, s.config.written()...)
	if err != nil {
		return nil // unknown: the broker may be away
	}
	for _, topic := range s.config.written() {
		if about := topics[topic]; gone(about.Err) {
			return fmt.Errorf("topic %s: %w", topic, about.Err)
		}
	}
	return nil
}

// refused finds out which records a topic refuses for themselves. If there are none, their batch is too
// large, and smaller batches are written from now on.
func (s *Session) refused(ctx context.Context, failed failed) error {
	if tooLarge(failed.refused) {
		s.config.describe(ctx, s.admin, s.config.written()...)
		if !slices.Equal(s.config.limits(), s.limits) { // a client keeps the limits that it was made with
			s.spent = fmt.Errorf("max.message.bytes of an output topic has changed: %w", failed.refused)
			return fmt.Errorf("write output: %w", failed.refused)
		}
	}
	found, all, err := s.config.isolate(ctx, failed.suspects)
	if of := slices.IndexFunc(found, func(r Refusal) bool { return r.Record.Topic == s.config.EpisodesTopic }); of >= 0 {
		return fmt.Errorf("write output: %w", &episodeRefused{found[of]})
	}
	switch {
	case len(found) > 0:
		return fmt.Errorf("write output: %w", &Refused{found, failed.refused})
	case err != nil:
		return fmt.Errorf("write output: %w; %w", failed.refused, err)
	case all && tooLarge(failed.refused):
		s.pace.slow(failed.suspects)
		s.config.Log.Warn("a topic accepts only smaller batches than its settings say; writing smaller ones", "bytes", s.pace.most, "error", failed.refused)
	}
	return fmt.Errorf("write output: %w", failed.refused)
}

// pace limits how much is written at a time, once a topic has refused a batch without refusing any record in
// it. It belongs to the goroutine that produces.
type pace struct {
	most  int // in bytes; 0: no limit
	under int // bytes produced since the limit was last reached
}

// full says whether the produced records must be written before this one is produced.
func (p *pace) full(record *kgo.Record) bool {
	if p.most == 0 {
		return false
	}
	size := sizeOf(record)
	full := p.under > 0 && p.under+size > p.most
	if full {
		p.under = 0
	}
	p.under += size
	return full
}

// slow halves the limit. The first limit is half of what was refused.
func (p *pace) slow(refused []*kgo.Record) {
	if p.most == 0 {
		p.most = batchBytes
		sum := 0
		for _, record := range refused {
			sum += sizeOf(record)
		}
		p.most = min(p.most, sum)
	}
	p.most, p.under = max(p.most/2, 1), 0
}

func sizeOf(record *kgo.Record) int {
	size := len(record.Key) + len(record.Value)
	for _, header := range record.Headers {
		size += len(header.Key) + len(header.Value)
	}
	return size
}
