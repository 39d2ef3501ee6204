package main

import (
	"context"
	"fmt"
	"time"

	"anomalydetector/bench/report"
)

type restartFlags struct {
	stateFlags
	Rounds int  `default:"5" help:"How often it is killed (default ${default})."`
	Bin    bool `default:"true" negatable:"" help:"Append a whole bin before each kill, so that the journal is as long as it gets (default ${default})."`
}

// restart kills a detector, starts it again, and at once appends a point that must be an
// anomaly. The anomaly is visible when the detector has loaded the entity's window.
func (f *restartFlags) restart(ctx context.Context, b *bench) error {
	k, err := f.know(ctx, b, "restart", f.Rounds)
	if k != nil {
		defer k.discard(b)
	}
	if err != nil {
		return err
	}
	result := report.Restart{Entities: f.Entities, WindowPoints: fullWindow, State: f.State}
	for round := range f.Rounds {
		if err := f.once(ctx, b, k, round, &result); err != nil {
			return fmt.Errorf("restart %d: %w", round+1, err)
		}
		say("restart %d: %.2f s until the anomaly was visible", round+1, result.Seconds[round])
	}
	result.DirectoryBytes = blocks(k.data())
	result.Spread, result.Bin = report.SpreadOf(result.Seconds), report.SpreadOf(result.Bins)
	b.result.Restart = append(b.result.Restart, result)
	return nil
}

func (f *restartFlags) once(ctx context.Context, b *bench, k *known, round int, result *report.Restart) error {
	ctx, cancel := context.WithTimeout(ctx, b.settings.Patience)
	defer cancel()
	p, err := b.stateProgram(k, 0).start(ctx)
	if err != nil {
		return err
	}
	defer p.kill()
	if err := untilReady(ctx, p, k.stream.shape.Partitions); err != nil {
		return err
	}
	if f.Bin {
		start := time.Now()
		if err := k.bin(ctx, b, p, round); err != nil {
			return err
		}
		result.Bins = append(result.Bins, time.Since(start).Seconds())
	}
	a, err := b.newAlarms(ctx, k.stream, k.job)
	if err != nil {
		return err
	}
	defer a.close()
	a.next = round // another entity each time
	p.kill()
	again, err := b.stateProgram(k, 0).start(ctx)
	if err != nil {
		return err
	}
	defer again.kill()
	_, at, err := a.raise(ctx, k.stream)
	if err != nil {
		return err
	}
	k.count++
	seen, err := a.visible(ctx, again, at)
	if err != nil {
		return err
	}
	result.Seconds = append(result.Seconds, seen.Sub(again.began).Seconds())
	used, err := again.usage()
	result.PeakRSS = max(result.PeakRSS, used.PeakRSS)
	return err
}
