package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"anomalydetector/bench/report"
	"anomalydetector/stream"
)

// standbysOf are how a node gets the windows of a partition that it takes over, and the
// standbys that this needs.
var standbysOf = map[string]int{
	"standby": 1,         // it is a standby and has them
	"handoff": 0,         // it asks the node that has them
	"replay":  noCluster, // it reads the topic
}

// The events. The first happens before each of the others.
const (
	joined  = "a node joins"
	stopped = "a node stops (SIGTERM)"
	killed  = "a node is killed (SIGKILL)"
)

// moving is a topic whose partitions two nodes share again and again. The data directory
// of the first node holds the windows of all partitions.
type moving struct {
	*known
	bench         *bench
	first, second *node
	targets       []target // by partition
	result        report.Moves
}

// moves measures how long a partition is without detection when it moves from one node to
// another.
func (f *nodesFlags) moves(ctx context.Context, b *bench) error {
	state := stateFlags{Entities: f.Entities, State: detected, StatePatience: b.settings.Patience} // a replay needs the points
	k, err := state.know(ctx, b, "moves", 0)
	if k != nil {
		defer k.discard(b)
	}
	if err != nil {
		return err
	}
	m, err := b.newMoving(k)
	if err != nil {
		return err
	}
	failed := 0
	for round := range f.Rounds {
		for _, way := range f.Ways {
			for _, event := range []string{stopped, killed} {
				err := m.once(ctx, way, event)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					failed++
					b.note("round %d, %s, %s: %v", round+1, way, event, err)
				}
			}
		}
	}
	m.result.Sort()
	b.result.Moves = append(b.result.Moves, m.result)
	if failed > 0 {
		return fmt.Errorf("%d of %d moves failed", failed, 2*f.Rounds*len(f.Ways))
	}
	return nil
}

func (b *bench) newMoving(k *known) (*moving, error) {
	m := &moving{known: k, bench: b, targets: targetsOf(k.stream)}
	m.result = report.Moves{Entities: k.stream.shape.Entities, WindowPoints: fullWindow, Session: stream.DefaultTiming().Session.Seconds()}
	var err error
	if m.first, err = k.newNode("first"); err != nil {
		return nil, err
	}
	m.first.dir = k.dir // it holds the windows that were read from the topic
	m.second, err = k.newNode("second")
	return m, err
}

// once begins with the first node alone. The second joins with no windows, the first is
// struck, and comes back in the end.
func (m *moving) once(ctx context.Context, way, event string) error {
	ctx, cancel := context.WithTimeout(ctx, m.bench.settings.Patience)
	defer cancel()
	standbys := standbysOf[way]
	if err := m.first.start(ctx, m.bench, standbys); err != nil {
		return err
	}
	defer m.stop()
	if err := untilReady(ctx, m.first.process, len(m.targets)); err != nil {
		return err
	}
	if err := os.RemoveAll(m.second.dir); err != nil {
		return err
	}
	if err := m.join(ctx, way); err != nil {
		return fmt.Errorf("%s: %w", joined, err)
	}
	if err := m.strike(ctx, way, event); err != nil {
		return err
	}
	if err := m.comeBack(ctx, standbys); err != nil {
		return fmt.Errorf("the node that was struck starts again: %w", err)
	}
	return nil
}

// stop leaves the group empty, as the group waits for a member that was killed.
func (m *moving) stop() {
	for _, n := range []*node{m.second, m.first} {
		if n.process != nil {
			n.process.stop()
		}
	}
}

// join watches all partitions, as it is known in the end only which of them move.
func (m *moving) join(ctx context.Context, way string) error {
	w, err := m.watch(ctx, m.partitions())
	if err != nil {
		return err
	}
	defer w.end()
	before, err := w.reporters(ctx, m.partitions(), m.first.process)
	if err != nil {
		return err
	}
	if err := m.second.start(ctx, m.bench, standbysOf[way]); err != nil {
		return err
	}
	shares, err := m.bench.untilShared(ctx, m.both())
	if err != nil {
		return err
	}
	theirs := move{shares[m.second.id], m.second.process.began, before}
	took, err := w.outage(ctx, theirs, processesOf(m.both())...)
	if err != nil {
		return err
	}
	return m.record(way, joined, theirs, took, 0)
}

// strike watches the partitions of the first node until the second has them.
func (m *moving) strike(ctx context.Context, way, event string) error {
	if err := m.untilSteady(ctx, standbysOf[way]); err != nil {
		return err
	}
	shares, err := m.bench.untilShared(ctx, m.both())
	if err != nil {
		return err
	}
	theirs := shares[m.first.id]
	w, err := m.watch(ctx, theirs)
	if err != nil {
		return err
	}
	defer w.end()
	before, err := w.reporters(ctx, theirs, m.first.process)
	if err != nil {
		return err
	}
	said, at := len(m.second.process.said()), time.Now()
	if event == killed {
		m.first.process.kill()
	} else {
		m.first.process.end()
	}
	lost := move{theirs, at, before}
	took, err := w.outage(ctx, lost, m.second.process)
	if err != nil {
		return err
	}
	if err := m.record(way, event, lost, took, said); err != nil {
		return err
	}
	return until(ctx, "the node has ended that was told to", func() bool { return !m.first.process.running() })
}

// comeBack starts the first node again, and waits until both share the partitions and
// alarms are visible in all of them.
func (m *moving) comeBack(ctx context.Context, standbys int) error {
	if err := m.first.start(ctx, m.bench, standbys); err != nil {
		return err
	}
	if _, err := m.bench.untilShared(ctx, m.both()); err != nil {
		return err
	}
	w, err := m.watch(ctx, m.partitions())
	if err != nil {
		return err
	}
	_, err = w.outage(ctx, move{m.partitions(), time.Now(), nil}, processesOf(m.both())...)
	w.end()
	if err != nil {
		return err
	}
	return m.untilSteady(ctx, standbys)
}

// untilSteady waits only if nodes can be asked.
func (m *moving) untilSteady(ctx context.Context, standbys int) error {
	if standbys == noCluster {
		return nil
	}
	return m.bench.untilSteady(ctx, m.both(), standbys)
}

// record adds a run to its row. said is the length of the second node's log
// at the event.
func (m *moving) record(way, event string, of move, took outage, said int) error {
	used, err := m.second.process.usage()
	if err != nil {
		return err
	}
	say("%s, %s: %.2f s until all of %d partitions were back, the longest alarm took %.2f s", way, event,
		took.all.Seconds(), len(of.partitions), took.longest.Seconds())
	m.result.Add(way, event, event == killed, report.Move{
		Partitions: len(of.partitions), First: took.first.Seconds(), All: took.all.Seconds(),
		Reported: took.reported.Seconds(), Longest: took.longest.Seconds(),
		Taken: taken(m.second.process.said()[said:], of.partitions), PeakRSS: used.PeakRSS,
	})
	return nil
}

func (m *moving) both() []*node { return []*node{m.first, m.second} }

func (m *moving) partitions() (all []int32) {
	for partition := range m.targets {
		all = append(all, int32(partition))
	}
	return all
}

// target is a partition's entities. Alarms are raised of them in turn.
type target struct {
	entities []string
	count    int
}

// alarmsOfOne is how many alarms of one entity are anomalies for sure. They enter its
// window, too.
const alarmsOfOne = 30

func (t *target) another() (string, error) {
	if t.count >= alarmsOfOne*len(t.entities) {
		return "", fmt.Errorf("no alarm can be raised any more: each of a partition's %d entities had %d; take more entities, or fewer rounds", len(t.entities), alarmsOfOne)
	}
	t.count++
	return t.entities[(t.count-1)%len(t.entities)], nil
}

func targetsOf(h *hegemony) []target {
	all := make([]target, h.shape.Partitions)
	for _, entity := range h.Entities() {
		scope, _, _ := strings.Cut(entity.Key, ",")
		t := &all[h.partition(scope)]
		t.entities = append(t.entities, entity.Key)
	}
	return all
}
