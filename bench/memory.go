package main

import (
	"context"
	"time"

	"anomalydetector/bench/report"
)

type memoryFlags struct {
	stateFlags
	BudgetMB int `default:"64" help:"The detector's memory_mb: of the database's memtables and caches. It is subtracted, so a small one leaves less doubt (default ${default})."`
}

// memory looks at a detector before and after a bin that makes all windows
// resident.
func (f *memoryFlags) memory(ctx context.Context, b *bench) error {
	k, err := f.know(ctx, b, "memory", 1)
	if k != nil {
		defer k.discard(b)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, b.settings.Patience)
	defer cancel()
	p, err := b.stateProgram(k, f.BudgetMB).start(ctx)
	if err != nil {
		return err
	}
	defer p.stop()
	if err := untilReady(ctx, p, k.stream.shape.Partitions); err != nil {
		return err
	}
	settle := func() (usage, error) {
		select {
		case <-time.After(3 * time.Second):
		case <-ctx.Done():
		}
		return p.usage()
	}
	before, err := settle()
	if err != nil {
		return err
	}
	if err := k.bin(ctx, b, p, 0); err != nil {
		return err
	}
	after, err := settle()
	if err != nil {
		return err
	}
	m := report.Memory{Entities: f.Entities, WindowPoints: fullWindow, Before: before.RSS, After: after.RSS, Peak: after.PeakRSS, Budget: int64(f.BudgetMB) << 20}.Completed()
	say("memory: %.0f bytes an entity", m.PerEntity)
	b.result.Memory = append(b.result.Memory, m)
	return nil
}
