package stream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// History reads again what the group has committed, on connections of its own:
// a replay never touches the session.
type History struct {
	config  Config
	reading sync.WaitGroup
}

// NewHistory reads the input topic of the configuration.
func NewHistory(config Config) *History { return &History{config: config} }

// Span is the part of a partition that a replay reads.
type Span struct {
	Partition int32
	From      int64 // the first offset; negative: as far back as Length asks for
	Until     int64 // the offset after the last one: where scoring goes on
	// Length is the time before the record at Until that the replay covers.
	Length time.Duration
	// Slack is so much more, so that stragglers after Until find the history
	// that an uninterrupted run would have given them.
	Slack time.Duration
	// Reach asks for a history that is complete for a point at this time (Unix
	// milliseconds), too, if the slack does not go so far back.
	Reach int64
}

// Replayed is a run of a span's records, in offset order.
type Replayed struct {
	Records []*kgo.Record
	Done    int64 // offsets read so far
	Pending int64 // offsets still to read
	// Covered: points at or after this time (Unix milliseconds) need none of
	// the records before the span.
	Covered int64
}

// Complete is the coverage of a history that begins with the topic.
const Complete = math.MinInt64

// ErrDeleted is in the error of a Read whose first records the topic no longer
// holds.
var ErrDeleted = errors.New("the records were deleted from the topic")

// Read calls deliver with the records of the span, run by run, and returns what
// they cover: Complete if the span has a From, or begins with the topic.
func (h *History) Read(ctx context.Context, span Span, deliver func(Replayed) error) (covered int64, err error) {
	h.reading.Add(1)
	defer h.reading.Done()
	covered = Complete
	from := span.From
	switch {
	case from < 0:
		from, covered, err = h.start(ctx, span)
	case from < span.Until:
		err = h.holds(ctx, span.Partition, from)
	}
	if err != nil {
		return 0, fmt.Errorf("find history of partition %d before offset %d: %w", span.Partition, span.Until, err)
	}
	err = h.scan(ctx, span.Partition, from, span.Until, func(records []*kgo.Record) error {
		last := records[len(records)-1].Offset
		return deliver(Replayed{Records: records, Done: last + 1 - from, Pending: span.Until - last - 1, Covered: covered})
	})
	if err != nil {
		return 0, fmt.Errorf("read history of partition %d, offsets %d to %d: %w", span.Partition, from, span.Until, err)
	}
	return covered, nil
}

// Close waits for the Reads under way, whose contexts have ended, to close
// their connections. None may begin afterwards.
func (h *History) Close() error {
	const most = 5 * time.Second
	over := make(chan struct{})
	go func() {
		h.reading.Wait()
		close(over)
	}()
	select {
	case <-over:
		return nil
	case <-time.After(most):
		return errors.New("the reading of the history does not end")
	}
}

// holds checks that the topic still has what follows an offset.
func (h *History) holds(ctx context.Context, partition int32, from int64) error {
	client, err := kgo.NewClient(h.config.client("history")...)
	if err != nil {
		return err
	}
	defer client.Close()
	all, err := boundsOf(ctx, kadm.NewClient(client), h.config.InputTopic)
	if err == nil && from < all[partition].first {
		err = fmt.Errorf("%w, which begins at offset %d: %d is wanted", ErrDeleted, all[partition].first, from)
	}
	return err
}

// start finds the first offset of the history before span.Until.
func (h *History) start(ctx context.Context, span Span) (from, covered int64, err error) {
	client, err := kgo.NewClient(h.config.client("history")...)
	if err != nil {
		return 0, 0, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	all, err := boundsOf(ctx, admin, h.config.InputTopic)
	if err != nil {
		return 0, 0, err
	}
	bound, ok := all[span.Partition]
	if !ok {
		return 0, 0, errors.New("no such partition")
	}
	if span.Until <= bound.first {
		return span.Until, Complete, nil
	}
	at, err := h.timeAt(ctx, span.Partition, span.Until, bound)
	if err != nil {
		return 0, 0, err
	}
	reliable := min(at-span.Slack.Milliseconds(), span.Reach)
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
	from = min(found.Offset, span.Until)
	if from > bound.first {
		return from, reliable, nil
	}
	if bound.first > 0 && found.Timestamp > wanted+span.Slack.Milliseconds() {
		h.config.Log.Warn("the topic keeps less than the history: entities are not scored until they have enough points again",
			"topic", h.config.InputTopic, "partition", span.Partition,
			"wanted_from", time.UnixMilli(wanted).UTC(), "kept_from", time.UnixMilli(found.Timestamp).UTC())
	}
	return from, Complete, nil
}

// errEnough ends a scan early.
var errEnough = errors.New("enough")

// timeAt is the timestamp of the first record at or after an offset, or of the
// last one before it if there is none yet.
func (h *History) timeAt(ctx context.Context, partition int32, offset int64, bound bounds) (at int64, err error) {
	found := false
	for back := int64(0); ; back = max(1, back*2) {
		from, until := max(offset-back, bound.first), offset
		if back == 0 {
			if offset >= bound.end {
				continue
			}
			from, until = offset, bound.end
		}
		err := h.scan(ctx, partition, from, until, func(records []*kgo.Record) error {
			found = true
			if back == 0 {
				at = records[0].Timestamp.UnixMilli()
				return errEnough
			}
			at = records[len(records)-1].Timestamp.UnixMilli()
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return 0, err
		}
		if found || from == bound.first {
			return at, nil
		}
	}
}

// stuckAfter is how long a scan waits for a next record before it asks whether
// there is one: a compacted topic may have none left before its end.
const stuckAfter = 10 * time.Second

// scan calls each with the committed records of [from, until), in order.
func (h *History) scan(ctx context.Context, partition int32, from, until int64, each func([]*kgo.Record) error) error {
	if from >= until {
		return nil
	}
	topic := h.config.InputTopic
	client, err := kgo.NewClient(append(h.config.client("history"),
		kgo.WithPools(new(fetchPool)),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(from)}}),
		// Control records tell that an end without data has been reached.
		kgo.KeepControlRecords(),
	)...)
	if err != nil {
		return err
	}
	defer client.Close()
	next := from
	for next < until {
		waiting, cancel := context.WithTimeout(ctx, stuckAfter)
		fetches := client.PollRecords(waiting, historyBatch)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, problem := range fetches.Errors() {
			if !transient(problem.Err) {
				return problem.Err
			}
		}
		records := fetches.Records()
		if len(records) == 0 {
			if ended, err := nothingLeft(ctx, client, topic, partition, next, until); ended || err != nil {
				return err
			}
			continue
		}
		next = records[len(records)-1].Offset + 1
		if data := dataBefore(records, until); len(data) > 0 {
			if err := each(data); err != nil {
				return err
			}
		}
	}
	return nil
}

// historyBatch bounds the records that are handed on at once.
const historyBatch = 10_000

// nothingLeft tells whether a scan to which nothing came for a while can end: a reader
// who looks finds nothing from next until there. That nothing came is no proof: the
// client retries a fetch that fails for ever, in silence.
func nothingLeft(ctx context.Context, client *kgo.Client, topic string, partition int32, next, until int64) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	admin := kadm.NewClient(client)
	bounds, err := boundsOf(ctx, admin, topic)
	if err != nil {
		return false, nil // away: the client goes on trying
	}
	bound := bounds[partition]
	if bound.first >= until {
		return false, fmt.Errorf("%w, which begins at offset %d now", ErrDeleted, bound.first)
	}
	id, leaders, err := leadersOf(ctx, admin, topic)
	if err != nil {
		return false, nil
	}
	p := peek{client: client, topic: topic, id: id, partition: partition, leader: leaders[partition]}
	passed, err := p.pass(ctx, next, until)
	return err == nil && passed >= until, nil
}

// dataBefore are the records that are no control records and lie before until.
func dataBefore(records []*kgo.Record, until int64) []*kgo.Record {
	data := records[:0]
	for _, record := range records {
		if record.Offset < until && !record.Attrs.IsControl() {
			data = append(data, record)
		}
	}
	return data
}
