package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"anomalydetector/actors"
	"anomalydetector/detection"
	"anomalydetector/persistence"
	"anomalydetector/stream"
	"anomalydetector/synthetic"
)

const (
	fullWindow  = 288        // points
	chunkPoints = 32         // points of an entity that are stored together
	batch       = 2000       // entities of one checkpoint
	writing     = 256 << 20  // bytes of memory for the database while state is written
	written     = "written"  // state that is written directly
	detected    = "detected" // state that a detector made of a topic
)

// stateFlags describe the windows that a detector has stored when it starts.
type stateFlags struct {
	Entities int    `default:"10000" help:"Entities, each with a full window of 288 points (default ${default})."`
	State    string `default:"written" enum:"written,detected" help:"How the state is made: written directly, with the group's offset set, or by a detector that reads it all from a topic, which takes long (default ${default})."`

	StatePatience time.Duration `default:"1h" help:"What making the state may take at most (default ${default})."`
}

// known is a topic, and the stored state of a detector that has read it.
type known struct {
	job
	stream *hegemony
	count  int64 // records of the topic
}

// know makes the state, in the job's folder. The stream has more bins after it, the last
// of which is now.
func (f *stateFlags) know(ctx context.Context, b *bench, what string, more int) (*known, error) {
	ctx, cancel := context.WithTimeout(ctx, f.StatePatience)
	defer cancel()
	h, err := b.newHegemony(f.Entities, fullWindow+more, b.settings.Partitions)
	if err != nil {
		return nil, err
	}
	topic := b.name("hegemony-" + what)
	if err := b.createTopic(ctx, b.settings.Partitions, topic); err != nil {
		return nil, err
	}
	k := &known{stream: h}
	if k.job, err = b.newJob(ctx, topic, what, b.settings.Partitions); err != nil {
		return nil, err
	}
	start := time.Now()
	if f.State == detected {
		err = b.detect(ctx, k)
	} else {
		err = b.writeState(ctx, k)
	}
	if err == nil {
		say("%s: the state of %d entities is %s, in %.1f s: %.0f MB", what, f.Entities, f.State, time.Since(start).Seconds(), float64(blocks(k.data()))/1e6)
	}
	return k, err
}

// detect runs a detector over the bins that fill the windows.
func (b *bench) detect(ctx context.Context, k *known) (err error) {
	if k.count, err = b.load(ctx, k.stream, k.input, 0, fullWindow); err != nil {
		return err
	}
	p, err := b.detectorProgram(k.job).start(ctx)
	if err != nil {
		return err
	}
	defer p.stop()
	return b.untilCommitted(ctx, p, k.job, k.count)
}

// writeState stores the windows as a detector would that has read them from the topic.
// The topic holds only one record a partition, so that the group's offset can be 1.
func (b *bench) writeState(ctx context.Context, k *known) error {
	store, err := persistence.OpenStore(k.data(), persistence.Options{
		Log: slog.New(slog.DiscardHandler), Memory: writing, Journal: 1, // seal at each checkpoint
	})
	if err != nil {
		return err
	}
	defer store.Close()
	offsets := make(map[int32]int64)
	entities := make(map[int32][]synthetic.Entity)
	for _, entity := range k.stream.Entities() {
		scope, _, _ := strings.Cut(entity.Key, ",")
		partition := k.stream.partition(scope)
		entities[partition] = append(entities[partition], entity)
	}
	for _, point := range k.stream.Bin(fullWindow - 1) {
		record := k.stream.record(k.input, point)
		if offsets[record.Partition] > 0 {
			continue
		}
		if err := b.client.ProduceSync(ctx, record).FirstErr(); err != nil {
			return err
		}
		offsets[record.Partition] = 1
		k.count++
	}
	var wait sync.WaitGroup
	failures := make(chan error, len(offsets))
	for partition, at := range offsets {
		wait.Go(func() {
			if err := writePartition(ctx, store, k, partition, entities[partition], at); err != nil {
				failures <- fmt.Errorf("write the state of partition %d: %w", partition, err)
			}
		})
	}
	wait.Wait()
	close(failures)
	if err := <-failures; err != nil {
		return err
	}
	return b.setOffsets(ctx, k.name, k.input, offsets)
}

func writePartition(ctx context.Context, store *persistence.Store, k *known, number int32, entities []synthetic.Entity, offset int64) error {
	partition, err := store.Partition(detectorName, number)
	if err != nil {
		return err
	}
	defer partition.Close()
	source := actors.Config{InputTopic: k.input, Group: k.name, ValueField: "hege", KeyFields: []string{"scope", "asn"}}
	newest := k.stream.start.Add((fullWindow - 1) * bin).UnixMilli()
	head := persistence.Head{Source: source.Source(), Offset: offset, History: (72 * time.Hour).Milliseconds(),
		CompleteFrom: stream.Complete, NewCompleteFrom: stream.Complete, StreamTime: newest, Swept: newest}
	random := rand.New(rand.NewPCG(1, uint64(number)))
	for len(entities) > 0 && ctx.Err() == nil {
		some := entities[:min(batch, len(entities))]
		entities = entities[len(some):]
		if err := writeEntities(partition, head, k.stream.start, some, random); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// writeEntities stores full windows, chunk by chunk and with outlines, and evicts the entities with the last one.
func writeEntities(partition *persistence.Partition, head persistence.Head, start time.Time, entities []synthetic.Entity, random *rand.Rand) error {
	var cached []*persistence.Entity
	for _, entity := range entities {
		e, _, _, err := partition.Load(entity.Key)
		if err != nil {
			return err
		}
		cached = append(cached, e)
	}
	windows := make(map[*persistence.Entity][]persistence.Point, len(cached))
	tail := func(e *persistence.Entity, n int) ([]persistence.Point, int) {
		window := windows[e]
		return window[max(0, len(window)-n):], len(window)
	}
	scorer := detection.NewScorer(detection.NewRules(hegemonySettings))
	times, values := make([]int64, fullWindow), make([]float64, fullWindow)
	outline := func(e *persistence.Entity, to []byte) []byte {
		n := len(windows[e])
		for i, point := range windows[e] {
			times[i], values[i] = point.At, point.Value
		}
		var window detection.Window
		window.Fill(scorer.Rules(), times[:n], values[:n])
		return window.AppendOutline(scorer, to)
	}
	for from := 0; from < fullWindow; from += chunkPoints {
		for i, e := range cached {
			for at := from; at < min(from+chunkPoints, fullWindow); at++ {
				point := persistence.Point{At: start.Add(time.Duration(at) * bin).UnixMilli(),
					Value: min(1, max(0, entities[i].Usual+0.02*(random.Float64()-0.5)))}
				windows[e] = append(windows[e], point)
				partition.Append(e, point.At, point.Value)
			}
		}
		partition.Commit()
		var evict []*persistence.Entity
		if from+chunkPoints >= fullWindow {
			evict = cached
		}
		plan := partition.Plan(head, evict)
		plan.Fill(tail, outline)
		err := plan.Write()
		if partition.Settle(plan, err); err != nil {
			return err
		}
	}
	return nil
}

// stateProgram is the detector on that state. memoryMB of 0 is the default of memory_mb.
func (b *bench) stateProgram(k *known, memoryMB int, more ...string) program {
	if memoryMB != 0 {
		more = append([]string{fmt.Sprintf("memory_mb = %d", memoryMB)}, more...)
	}
	return b.detectorProgram(k.job, more...)
}

// bin appends a whole bin after the state, and waits until it is committed.
func (k *known) bin(ctx context.Context, b *bench, p *process, number int) error {
	count, err := b.load(ctx, k.stream, k.input, fullWindow+number, fullWindow+number+1)
	if err != nil {
		return err
	}
	k.count += count
	return b.untilCommitted(ctx, p, k.job, k.count)
}

// discard removes the state and the topics.
func (k *known) discard(b *bench) {
	b.discard(k.job)
	b.deleteTopics(k.input)
}
