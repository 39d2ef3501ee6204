package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"anomalydetector/bench/report"
)

type restartFlags struct {
	stateFlags
	Rounds int  `default:"5" help:"How often it is killed (default ${default})."`
	Bin    bool `default:"true" negatable:"" help:"Append two whole bins before each kill, so that the journal is as long as it gets (default ${default})."`
}

// restart kills a detector, starts it again, and at once appends a point that must be an
// anomaly. The anomaly is visible when the detector has loaded the entity's window.
func (f *restartFlags) restart(ctx context.Context, b *bench) error {
	k, err := f.know(ctx, b, "restart", 2*f.Rounds)
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
		bin, err := k.coldBin(ctx, b, p, 2*round)
		if err != nil {
			return err
		}
		say("restart %d: the first bin took %.2f s, %.1f us of processor time a window; %.0f MB at the peak, %.0f MB after it, %.0f MB at the peak of the next",
			round+1, bin.Seconds, bin.CPU, float64(bin.Peak)/1e6, float64(bin.Rest)/1e6, float64(bin.Next)/1e6)
		result.ColdBins, result.Bins = append(result.ColdBins, bin), append(result.Bins, bin.Seconds)
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

// coldBin appends a whole bin after a start, and waits until it is committed, and then until the process returns no more
// memory to the system. Then it appends the next one.
func (k *known) coldBin(ctx context.Context, b *bench, p *process, number int) (bin report.ColdBin, err error) {
	before, err := p.usage()
	if err != nil {
		return bin, err
	}
	start := time.Now()
	bin.Peak, err = k.peakOf(ctx, b, p, number)
	bin.Seconds = time.Since(start).Seconds()
	after, failed := p.usage()
	if err = errors.Join(err, failed); err != nil {
		return bin, err
	}
	bin.CPU = float64((after.CPU - before.CPU).Microseconds()) / float64(k.stream.shape.Entities)
	rest, err := settled(ctx, p)
	if err != nil {
		return bin, err
	}
	bin.Rest = rest.held()
	bin.Next, err = k.peakOf(ctx, b, p, number+1)
	return bin, err
}

// peakOf appends a whole bin, and returns the most memory that the process holds until it is committed.
func (k *known) peakOf(ctx context.Context, b *bench, p *process, number int) (int64, error) {
	looking, stop := context.WithCancel(ctx)
	peak := make(chan int64, 1)
	go func() { peak <- highest(looking, p) }()
	err := k.bin(ctx, b, p, number)
	stop()
	return <-peak, err
}

// highest is the most memory that a process holds until the context ends.
func highest(ctx context.Context, p *process) (most int64) {
	const look = 100 * time.Millisecond
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return most
		}
		if now, err := p.usage(); err == nil {
			most = max(most, now.held())
		}
	}
}
