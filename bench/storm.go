package main

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/synthetic"
	"anomalydetector/test/transactions"
)

type stormFlags struct {
	StormEntities int  `default:"100000" help:"Entities, each with a full window; all are anomalous in one bin (default ${default})."`
	After         int  `default:"6" help:"Bins after the storm (default ${default})."`
	NoEpisodes    bool `help:"Without [episodes], to compare."`
}

// storm measures a bin in which all entities are anomalous, and the bins after it. With episodes, each entity has one that is
// open until the fourth of these bins.
func (f *stormFlags) storm(ctx context.Context, b *bench) error {
	state := stateFlags{Entities: f.StormEntities, State: written, StatePatience: time.Hour}
	k, err := state.know(ctx, b, "storm", 2+f.After)
	if k != nil {
		defer k.discard(b)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, b.settings.Patience)
	defer cancel()
	episodes := k.name + ".episodes"
	var section []string
	if !f.NoEpisodes {
		section = []string{"[episodes]", "output_topic = " + episodes}
		defer b.deleteTopics(episodes)
	}
	p, err := b.detectorProgram(k.job, section...).start(ctx)
	if err != nil {
		return err
	}
	defer p.stop()
	if err := untilReady(ctx, p, k.stream.shape.Partitions); err != nil {
		return err
	}
	loader, err := b.newLoader(k.input)
	if err != nil {
		return err
	}
	defer loader.Close()
	for i := range 2 + f.After {
		what := "after"
		switch i {
		case 0:
			what = "before"
		case 1:
			what = "storm"
		}
		seconds, err := b.stormBin(ctx, k, p, loader, i, what == "storm")
		if err != nil {
			return err
		}
		used, err := p.usage()
		if err != nil {
			return err
		}
		say("bin %d (%s): committed in %.2f s; RSS %.0f MB, at most %.0f MB; the topic of episodes has %.1f MB", i+1, what, seconds,
			float64(used.held())/1e6, float64(used.PeakRSS)/1e6, float64(b.size(ctx, episodes))/1e6)
	}
	return nil
}

// stormBin appends a bin in one transaction, and returns how long after its end all of it is committed.
func (b *bench) stormBin(ctx context.Context, k *known, p *process, loader *kgo.Client, number int, wild bool) (float64, error) {
	if err := loader.BeginTransaction(); err != nil {
		return 0, err
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	sent := sending{client: loader, cancel: cancel}
	markers := make(map[int32]bool)
	k.stream.Rows(fullWindow+number, func(r *synthetic.Row) {
		if wild {
			r.Value = float64(1 - int(r.Value+0.5)) // far from the usual level
		}
		record := k.stream.record(k.input, synthetic.Datapoint{At: r.At, Entity: r.Entity, Value: r.Value, Payload: r.AppendPayload(nil)})
		sent.add(inner, record)
		markers[record.Partition] = true
		k.count++
	})
	if err := sent.end(inner); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := transactions.End(ctx, loader, k.input, kgo.TryCommit); err != nil {
		return 0, err
	}
	err := b.untilCommitted(ctx, p, k.job, k.count)
	k.count += int64(len(markers)) // the end of the transaction has an offset, too
	return time.Since(start).Seconds(), err
}

// size is the bytes of a topic on the broker's disk; 0 if there is none.
func (b *bench) size(ctx context.Context, topic string) (bytes int64) {
	all, err := b.admin.DescribeAllLogDirs(ctx, nil)
	if err != nil {
		return 0
	}
	for _, broker := range all {
		for _, dir := range broker {
			for _, partition := range dir.Topics[topic] {
				bytes += partition.Size
			}
		}
	}
	return bytes
}
