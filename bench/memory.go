package main

import (
	"context"
	"math"
	"time"

	"anomalydetector/bench/report"
)

type memoryFlags struct {
	stateFlags
	Episodes bool `help:"With [episodes]: what an entity without an episode costs more."`
	BudgetMB int  `default:"64" help:"The detector's memory_mb: of the database's memtables and caches. It is subtracted, so a small one leaves less doubt (default ${default})."`
}

// memory measures a detector before and after a bin that loads all windows.
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
	var section []string
	if f.Episodes {
		episodes := k.name + ".episodes"
		section = []string{"[episodes]", "output_topic = " + episodes}
		defer b.deleteTopics(episodes)
	}
	p, err := b.stateProgram(k, f.BudgetMB, section...).start(ctx)
	if err != nil {
		return err
	}
	defer p.stop()
	if err := untilReady(ctx, p, k.stream.shape.Partitions); err != nil {
		return err
	}
	before, err := settled(ctx, p)
	if err != nil {
		return err
	}
	if err := k.bin(ctx, b, p, 0); err != nil {
		return err
	}
	after, err := settled(ctx, p)
	if err != nil {
		return err
	}
	m := report.Memory{Entities: f.Entities, WindowPoints: fullWindow, Before: before.held(), After: after.held(), Mapped: after.Mapped,
		Peak: after.PeakRSS, Budget: int64(f.BudgetMB) << 20}.Completed()
	say("memory: %.0f bytes an entity", m.PerEntity)
	b.result.Memory = append(b.result.Memory, m)
	return nil
}

// settled waits until the process returns no more memory to the system, at most a minute.
func settled(ctx context.Context, p *process) (usage, error) {
	const look, calm, atMost = 2 * time.Second, 5, 30
	least, since := int64(math.MaxInt64), 0
	var now usage
	var err error
	for looks := 0; looks < atMost && since < calm; looks++ {
		select {
		case <-time.After(look):
		case <-ctx.Done():
		}
		if now, err = p.usage(); err != nil {
			return now, err
		}
		if held := now.held(); held < least-least/100 {
			least, since = held, 0
		} else {
			since++
		}
	}
	return now, nil
}
