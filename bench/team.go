package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sys/unix"

	"anomalydetector/bench/report"
	"anomalydetector/test/transactions"
)

// team is a number of nodes that share the partitions of a topic of their own. The topic
// holds the whole stream, in a transaction that commits when all nodes are ready. So no
// partition moves while they work.
type team struct {
	bench *bench
	job
	stream *hegemony
	nodes  []*node
	loader *kgo.Client // in a transaction
}

// newTeam returns an incomplete team with an error. The caller discards it.
func (f *nodesFlags) newTeam(ctx context.Context, b *bench, count int) (*team, error) {
	t := &team{bench: b}
	var err error
	if t.stream, err = b.newHegemony(f.QuestionsEntities, f.QuestionsBins, b.settings.Partitions); err != nil {
		return t, err
	}
	topic := b.name("hegemony-nodes")
	if err := b.createTopic(ctx, b.settings.Partitions, topic); err != nil {
		return t, err
	}
	if t.job, err = b.newJob(ctx, topic, "nodes", b.settings.Partitions); err != nil {
		return t, err
	}
	if err := t.start(ctx, count); err != nil {
		return t, err
	}
	return t, t.load(ctx)
}

// start waits until all nodes agree on the owners of all partitions.
func (t *team) start(ctx context.Context, count int) error {
	for i := range count {
		n, err := t.newNode(fmt.Sprintf("n%d", i+1))
		if err != nil {
			return err
		}
		if err := n.start(ctx, t.bench, 0); err != nil {
			return err
		}
		t.nodes = append(t.nodes, n)
	}
	return t.bench.untilSteady(ctx, t.nodes, 0)
}

func (t *team) load(ctx context.Context) (err error) {
	if t.loader, err = t.bench.newLoader(t.input); err != nil {
		return err
	}
	if err := t.loader.BeginTransaction(); err != nil {
		return err
	}
	t.stream.shape.Points, err = t.bench.loadWith(ctx, t.loader, t.stream, t.input, 0, t.stream.shape.Bins)
	return err
}

// work commits the stream, and waits until the nodes have read it. Times are from the
// commit. meanwhile runs beside it, and has to return when its context ends.
func (t *team) work(ctx context.Context, meanwhile func(context.Context)) (report.Run, error) {
	unix.Sync() // or the nodes would pay for the writes of the setup
	working, done := context.WithCancel(ctx)
	defer done()
	began := time.Now()
	if err := transactions.End(ctx, t.loader, t.input, kgo.TryCommit); err != nil {
		return report.Run{}, err
	}
	var beside sync.WaitGroup
	beside.Go(func() { meanwhile(working) })
	samples, used, err := t.bench.sample(ctx, began, func(ctx context.Context) int64 {
		return t.bench.committed(ctx, t.name, t.input)
	}, t.stream.shape.Points, processesOf(t.nodes)...)
	done()
	beside.Wait()
	if err != nil {
		return report.Run{}, err
	}
	t.stop()
	var written, directories int64
	for _, n := range t.nodes {
		written += n.process.written
		directories += blocks(n.data())
	}
	return report.RunOf(samples, allKnown(t.stream.shape), used.PeakRSS, written, directories, live(t.stream.shape)), nil
}

func (t *team) stop() {
	var stopping sync.WaitGroup
	for _, n := range t.nodes {
		stopping.Go(n.process.stop)
	}
	stopping.Wait()
}

// discard stops the nodes, and removes their data and topics.
func (t *team) discard() {
	t.stop()
	if t.loader != nil {
		t.loader.Close()
	}
	if t.input != "" {
		t.bench.discard(t.job)
		t.bench.deleteTopics(t.input)
	}
}
