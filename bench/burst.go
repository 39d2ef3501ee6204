package main

import (
	"context"
	"fmt"
	"time"

	"anomalydetector/bench/report"
)

type burstFlags struct {
	BurstEntities int `default:"1000000" help:"Entities, and points of a burst (default ${default})."`
	Bursts        int `default:"3" help:"Bursts, one bin after the other; in the first all entities are new (default ${default})."`
}

// burst appends whole bins as fast as it can to a detector that waits for them.
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
	var total int64
	for i := range f.Bursts {
		one, err := b.burstOf(ctx, h, j, p, i, &total)
		if err != nil {
			return err
		}
		say("burst %d: %.2f s until it is committed", i+1, one.Committed)
		b.result.Burst = append(b.result.Burst, one)
	}
	return nil
}

// burstOf appends a bin. That it is checkpointed shows in that one more point is
// committed afterwards: the detector stores a transaction before it polls again.
func (b *bench) burstOf(ctx context.Context, h *hegemony, j job, p *process, i int, total *int64) (report.Burst, error) {
	points := h.Bin(i)
	what := map[bool]string{true: "new entities", false: "known entities"}[i == 0]
	burst := report.Burst{Bin: fmt.Sprintf("%d, %s", i+1, what), Points: int64(len(points))}
	start := time.Now()
	since := func() float64 { return time.Since(start).Seconds() }
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	loading := loading{client: b.client, cancel: cancel}
	for _, point := range points {
		loading.add(inner, h.record(j.input, point))
	}
	if err := loading.end(inner); err != nil {
		return burst, err
	}
	burst.Appended = since()
	*total += burst.Points
	if err := b.untilCommitted(ctx, p, j, *total); err != nil {
		return burst, err
	}
	burst.Committed = since()
	if err := b.client.ProduceSync(ctx, h.record(j.input, points[0])).FirstErr(); err != nil {
		return burst, err
	}
	*total++
	if err := b.untilCommitted(ctx, p, j, *total); err != nil {
		return burst, err
	}
	burst.Checkpointed = since()
	used, err := p.usage()
	burst.PeakRSS = used.PeakRSS
	return burst, err
}
