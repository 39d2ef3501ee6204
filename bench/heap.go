package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"anomalydetector/bench/report"
)

type heapFlags struct {
	Entities []int `default:"4000,100000" help:"Entities of the streams that are read at full speed (default ${default})."`
	Points   int   `default:"12000000" help:"Points of such a stream, at least a full window of each entity (default ${default})."`
	Rounds   int   `default:"4" help:"How often each way is measured at full speed; 0 leaves it out (default ${default})."`
	Percents []int `name:"gogc" default:"100,200,400" help:"Fixed percentages to compare with (default ${default})."`

	SlowEntities int `default:"100000" help:"Entities of the stream that comes slowly, a bin a second (default ${default})."`
	SlowBins     int `default:"80" help:"Bins of such a run (default ${default})."`
	SlowRounds   int `default:"2" help:"How often each way is measured with it; 0 leaves it out (default ${default})."`
}

// Validate is called by the parser.
func (f *heapFlags) Validate() error {
	if f.Rounds < 0 || f.SlowRounds < 0 || f.SlowBins < 1 || f.SlowEntities < 1 || len(f.Entities) == 0 || slices.Min(f.Entities) < 1 {
		return fmt.Errorf("want no negative rounds, and at least one entity and one bin")
	}
	return nil
}

// heapWay is a way to run Go's collector: variables of the environment.
type heapWay struct {
	label string
	env   []string
}

// ways starts with the one that the others are compared with.
func (f *heapFlags) ways() []heapWay {
	list := []heapWay{{label: "as it is"}}
	for _, percent := range f.Percents {
		set := fmt.Sprintf("GOGC=%d", percent)
		list = append(list, heapWay{set, []string{set}})
	}
	return list
}

// memoryLimit is a heap that is collected only when the process nears the limit.
func memoryLimit(bytes int64) heapWay {
	return heapWay{"GOMEMLIMIT", []string{"GOGC=off", fmt.Sprintf("GOMEMLIMIT=%d", bytes)}}
}

// heap compares ways at full speed, and then with a slow stream.
func (f *heapFlags) heap(ctx context.Context, b *bench) error {
	parts := []func(context.Context, *bench) error{}
	if f.Rounds > 0 {
		for _, entities := range f.Entities {
			parts = append(parts, func(ctx context.Context, b *bench) error { return f.fast(ctx, b, entities) })
		}
	}
	if f.SlowRounds > 0 {
		parts = append(parts, f.slow)
	}
	return b.inTurn(ctx, parts...)
}

// fast runs the same binary over the same topic in each way.
func (f *heapFlags) fast(ctx context.Context, b *bench, entities int) error {
	topic, stream, err := b.fill(ctx, "hegemony-heap", entities, max(windowBins, f.Points/entities), b.settings.Partitions)
	if err != nil {
		return err
	}
	defer b.deleteTopics(topic)
	result := report.Heap{Shape: stream.shape}
	if result.Limit, err = f.limit(ctx, b, topic, stream.shape); err != nil {
		return err
	}
	return b.compare(ctx, &result, append(f.ways(), memoryLimit(result.Limit)), f.Rounds, func(way heapWay) (report.HeapRun, error) {
		return f.fastOnce(ctx, b, topic, stream.shape, way)
	})
}

// limit is the GOMEMLIMIT with which the detector takes as much memory as it does without.
// The limit is higher than that memory, because Go also counts what Badger has reserved and
// not touched yet. limit takes two runs, after which the broker runs at its usual speed.
func (f *heapFlags) limit(ctx context.Context, b *bench, topic string, shape report.Shape) (int64, error) {
	free, err := f.fastOnce(ctx, b, topic, shape, heapWay{})
	if err != nil {
		return 0, err
	}
	limited, err := f.fastOnce(ctx, b, topic, shape, memoryLimit(free.PeakHeld))
	say("peak %d MB, and %d MB with that as GOMEMLIMIT", free.PeakHeld/1e6, limited.PeakHeld/1e6)
	return 2*free.PeakHeld - limited.PeakHeld, err
}

// compare runs the ways in turn; every other round has the reverse order. A round with a
// failed run does not count.
func (b *bench) compare(ctx context.Context, result *report.Heap, ways []heapWay, rounds int, once func(heapWay) (report.HeapRun, error)) (failed error) {
	for _, way := range ways {
		result.Ways = append(result.Ways, report.HeapWay{Label: way.label})
	}
	for round := range rounds {
		runs := make([]report.HeapRun, len(ways))
		var err error
		for i := range ways {
			if round%2 == 1 {
				i = len(ways) - 1 - i
			}
			if runs[i], err = once(ways[i]); err != nil {
				break
			}
			say("round %d: %s: %s points/s, %s CPU s/M, peak %d MB, at rest %d MB", round+1, ways[i].label, report.Short(runs[i].Steady),
				report.Short(runs[i].SteadyCPU), runs[i].PeakHeld/1e6, runs[i].RestHeld/1e6)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed = err
			b.note("round %d with %d entities failed: %v", round+1, result.Shape.Entities, err)
			continue
		}
		for i := range ways {
			result.Ways[i].Runs = append(result.Ways[i].Runs, runs[i])
		}
	}
	if len(result.Ways[0].Runs) == 0 {
		return fmt.Errorf("no round with %d entities succeeded; the last error: %w", result.Shape.Entities, failed)
	}
	b.result.Heap = append(b.result.Heap, *result)
	return nil
}

func (f *heapFlags) fastOnce(ctx context.Context, b *bench, topic string, shape report.Shape, way heapWay) (run report.HeapRun, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.settings.Patience)
	defer cancel()
	j, err := b.newJob(ctx, topic, "heap", b.settings.Partitions)
	if err != nil {
		return run, err
	}
	defer b.discard(j)
	p := b.detectorProgram(j)
	p.env = append(p.env, way.env...)
	unix.Sync() // or this run would pay for writes of the one before
	process, err := p.start(ctx)
	if err != nil {
		return run, err
	}
	defer process.stop()
	samples, used, err := b.sample(ctx, process.began, func(ctx context.Context) int64 {
		if now, err := process.usage(); err == nil {
			run.PeakHeld = max(run.PeakHeld, now.held())
		}
		return b.committed(ctx, j.name, topic)
	}, shape.Points, process)
	if err != nil {
		return run, err
	}
	run.Run = report.RunOf(samples, allKnown(shape), used.PeakRSS, 0, 0, live(shape))
	run.Collector = collected(process.said())
	run.RestHeld, err = atRest(ctx, process)
	return run, err
}

// atRest is the memory that a detector holds when it has had no points for a while.
func atRest(ctx context.Context, p *process) (int64, error) {
	select {
	case <-time.After(12 * time.Second):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	rest, err := p.usage()
	return rest.held(), err
}
