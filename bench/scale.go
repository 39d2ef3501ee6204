package main

import (
	"context"
	"fmt"

	"anomalydetector/bench/report"
)

type scaleFlags struct {
	ScalePoints     int     `default:"3000000" help:"Points of each topic, about (default ${default})."`
	ScalePartitions []int32 `default:"1,2,4,10" help:"Numbers of partitions; each topic has 10,000 entities (default ${default})."`
	ScaleEntities   []int   `default:"1000,10000,100000,1000000" help:"Numbers of entities (default ${default})."`
	ScaleRounds     int     `default:"3" help:"How often the detector reads each of them (default ${default})."`
}

// scaled is a topic that differs from the others in one number.
type scaled struct {
	topic      string
	shape      report.Shape
	partitions bool // the number is that of partitions, else of entities
	runs       []report.Run
}

func (f *scaleFlags) scale(ctx context.Context, b *bench) error {
	const usual = 10_000
	var list []*scaled
	add := func(entities int, partitions int32, byPartitions bool) error {
		topic, h, err := b.fill(ctx, "hegemony-scale", entities, max(1, f.ScalePoints/entities), partitions)
		if err == nil {
			list = append(list, &scaled{topic: topic, shape: h.shape, partitions: byPartitions})
		}
		return err
	}
	defer func() {
		for _, s := range list {
			b.deleteTopics(s.topic)
		}
	}()
	for _, partitions := range f.ScalePartitions {
		if err := add(min(usual, f.ScalePoints), partitions, true); err != nil {
			return err
		}
	}
	for _, entities := range f.ScaleEntities {
		if err := add(entities, b.settings.Partitions, false); err != nil {
			return err
		}
	}
	for round := range f.ScaleRounds {
		for _, s := range list {
			run, err := b.runOnce(ctx, b.detectorSystem("scale", "detector"), s.topic, s.shape)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				b.note("a run over %d partitions and %d entities failed: %v", s.shape.Partitions, s.shape.Entities, err)
				continue
			}
			say("round %d: %d partitions, %d entities: %s points/s", round+1, s.shape.Partitions, s.shape.Entities, report.Short(run.Steady))
			s.runs = append(s.runs, run)
		}
	}
	for _, s := range list {
		if len(s.runs) == 0 {
			return fmt.Errorf("no run over %d partitions and %d entities succeeded", s.shape.Partitions, s.shape.Entities)
		}
		scale := report.ScaleOf(s.shape, s.runs)
		if s.partitions {
			b.result.Partitions = append(b.result.Partitions, scale)
		} else {
			b.result.Entities = append(b.result.Entities, scale)
		}
	}
	return nil
}
