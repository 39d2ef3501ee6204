package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/bench/report"
	"anomalydetector/test/transactions"
)

type burstFlags struct {
	BurstEntities int `default:"1000000" help:"Entities, and points of a burst (default ${default})."`
	Bursts        int `default:"3" help:"Bursts, one bin after the other; in the first all entities are new (default ${default})."`
}

// burst makes whole bins readable at once for a detector that waits for them.
func (f *burstFlags) burst(ctx context.Context, b *bench) error {
	ctx, cancel := context.WithTimeout(ctx, b.settings.Patience)
	defer cancel()
	h, err := b.newHegemony(f.BurstEntities, f.Bursts, b.settings.Partitions)
	if err != nil {
		return err
	}
	topic := b.name("hegemony-burst")
	if err := b.createTopic(ctx, b.settings.Partitions, topic); err != nil {
		return err
	}
	defer b.deleteTopics(topic)
	j, err := b.newJob(ctx, topic, "burst", b.settings.Partitions)
	if err != nil {
		return err
	}
	defer b.discard(j)
	p, err := b.detectorProgram(j).start(ctx)
	if err != nil {
		return err
	}
	defer p.stop()
	if err := untilReady(ctx, p, h.shape.Partitions); err != nil {
		return err
	}
	loader, err := b.newLoader(topic)
	if err != nil {
		return err
	}
	defer loader.Close()
	var total int64
	for i := range f.Bursts {
		one, err := b.burstOf(ctx, h, j, p, loader, i, &total)
		if err != nil {
			return err
		}
		say("burst %d: %.2f s until it is committed", i+1, one.Committed)
		b.result.Burst = append(b.result.Burst, one)
	}
	return nil
}

// burstOf appends a bin in one transaction. All of it becomes readable when the
// transaction commits, and times are from then. The detector stores a transaction before
// it polls again, so the bin is checkpointed when a point after it is committed.
func (b *bench) burstOf(ctx context.Context, h *hegemony, j job, p *process, loader *kgo.Client, i int, total *int64) (report.Burst, error) {
	points := h.Bin(i)
	what := map[bool]string{true: "new entities", false: "known entities"}[i == 0]
	burst := report.Burst{Bin: fmt.Sprintf("%d, %s", i+1, what), Points: int64(len(points))}
	if err := loader.BeginTransaction(); err != nil {
		return burst, err
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	sent := sending{client: loader, cancel: cancel}
	more := make(map[int32]*kgo.Record)
	for _, point := range points {
		record := h.record(j.input, point)
		more[record.Partition] = h.record(j.input, point)
		sent.add(inner, record)
	}
	if err := sent.end(inner); err != nil {
		return burst, err
	}
	start := time.Now()
	since := func() float64 { return time.Since(start).Seconds() }
	if err := transactions.End(ctx, loader, j.input, kgo.TryCommit); err != nil {
		return burst, err
	}
	*total += burst.Points
	if err := b.untilCommitted(ctx, p, j, *total); err != nil {
		return burst, err
	}
	burst.Committed = since()
	if err := b.client.ProduceSync(ctx, slices.Collect(maps.Values(more))...).FirstErr(); err != nil {
		return burst, err
	}
	*total += 2 * int64(len(more)) // the end of the transaction has an offset, too
	if err := b.untilCommitted(ctx, p, j, *total); err != nil {
		return burst, err
	}
	burst.Checkpointed = since()
	used, err := p.usage()
	burst.PeakRSS = used.PeakRSS
	return burst, err
}
