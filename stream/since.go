package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
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
	if err := untilStable(ctx, admin, h.config.InputTopic, all); err != nil {
		return nil, fmt.Errorf("ask for the ends of topic %s: %w", h.config.InputTopic, err)
	}
	var first kadm.ListedOffsets // empty for the zero time
	if !since.IsZero() {
		first, err = admin.ListOffsetsAfterMilli(ctx, max(since.UnixMilli(), 0), h.config.InputTopic)
		if err == nil {
			err = first.Error()
		}
		if err != nil {
			return nil, fmt.Errorf("ask topic %s for offsets at a time: %w", h.config.InputTopic, err)
		}
	}
	for partition, bound := range all {
		span := Span{Partition: partition, Topic: topic, From: bound.first, Until: bound.end}
		if span.From >= span.Until {
			continue
		}
		found, ok := first.Lookup(h.config.InputTopic, partition)
		switch {
		case !ok:
		case found.Timestamp >= 0:
			span.From = max(found.Offset, bound.first)
		default:
			// The broker knows no such record. A real one says so in error after a part of a segment was deleted.
			at, err := h.timeAt(ctx, Span{Partition: partition, Topic: topic, Until: span.Until}, bound)
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

// Committed is Group.Committed for a caller that asks once. A group that does not exist has committed nothing.
func Committed(ctx context.Context, config Config) (map[int32]int64, error) {
	group, err := NewGroup(config)
	if err != nil {
		return nil, err
	}
	defer group.Close()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	committed, _, err := group.Committed(ctx)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return nil, nil // nobody has joined it yet
	}
	return committed, err
}
