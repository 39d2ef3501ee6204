package stream

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// How Check looks at the last records of the input topic.
const (
	lastRecords  = 20
	lastPatience = 2 * time.Second
	// lastOffsets is how far before the end of a partition the look begins. Transaction markers have offsets,
	// too, so it is more than the records that are wanted.
	lastOffsets        = 2 * lastRecords
	mostLastPartitions = 64
)

// readable says whether the last committed records of the input topic can be read.
func (c *check) readable(ctx context.Context) {
	if c.Read == nil || len(c.input.Partitions) == 0 {
		return
	}
	last, err := c.last(ctx)
	switch {
	case err != nil:
		c.warn("the last records of topic %s could not be fetched: %s", c.InputTopic, Explain(ctx, c.Config, err))
		return
	case len(last) == 0:
		c.fact("topic %s has no records at its end, so nothing tells whether value_field and key_field are in them", c.InputTopic)
		return
	}
	good, entity, why := 0, "", ""
	for _, record := range last {
		switch key, err := c.Read(record.Timestamp.UnixMilli(), record.Value); {
		case err == nil:
			good++
			entity = cmp.Or(entity, key)
		case why == "":
			why = fmt.Sprintf("%s (partition %d, offset %d)", err, record.Partition, record.Offset)
		}
	}
	of := fmt.Sprintf("%d of the last %s", good, counted(len(last), "record"))
	if good > 0 {
		c.fact("%s of topic %s can be read, such as entity %s", of, c.InputTopic, entity)
	}
	switch {
	case good == 0:
		c.problem("%s of topic %s can be read; the first that cannot: %s; look at value_field and key_field", of, c.InputTopic, why)
	case why != "":
		c.warn("%d of the last %s of topic %s cannot be read; the first: %s", len(last)-good, counted(len(last), "record"), c.InputTopic, why)
	}
}

// last fetches the last committed records of the input topic, the oldest first. It returns those that arrive
// within lastPatience.
func (c *check) last(ctx context.Context) (records []*kgo.Record, err error) {
	ctx, cancel := context.WithTimeout(ctx, lastPatience)
	defer cancel()
	all, err := boundsOf(ctx, c.admin, c.InputTopic)
	if err != nil {
		return nil, err
	}
	if err := untilStable(ctx, c.admin, c.InputTopic, all); err != nil {
		return nil, err
	}
	ends, places := make(map[int32]int64), make(map[int32]kgo.Offset)
	for partition, bound := range all {
		if bound.end > bound.first && len(ends) < mostLastPartitions {
			ends[partition] = bound.end
			places[partition] = kgo.NewOffset().At(max(bound.first, bound.end-lastOffsets))
		}
	}
	if len(ends) == 0 {
		return nil, nil
	}
	client, err := kgo.NewClient(append(c.quietly().client("check"), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{c.InputTopic: places}))...)
	if err != nil {
		return nil, fmt.Errorf("create Kafka client: %w", err)
	}
	defer client.Close()
	for len(ends) > 0 && ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		if ctx.Err() == nil {
			if err := fetches.Err(); err != nil {
				return nil, err
			}
		}
		fetches.EachRecord(func(record *kgo.Record) {
			if record.Offset+1 >= ends[record.Partition] {
				delete(ends, record.Partition)
			}
			if !record.Attrs.IsControl() {
				records = append(records, record)
			}
		})
	}
	if len(records) == 0 && len(ends) > 0 {
		return nil, fmt.Errorf("none came within %s", lastPatience)
	}
	slices.SortStableFunc(records, func(a, b *kgo.Record) int { return a.Timestamp.Compare(b.Timestamp) })
	return records[max(0, len(records)-lastRecords):], nil
}
