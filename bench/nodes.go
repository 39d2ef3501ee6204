package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"anomalydetector/bench/report"
)

type nodesFlags struct {
	Entities int      `default:"100000" help:"Moves: entities, each with a full window of 288 points; with fewer than 12,000 nodes replay, as that is short (default ${default})."`
	Ways     []string `default:"standby,handoff,replay" enum:"standby,handoff,replay" help:"Moves: how a node gets the windows of partitions that it takes over (default ${default})."`
	Rounds   int      `default:"2" help:"How often everything is measured (default ${default})."`

	QuestionsEntities int     `default:"4000" help:"Questions and total: entities of the stream (default ${default})."`
	QuestionsBins     int     `default:"5600" help:"Questions and total: bins of the stream (default ${default})."`
	Rate              float64 `default:"50" help:"Questions a second (default ${default})."`
	AskedNodes        []int   `default:"1,2" help:"Questions: numbers of nodes (default ${default})."`
	TotalNodes        []int   `default:"1,2,3" help:"Total: numbers of nodes; the others are compared with the first (default ${default})."`

	StandbyRate int           `default:"10000" help:"Standbys: points/s of the stream (default ${default})."`
	StandbyTime time.Duration `default:"30s" help:"Standbys: how long each run is measured (default ${default})."`
	StandbyWarm time.Duration `default:"10s" help:"Standbys: how long each run goes on before that (default ${default})."`

	Moves     bool `default:"true" negatable:"" help:"Measure how long partitions that move are without detection (default ${default})."`
	Questions bool `default:"true" negatable:"" help:"Measure questions about entities, and what they cost (default ${default})."`
	Total     bool `default:"true" negatable:"" help:"Measure what several nodes do together (default ${default})."`
	Standby   bool `default:"true" negatable:"" help:"Measure what standbys cost (default ${default})."`
}

// Validate is called by the parser.
func (f *nodesFlags) Validate() error {
	switch {
	case f.Rate <= 0:
		return fmt.Errorf("--rate is %v, want more than 0", f.Rate)
	case f.StandbyRate < 1 || f.StandbyTime <= 0:
		return fmt.Errorf("--standby-rate is %d and --standby-time %v, want more than 0", f.StandbyRate, f.StandbyTime)
	case len(f.TotalNodes) == 0 || slices.Min(f.TotalNodes) < 1:
		return fmt.Errorf("--total-nodes is %v, want numbers from 1", f.TotalNodes)
	case len(f.AskedNodes) == 0 || slices.Min(f.AskedNodes) < 1:
		return fmt.Errorf("--asked-nodes is %v, want numbers from 1", f.AskedNodes)
	}
	return nil
}

// nodes measures several detectors in one group.
func (f *nodesFlags) nodes(ctx context.Context, b *bench) error {
	var parts []func(context.Context, *bench) error
	for _, part := range []struct {
		wanted bool
		run    func(context.Context, *bench) error
	}{{f.Moves, f.moves}, {f.Questions, f.questions}, {f.Total, f.total}, {f.Standby, f.standby}} {
		if part.wanted {
			parts = append(parts, part.run)
		}
	}
	return b.inTurn(ctx, parts...)
}

// total runs one, two, ... nodes over the stream, in turn.
func (f *nodesFlags) total(ctx context.Context, b *bench) error {
	rows := make([]report.Total, len(f.TotalNodes))
	for i, count := range f.TotalNodes {
		rows[i].Nodes = count
	}
	for round := range f.Rounds {
		for i := range rows {
			if err := f.once(ctx, b, &rows[i]); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				b.note("a run of %d nodes failed: %v", rows[i].Nodes, err)
				continue
			}
			say("round %d: %d nodes: %s points/s", round+1, rows[i].Nodes, report.Short(rows[i].Runs[len(rows[i].Runs)-1].Steady))
		}
	}
	for _, row := range rows {
		if len(row.Runs) == 0 {
			return fmt.Errorf("no run of %d nodes succeeded", row.Nodes)
		}
	}
	b.result.Total = report.CompareTotals(rows)
	return nil
}

func (f *nodesFlags) once(ctx context.Context, b *bench, row *report.Total) error {
	ctx, cancel := context.WithTimeout(ctx, b.settings.Patience)
	defer cancel()
	t, err := f.newTeam(ctx, b, row.Nodes)
	defer t.discard()
	if err != nil {
		return err
	}
	run, err := t.work(ctx, func(context.Context) {})
	if err != nil {
		return err
	}
	row.Shape, row.Runs = t.stream.shape, append(row.Runs, run)
	return nil
}
