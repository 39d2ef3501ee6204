package stream

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// begin finds the offset from which each partition is read. If a partition does not go on at the offset where
// reading ended, the listener is told.
func (t *tail) begin(ctx context.Context, client *kgo.Client, admin *kadm.Client, ends map[int32]Ends) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	now, err := t.config.identify(ctx, admin)
	if err != nil {
		return err
	}
	anew := t.topic.Differs(now) || t.broken
	all, err := boundsOf(ctx, admin, t.config.InputTopic)
	if err != nil {
		return fmt.Errorf("ask for the offsets of topic %s: %w", t.config.InputTopic, err)
	}
	for partition, offset := range t.next {
		if bound, there := all[partition]; !anew && (!there || offset > bound.end) {
			anew = true
			t.config.Log.Warn("the output topic has lost records that were read, so what the page shows is read again",
				"topic", t.config.InputTopic, "partition", partition, "read", offset, "end", bound.end)
		}
	}
	if anew {
		t.next, t.caught = nil, false
	}
	starts, since, err := t.starts(ctx, client, admin, all, ends)
	if err != nil {
		return fmt.Errorf("find where to begin in topic %s: %w", t.config.InputTopic, err)
	}
	from := make(map[int32]int64)
	for partition, bound := range all {
		offset, known := t.next[partition]
		switch {
		case !known:
			from[partition] = starts[partition]
		case offset < bound.first:
			from[partition] = bound.first // the topic has deleted the next records
		}
	}
	if t.next == nil {
		t.next = make(map[int32]int64)
	}
	maps.Copy(t.next, from)
	named := now.Topic != t.topic.Topic
	t.topic = now
	if anew || named || len(from) > 0 {
		t.to.Begin(now, from, since, anew)
	}
	t.broken = false
	return nil
}

// starts are the offsets of the first records of the span, by partition, and the time since which all records are read; 0:
// all are.
func (t *tail) starts(ctx context.Context, client *kgo.Client, admin *kadm.Client, all map[int32]bounds, ends map[int32]Ends) (starts map[int32]int64, since int64, err error) {
	starts = make(map[int32]int64)
	for partition, bound := range all {
		starts[partition] = bound.first
	}
	if t.next != nil {
		return starts, 0, nil // added partitions are read from their beginning
	}
	newest, times, err := t.last(ctx, client, admin, all, ends)
	if err != nil {
		return nil, 0, err
	}
	// The median, because a few of the times may be far ahead of all others.
	if len(times) == 0 {
		return starts, 0, nil
	}
	slices.Sort(times)
	wanted := times[(len(times)-1)/2] - t.span.Milliseconds()
	if wanted <= 0 {
		return starts, 0, nil
	}
	first, err := admin.ListOffsetsAfterMilli(ctx, wanted, t.config.InputTopic)
	if err == nil {
		err = first.Error()
	}
	if err != nil {
		return nil, 0, err
	}
	// The offset may be that of a transaction marker, which has the broker's time. Then reading begins
	// earlier than necessary.
	first.Each(func(offset kadm.ListedOffset) {
		bound, known := all[offset.Partition]
		record, seen := newest[offset.Partition]
		// A real broker finds nothing if a part of a segment was deleted. Then the partition is read from its
		// beginning.
		wrong := seen && record.at >= wanted && record.offset < offset.Offset
		if known && !wrong {
			starts[offset.Partition] = min(max(offset.Offset, bound.first), bound.end)
		}
	})
	for partition, bound := range all {
		if starts[partition] > bound.first {
			since = wanted
		}
	}
	return starts, since, nil
}

// stamped is a record's offset and timestamp.
type stamped struct{ offset, at int64 }

// lookback is how many records, of all partitions together, begin looks at to find some of the listener's
// own. If there are none among them, the topic is read from its beginning.
const lookback = 1 << 16

// last looks at the last committed records of each partition, and farther back until it finds some of the
// listener's own. It returns the newest record of each partition, and the times of the listener's own ones.
// The broker itself cannot be asked: its answer would be the time of a transaction marker, which is the
// broker's.
func (t *tail) last(ctx context.Context, client *kgo.Client, admin *kadm.Client, all map[int32]bounds, ends map[int32]Ends) (newest map[int32]stamped, times []int64, err error) {
	id, leaders, err := leadersOf(ctx, admin, t.config.InputTopic)
	if err != nil {
		return nil, nil, err
	}
	newest = make(map[int32]stamped)
	looked := 0
	note := func(record *kgo.Record) {
		looked++
		at := record.Timestamp.UnixMilli()
		if former, seen := newest[record.Partition]; !seen || at > former.at {
			newest[record.Partition] = stamped{record.Offset, at}
		}
		if t.to.Own(record) {
			times = append(times, at)
		}
	}
	until := make(map[int32]int64) // the records from this offset on have been looked at
	for partition := range all {
		until[partition] = ends[partition].Stable
	}
	for back, more := int64(64), true; len(times) == 0 && more && back <= lookback; back *= 4 {
		more = false
		for partition, bound := range all {
			from := max(bound.first, ends[partition].Stable-back)
			more = more || from > bound.first
			p := peek{config: t.config, client: client, id: id, partition: partition, leader: leaders[partition]}
			if err := p.each(ctx, from, until[partition], note); err != nil {
				return nil, nil, err
			}
			until[partition] = min(from, until[partition])
			if looked >= lookback {
				return newest, times, nil
			}
		}
	}
	return newest, times, nil
}

// each calls visit with the committed records of [from, until).
func (p *peek) each(ctx context.Context, from, until int64, visit func(*kgo.Record)) error {
	for from < until {
		records, next, err := p.fetch(ctx, from)
		if err != nil {
			return err
		}
		for _, record := range records {
			if !record.Attrs.IsControl() && record.Offset < until {
				visit(record)
			}
		}
		if next <= from {
			return nil
		}
		from = next
	}
	return nil
}
