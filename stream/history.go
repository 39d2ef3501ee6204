package stream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
)

// History reads committed records of the input topic again. It has connections of its own: a replay never
// touches the session.
type History struct {
	config  Config
	reading sync.WaitGroup
	readers readers
}

// NewHistory reads the input topic of the configuration.
func NewHistory(config Config) *History {
	return &History{config: config, readers: readers{config: config}}
}

// Span is the part of a partition that a replay reads: the offsets [From, Until).
type Span struct {
	Partition int32
	Topic     messages.Identity // the topic that the offsets belong to
	From      int64             // the first offset; negative: find it by Length, Slack and CompleteAt
	Until     int64             // the offset after the last one: where scoring goes on
	// Length is how far before the record at Until the history goes back: the length of a window.
	Length time.Duration
	// Slack is how much farther it goes back, so that a late record after Until finds the history that an
	// uninterrupted run would have had.
	Slack time.Duration
	// CompleteAt is a time (Unix milliseconds). The history must be complete for a point at that time, even
	// if it lies farther back than the slack. math.MaxInt64 asks for nothing beyond the slack.
	CompleteAt int64
	// More says that the records that follow Until will be asked for soon: then the connection is kept.
	More bool
}

// Replayed is a run of a span's records, in the order of their offsets.
type Replayed struct {
	Records []*kgo.Record
	Done    int64 // how many offsets have been read so far
	Pending int64 // how many offsets are still to be read
	// CompleteFrom is the completeness watermark (Unix milliseconds): a point at or after this time needs no
	// record from before the span.
	CompleteFrom int64
}

// Complete is the completeness watermark of a history that begins where the topic does: no record is missing.
const Complete = math.MinInt64

// ErrDeleted is in the error of a Read whose first records the topic no longer has.
var ErrDeleted = errors.New("the records were deleted from the topic")

// Read calls deliver with the records of the span, run by run, and returns their completeness watermark in
// Unix milliseconds. It is Complete if the span has a From, or if it begins where the topic does. The error
// wraps ErrDeleted if the topic no longer has the records from From on, and ErrRecreated if another topic has
// its name.
func (h *History) Read(ctx context.Context, span Span, deliver func(Replayed) error) (completeFrom int64, err error) {
	h.reading.Add(1)
	defer h.reading.Done()
	completeFrom = Complete
	from := span.From
	switch {
	case from < 0:
		from, completeFrom, err = h.start(ctx, span)
	case from < span.Until:
		err = h.holds(ctx, span)
	}
	if err != nil {
		return 0, fmt.Errorf("find history of partition %d before offset %d: %w", span.Partition, span.Until, err)
	}
	err = h.scan(ctx, span, from, span.Until, func(records []*kgo.Record) error {
		last := records[len(records)-1].Offset
		return deliver(Replayed{Records: records, Done: last + 1 - from, Pending: span.Until - last - 1, CompleteFrom: completeFrom})
	})
	if err != nil {
		return 0, fmt.Errorf("read history of partition %d, offsets %d to %d: %w", span.Partition, from, span.Until, err)
	}
	return completeFrom, nil
}

// Close waits until the running Reads have closed their connections. The caller has ended their contexts, and
// starts no more Reads.
func (h *History) Close() error {
	const most = 5 * time.Second
	over := make(chan struct{})
	go func() {
		h.reading.Wait()
		h.readers.close()
		close(over)
	}()
	select {
	case <-over:
		return nil
	case <-time.After(most):
		return errors.New("the reading of history has not ended in time")
	}
}

// holds returns an error if the topic no longer has the record at span.From.
func (h *History) holds(ctx context.Context, span Span) error {
	partition, from := span.Partition, span.From
	if h.readers.waits(span, from) {
		return nil // a kept reader has come as far as this offset
	}
	admin, err := h.readers.admin()
	if err != nil {
		return err
	}
	all, err := boundsOf(ctx, admin, h.config.InputTopic)
	if err == nil && from < all[partition].first {
		err = fmt.Errorf("%w, which begins at offset %d: %d is wanted", ErrDeleted, all[partition].first, from)
	}
	return err
}

// start finds the first offset of the history before span.Until, and the history's completeness watermark.
func (h *History) start(ctx context.Context, span Span) (from, completeFrom int64, err error) {
	admin, err := h.readers.admin()
	if err != nil {
		return 0, 0, err
	}
	all, err := boundsOf(ctx, admin, h.config.InputTopic)
	if err != nil {
		return 0, 0, err
	}
	bound, ok := all[span.Partition]
	if !ok {
		return 0, 0, errors.New("no such partition")
	}
	log := h.config.Log.With("topic", h.config.InputTopic, "partition", span.Partition)
	if span.Until <= bound.first {
		if bound.first > 0 {
			log.Warn("the history was deleted from the topic: entities are not scored until they have enough points again",
				"wanted_until", span.Until, "first", bound.first)
		}
		return span.Until, Complete, nil
	}
	if err := untilStable(ctx, admin, h.config.InputTopic, all); err != nil {
		return 0, 0, err
	}
	bound = all[span.Partition]
	at, err := h.timeAt(ctx, span, bound)
	if err != nil {
		return 0, 0, err
	}
	reliable := min(at-span.Slack.Milliseconds(), span.CompleteAt)
	wanted := max(reliable-span.Length.Milliseconds(), 0)
	answer, err := admin.ListOffsetsAfterMilli(ctx, wanted, h.config.InputTopic)
	if err == nil {
		err = answer.Error()
	}
	if err != nil {
		return 0, 0, err
	}
	found, ok := answer.Lookup(h.config.InputTopic, span.Partition)
	if !ok {
		return 0, 0, fmt.Errorf("the broker does not tell the offset at time %d", wanted)
	}
	if found.Timestamp < 0 && at > wanted {
		// The answer "no record" is wrong, as there is one at that time. A real broker (4.1) gives it after a
		// part of a segment was deleted.
		if found, err = h.firstOf(ctx, span, bound); err != nil {
			return 0, 0, err
		}
	}
	from = min(found.Offset, span.Until)
	if from > bound.first {
		return from, reliable, nil
	}
	if bound.first > 0 && found.Timestamp > wanted+span.Slack.Milliseconds() {
		log.Warn("the topic keeps less than the history: entities are not scored until they have enough points again",
			"wanted_from", time.UnixMilli(wanted).UTC(), "kept_from", time.UnixMilli(found.Timestamp).UTC())
	}
	return from, Complete, nil
}

// firstOf is the first record that the topic has before the end of a span.
func (h *History) firstOf(ctx context.Context, span Span, bound bounds) (first kadm.ListedOffset, err error) {
	first = kadm.ListedOffset{Offset: bound.first, Timestamp: -1}
	err = h.scan(ctx, span, bound.first, span.Until, func(records []*kgo.Record) error {
		first.Timestamp = records[0].Timestamp.UnixMilli()
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return first, err
}

// errEnough ends a scan early.
var errEnough = errors.New("enough")

// timeAt is the time of the first record at or after span.Until, or of the last one before it if there is
// none yet. If that differs from the median of the records beside it by more than the slack, the median
// counts: one bad timestamp must not decide how much is read.
func (h *History) timeAt(ctx context.Context, span Span, bound bounds) (at int64, err error) {
	const beside = 3 // how many records are compared
	var times []int64
	if span.Until < bound.end {
		err = h.scan(ctx, span, span.Until, bound.end, func(records []*kgo.Record) error {
			times = timesOf(records)
			return errEnough
		})
		if err != nil && !errors.Is(err, errEnough) {
			return 0, err
		}
		times = times[:min(len(times), beside)]
	}
	for back := int64(beside); len(times) == 0; back *= 2 {
		from := max(span.Until-back, bound.first)
		err = h.scan(ctx, span, from, span.Until, func(records []*kgo.Record) error {
			times = append(times, timesOf(records)...)
			return nil
		})
		if err != nil {
			return 0, err
		}
		slices.Reverse(times)
		times = times[:min(len(times), beside)]
		if from == bound.first {
			break
		}
	}
	if len(times) == 0 {
		return 0, nil
	}
	at = times[0]
	slices.Sort(times)
	if median := times[len(times)/2]; max(at-median, median-at) > span.Slack.Milliseconds() {
		at = median
	}
	return at, nil
}

func timesOf(records []*kgo.Record) (times []int64) {
	for _, record := range records {
		times = append(times, record.Timestamp.UnixMilli())
	}
	return times
}

// stuckAfter is how long a scan waits for the next record before it asks whether there is one: a compacted
// topic may have none left before its end.
const stuckAfter = 10 * time.Second

// scan calls each with the committed records of [from, until), in the order of their offsets.
func (h *History) scan(ctx context.Context, span Span, from, until int64, each func([]*kgo.Record) error) (err error) {
	if from >= until {
		return nil
	}
	r, err := h.readers.take(span, from)
	if err != nil {
		return err
	}
	defer func() {
		if err == nil && span.More {
			h.readers.keep(span.Partition, r)
		} else {
			r.client.Close()
		}
	}()
	for r.next < until {
		records := r.ahead
		r.ahead = nil
		if len(records) == 0 {
			if records, err = h.poll(ctx, r, span); err != nil {
				return err
			}
		}
		if len(records) == 0 {
			if ended, err := h.nothingLeft(ctx, r, span, until); ended || err != nil {
				r.next = until
				return err
			}
			continue
		}
		if past := slices.IndexFunc(records, func(record *kgo.Record) bool { return record.Offset >= until }); past >= 0 {
			records, r.ahead = records[:past], records[past:]
			r.next = until
		} else {
			r.next = records[len(records)-1].Offset + 1
		}
		if data := dataOf(records); len(data) > 0 {
			if err := each(data); err != nil {
				return err
			}
		}
	}
	return nil
}

// poll waits for records, at most stuckAfter.
func (h *History) poll(ctx context.Context, r *reader, span Span) ([]*kgo.Record, error) {
	waiting, cancel := context.WithTimeout(ctx, stuckAfter)
	defer cancel()
	fetches := r.client.PollRecords(waiting, historyBatch)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	for _, problem := range fetches.Errors() {
		if !transient(problem.Err) {
			return nil, problem.Err
		}
	}
	return fetches.Records(), h.config.same(span.Topic, fetches)
}

// historyBatch is how many records are handed on at once, at most.
const historyBatch = 10_000

// nothingLeft says whether a scan that has received no records for a while can end, because there is nothing to
// read from r.next to until. Silence is no proof, because the client retries a failing fetch for ever. An empty
// answer is no proof either (peek.local).
func (h *History) nothingLeft(ctx context.Context, r *reader, span Span, until int64) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	admin, err := h.readers.admin()
	if err != nil {
		return false, err
	}
	bounds, err := boundsOf(ctx, admin, h.config.InputTopic)
	if err != nil {
		return false, nil // the broker is away; the client goes on trying
	}
	if now, err := h.config.identify(ctx, admin); err == nil && span.Topic.Differs(now) {
		return false, h.config.recreated(span.Topic, now)
	}
	bound := bounds[span.Partition]
	if bound.first >= until {
		return false, fmt.Errorf("%w, which begins at offset %d now", ErrDeleted, bound.first)
	}
	id, leaders, err := leadersOf(ctx, admin, h.config.InputTopic)
	if err != nil {
		return false, nil
	}
	p := peek{config: h.config, client: r.client, id: id, partition: span.Partition, leader: leaders[span.Partition]}
	passed, err := p.pass(ctx, r.next, until)
	return err == nil && passed >= until, nil
}

// dataOf drops the control records.
func dataOf(records []*kgo.Record) []*kgo.Record {
	return slices.DeleteFunc(records, func(record *kgo.Record) bool { return record.Attrs.IsControl() })
}
