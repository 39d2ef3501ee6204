package main

import (
	"context"
	"time"

	"anomalydetector/bench/report"
)

// slow lets detectors that know all windows read a bin a second, in each way.
func (f *heapFlags) slow(ctx context.Context, b *bench) error {
	ways := f.ways()
	state := stateFlags{Entities: f.SlowEntities, State: written, StatePatience: time.Hour}
	k, err := state.know(ctx, b, "heap-slow", f.SlowRounds*len(ways)*(1+f.SlowBins))
	if k != nil {
		defer k.discard(b)
	}
	if err != nil {
		return err
	}
	result := report.Heap{Shape: k.stream.shape, Slow: true}
	result.Shape.Bins = f.SlowBins
	result.Shape.Points = int64(f.SlowEntities * f.SlowBins)
	bins := 0
	return b.compare(ctx, &result, ways, f.SlowRounds, func(way heapWay) (report.HeapRun, error) {
		run, err := f.slowOnce(ctx, b, k, bins, way)
		bins += 1 + f.SlowBins
		return run, err
	})
}

// slowOnce reads a first bin, which loads all windows, and then the others at their pace.
func (f *heapFlags) slowOnce(ctx context.Context, b *bench, k *known, first int, way heapWay) (run report.HeapRun, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.settings.Patience)
	defer cancel()
	p := b.stateProgram(k, 0)
	p.env = append(p.env, way.env...)
	process, err := p.start(ctx)
	if err != nil {
		return run, err
	}
	defer process.stop()
	if err := untilReady(ctx, process, k.stream.shape.Partitions); err != nil {
		return run, err
	}
	if err := k.bin(ctx, b, process, first); err != nil {
		return run, err
	}
	before, err := process.usage()
	if err != nil {
		return run, err
	}
	known, start := k.count, time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for i := range f.SlowBins {
		if err := k.bin(ctx, b, process, first+1+i); err != nil {
			return run, err
		}
		now, err := process.usage()
		if err != nil {
			return run, err
		}
		run.PeakHeld, run.PeakRSS = max(run.PeakHeld, now.held()), now.PeakRSS
		select {
		case <-tick.C:
		case <-ctx.Done():
			return run, ctx.Err()
		}
	}
	after, err := process.usage()
	if err != nil {
		return run, err
	}
	run.SteadyCPU = (after.CPU - before.CPU).Seconds() * 1e6 / float64(k.count-known)
	run.Steady = float64(k.count-known) / time.Since(start).Seconds()
	run.Collector = collected(process.said())
	run.RestHeld, err = atRest(ctx, process)
	return run, err
}
