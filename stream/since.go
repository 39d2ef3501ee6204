package stream

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Since returns for each partition of the input topic the span of the records from a time on, up to what is committed now, in the
// order of the partitions. The zero time asks for all that the topic has. A span begins at the first record that is not
// older; older ones may follow it. Partitions without such a record are left out.
func (h *History) Since(ctx context.Context, since time.Time) (spans []Span, err error) {
	admin, err := h.readers.admin()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	topic, err := h.config.identify(ctx, admin)
	if err != nil {
		return nil, err
	}
	all, err := boundsOf(ctx, admin, h.config.InputTopic)
	if err != nil {
		return nil, fmt.Errorf("ask for the offsets of topic %s: %w", h.config.InputTopic, err)
	}
	stable, err := admin.ListCommittedOffsets(ctx, h.config.InputTopic)
	if err == nil {
		err = stable.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the ends of topic %s: %w", h.config.InputTopic, err)
	}
	first, err := admin.ListOffsetsAfterMilli(ctx, max(since.UnixMilli(), 0), h.config.InputTopic)
	if err == nil {
		err = first.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ask topic %s for offsets at a time: %w", h.config.InputTopic, err)
	}
	for partition, bound := range all {
		span := Span{Partition: partition, Topic: topic, From: bound.first, Until: bound.end}
		if end, ok := stable.Lookup(h.config.InputTopic, partition); ok {
			span.Until = end.Offset
		}
		if span.From >= span.Until {
			continue
		}
		found, ok := first.Lookup(h.config.InputTopic, partition)
		switch {
		case since.IsZero() || !ok:
		case found.Timestamp >= 0:
			span.From = max(found.Offset, bound.first)
		default:
			// The broker knows no such record. A real one says so in error after a part of a segment was deleted.
			at, err := h.timeAt(ctx, Span{Partition: partition, Topic: topic, Until: span.Until}, bounds{bound.first, span.Until})
			if err != nil {
				return nil, fmt.Errorf("read the last records of partition %d: %w", partition, err)
			}
			if at < since.UnixMilli() {
				continue
			}
		}
		if span.From < span.Until {
			spans = append(spans, span)
		}
	}
	slices.SortFunc(spans, func(a, b Span) int { return int(a.Partition - b.Partition) })
	return spans, nil
}
