package stream

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What a session writes, and what it does when that fails.

// writing are the options of a client that writes.
func (c Config) writing() []kgo.Opt {
	return []kgo.Opt{
		kgo.ProducerBatchCompression(kgo.SnappyCompression()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.ProducerBatchMaxBytesFn(c.Outlet.clientLimit),
	}
}

// limits are the client's for the topics that are written to.
func (c Config) limits() (limits []int32) {
	for _, topic := range c.written() {
		limits = append(limits, c.Outlet.clientLimit(topic))
	}
	return limits
}

// Produce adds a record to the transaction. Whether it was written is what the
// next Flush returns.
func (s *Session) Produce(record *kgo.Record) {
	if s.pace.full(record) {
		_ = s.written(context.Background()) // what fails is kept
	}
	s.group.Produce(context.Background(), record, s.failure.promise)
}

// Flush waits until all produced records are written. If some are not, the
// transaction is to be aborted. The error wraps a Refused if it is of no use to
// write the same records again.
func (s *Session) Flush(ctx context.Context) error {
	if err := s.written(ctx); err != nil {
		return fmt.Errorf("flush output: %w", err)
	}
	failed := s.failure.take()
	switch {
	case failed.first == nil:
		return nil
	case failed.gone != nil:
		s.spent = fmt.Errorf("a topic that is written to was deleted, or made anew: %w", failed.gone)
		return fmt.Errorf("write output: %w", failed.gone)
	case failed.refused != nil:
		return s.refused(ctx, failed)
	}
	return fmt.Errorf("write output: %w", failed.first)
}

// written waits, and looks now and then whether what it waits for can come: a client
// that does not know whether a batch was written tries for ever, and says nothing,
// though its topic is gone.
func (s *Session) written(ctx context.Context) error {
	for {
		waiting, cancel := context.WithTimeout(ctx, min(askTimeout, s.config.Timing.Transaction))
		err := s.client.Flush(waiting)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		if missing := s.missing(ctx); missing != nil {
			s.spent = fmt.Errorf("a topic that is written to is no more: %w", missing)
			return missing
		}
	}
}

// missing is an error if a topic that is written to does not exist.
func (s *Session) missing(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	topics, err := s.admin.ListTopics(ctx, s.config.written()...)
	if err != nil {
		return nil // not known: the broker may be away
	}
	for _, topic := range s.config.written() {
		if about := topics[topic]; gone(about.Err) {
			return fmt.Errorf("topic %s: %w", topic, about.Err)
		}
	}
	return nil
}

// refused finds out which records a topic refuses by themselves. Where there is
// none, it is their batch that is too large: less is written at a time from now on.
func (s *Session) refused(ctx context.Context, failed failed) error {
	if tooLarge(failed.refused) {
		s.config.describe(ctx, s.admin, s.config.written()...)
		if !slices.Equal(s.config.limits(), s.limits) { // a client has those it began with
			s.spent = fmt.Errorf("a topic that is written to has another max.message.bytes now: %w", failed.refused)
			return fmt.Errorf("write output: %w", failed.refused)
		}
	}
	found, all, err := s.config.isolate(ctx, failed.suspects)
	switch {
	case len(found) > 0:
		return fmt.Errorf("write output: %w", &Refused{found, failed.refused})
	case err != nil:
		return fmt.Errorf("write output: %w; %w", failed.refused, err)
	case all && tooLarge(failed.refused):
		s.pace.slow(failed.suspects)
		s.config.Log.Warn("a topic takes less at a time than its settings say, writing smaller batches", "bytes", s.pace.most, "error", failed.refused)
	}
	return fmt.Errorf("write output: %w", failed.refused)
}

// pace bounds what is written at a time, if a topic has refused a batch none of
// whose records it refuses. It belongs to the one that produces.
type pace struct {
	most  int // bytes; 0: no bound
	under int // way
}

// full tells whether what is under way is to be written before this record.
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

// slow halves the bound, or begins with half of what was refused.
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
