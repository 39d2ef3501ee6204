package backtest

import (
	"cmp"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"anomalydetector/backtest/labels"
	"anomalydetector/backtest/source"
)

// Options say what is run.
type Options struct {
	Settings []Setting // at least one
	Bin      time.Duration
	Decoder  func() source.Decoder // makes one for a goroutine
	Labels   *labels.Judge         // nil: there are none
	// Anomaly is called with each anomaly, in the order of the input, and for one datapoint in the order of the settings. An error of
	// it ends the run. The block and the row are valid during the call.
	Anomaly func(setting int, a *Anomaly, b *source.Block, r *source.Row) error
	// Told is called after each round with the number of rows so far.
	Told func(rows int64)
	// Traces is how many of the loudest entities get a Trace, beside those that are Named. If there are any, the source is read twice.
	Traces int
	Named  []string
	// Workers is how many goroutines work at a time; 0: as many as there are processors.
	Workers int
}

const (
	roundBlocks      = 16
	shardsEachWorker = 4 // so that no worker waits long for another one
)

// run is a run of a backtest.
type run struct {
	*Options
	source source.Source
	shards []*shard
	result *Result
	faults faults
	span   span
	round  int
	inputs map[string]bool
}

// Run reads the source to its end. If the context ends before, the result is what is known so far, and marked as
// partial. If it ends in the second pass, only the traces are cut. An input that cannot be read does not end the
// run: Result.Broken names it. What else goes wrong is an error.
func Run(ctx context.Context, from source.Source, o Options) (*Result, error) {
	began := time.Now()
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	r := &run{Options: &o, source: from, result: &Result{Bin: o.Bin}, inputs: make(map[string]bool)}
	for range o.Workers * shardsEachWorker {
		r.shards = append(r.shards, newShard(&o))
	}
	err := r.rounds(ctx, nil, r.score)
	if r.result.Partial = interrupted(ctx, err); err != nil && !r.result.Partial {
		return nil, err
	}
	r.conclude()
	if !r.result.Partial {
		err := r.trace(ctx)
		if r.result.CutTraces = interrupted(ctx, err); err != nil && !r.result.CutTraces {
			return nil, err
		}
	}
	r.result.Took = time.Since(began)
	return r.result, nil
}

// interrupted tells whether an error is the end of the context.
func interrupted(ctx context.Context, err error) bool { return err != nil && errors.Is(err, ctx.Err()) }

// rounds reads the source to its end, decodes its blocks, and hands them over in rounds. With wanted, it leaves out other entities.
func (r *run) rounds(ctx context.Context, wanted map[string]*traced, each func([]*task) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	blocks, failed := make(chan *source.Block, roundBlocks), error(nil)
	reading.Go(func() {
		defer close(blocks)
		failed = r.read(ctx, blocks, wanted == nil)
	})
	defer reading.Wait()
	defer cancel()
	decoders := make([]source.Decoder, r.Workers)
	for i := range decoders {
		decoders[i] = r.Decoder()
	}
	spare := make([]task, roundBlocks)
	for {
		var tasks []*task
		for block := range blocks {
			t := &spare[len(tasks)]
			t.block = block
			if tasks = append(tasks, t); len(tasks) == roundBlocks {
				break
			}
		}
		if len(tasks) == 0 {
			reading.Wait()
			return failed
		}
		r.parallel(len(tasks), func(worker, i int) { tasks[i].decode(decoders[worker], len(r.shards), wanted) })
		err := each(tasks)
		for _, t := range tasks {
			r.source.Release(t.block)
		}
		if err != nil {
			return err
		}
		r.round++
	}
}

// read sends the source's blocks until it ends. The first time it notes what cannot be read.
func (r *run) read(ctx context.Context, to chan<- *source.Block, first bool) error {
	for {
		block, err := r.source.Next(ctx)
		var broken *source.InputError
		switch {
		case errors.As(err, &broken):
			if first {
				r.result.Broken = append(r.result.Broken, broken.Error())
			}
			continue
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		select {
		case to <- block:
		case <-ctx.Done():
			r.source.Release(block)
			return ctx.Err()
		}
	}
}

// score has the shards score a round's datapoints.
func (r *run) score(tasks []*task) error {
	for _, t := range tasks {
		if name := t.block.Input.Name; !r.inputs[name] {
			r.inputs[name] = true
			r.result.Inputs = append(r.result.Inputs, name)
		}
		r.result.Rows += t.rows
		r.result.Points += t.points
		r.span.join(t.span)
		for _, bad := range t.bad {
			r.faults.add(t.block.Input.Name, bad)
		}
	}
	r.parallel(len(r.shards), func(_, i int) { r.shards[i].score(i, r.round, tasks) })
	if r.Told != nil {
		r.Told(r.result.Rows)
	}
	if r.Anomaly == nil {
		return nil
	}
	var all []reported
	for _, s := range r.shards {
		all = append(all, s.reported...)
	}
	slices.SortFunc(all, func(a, b reported) int {
		return cmp.Or(a.order.compare(b.order), cmp.Compare(a.setting, b.setting))
	})
	for i := range all {
		one := &all[i]
		if err := r.Anomaly(one.setting, &one.anomaly, one.task.block, one.task.row(one.item)); err != nil {
			return err
		}
	}
	return nil
}

// parallel does a number of things, with as many goroutines as there are workers.
func (r *run) parallel(things int, do func(worker, i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for worker := range min(r.Workers, things) {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= things {
					return
				}
				do(worker, i)
			}
		})
	}
	all.Wait()
}
