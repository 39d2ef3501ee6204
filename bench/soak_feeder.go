package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// soakFeeder keeps a backlog in front of the detector, and deletes the records that nobody
// needs any more.
type soakFeeder struct {
	bench   *bench
	stream  *passing
	topic   string
	group   string
	backlog int64 // records
	kept    int64 // records of a partition that stay behind the detector: more than a window

	bins atomic.Int64 // appended
	fed  atomic.Int64 // records
	done atomic.Int64 // records that the group has committed
}

// feed appends bins until stop is closed, and then waits until all are written.
func (f *soakFeeder) feed(ctx context.Context, stop <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client, err := newClient(f.bench.brokers, kgo.UnknownTopicRetries(-1))
	if err != nil {
		return err
	}
	defer client.Close()
	parts := make([][]slot, f.stream.partitions)
	for i := range parts {
		parts[i] = f.stream.slotsOf(i)
	}
	sent := sending{client: client, cancel: cancel}
	for bin := 0; ctx.Err() == nil; bin++ {
		select {
		case <-stop:
			return sent.end(ctx)
		default:
		}
		for _, slots := range parts {
			records := f.stream.records(f.topic, slots, bin)
			for i := range records {
				sent.add(ctx, &records[i])
			}
			f.fed.Add(int64(len(records)))
		}
		f.bins.Store(int64(bin + 1))
		for ctx.Err() == nil && f.fed.Load()-f.done.Load() > f.backlog {
			select {
			case <-stop:
				return sent.end(ctx)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return sent.end(ctx)
}

// watch keeps done up to date, and deletes old records now and then.
func (f *soakFeeder) watch(ctx context.Context, o *soakOracle) {
	var lastDeleted time.Time
	for ctx.Err() == nil {
		offsets, err := f.committed(ctx)
		if err == nil && time.Since(lastDeleted) > 5*time.Second {
			lastDeleted = time.Now()
			f.delete(ctx, offsets, o)
		}
		pause(ctx, 100*time.Millisecond)
	}
}

// committed asks for the group's offsets, by partition. It fails while the broker is away.
func (f *soakFeeder) committed(ctx context.Context) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	answer, err := f.bench.admin.FetchOffsets(ctx, f.group)
	if err != nil {
		return nil, err
	}
	offsets, sum := make(map[int32]int64), int64(0)
	for partition, o := range answer[f.topic] {
		if o.Err != nil {
			return nil, o.Err
		}
		offsets[partition] = o.At
		sum += max(0, o.At)
	}
	f.done.Store(max(sum, f.done.Load()))
	return offsets, nil
}

// delete makes the broker drop what lies more than kept behind both readers. An error is of
// no consequence: the next call deletes more.
func (f *soakFeeder) delete(ctx context.Context, offsets map[int32]int64, o *soakOracle) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	before := make(kadm.Offsets)
	for partition, at := range offsets {
		if until := min(at, o.position(partition)) - f.kept; until > 0 {
			before.AddOffset(f.topic, partition, until, -1)
		}
	}
	if len(before) > 0 {
		_, _ = f.bench.admin.DeleteRecords(ctx, before)
	}
}
