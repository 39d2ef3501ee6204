package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// watch raises alarms in some partitions, and notes when each is reported and when it is
// visible to readers. It has a goroutine for each partition, and one that reads.
type watch struct {
	alarms   *alarms
	reported *sightings // including those of transactions that are not committed
	lead     time.Time  // the event does not take place before
	stop     func()
	ended    sync.WaitGroup

	mu     sync.Mutex
	probes map[position]probe
	failed error // of raising them
}

// probe is an alarm of a watch.
type probe struct {
	raised   time.Time // zero: by another program
	reported sighting  // the last time; zero time: not yet
	visible  sighting
}

const (
	probeEvery = 50 * time.Millisecond
	watchLead  = 2 * time.Second
)

// watch begins to raise alarms.
func (m *moving) watch(ctx context.Context, partitions []int32) (*watch, error) {
	a, err := m.bench.newAlarms(ctx, m.stream, m.job)
	if err != nil {
		return nil, err
	}
	reported, err := m.bench.newSightings(ctx, m.output, kgo.ReadUncommitted())
	if err != nil {
		a.close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{alarms: a, reported: reported, stop: cancel, lead: time.Now().Add(watchLead), probes: make(map[position]probe)}
	for _, partition := range partitions {
		w.ended.Go(func() { w.raise(ctx, m.stream, &m.targets[partition]) })
	}
	w.ended.Go(func() { w.read(ctx) })
	return w, nil
}

func (w *watch) end() {
	w.stop()
	w.ended.Wait()
	w.alarms.close()
	w.reported.close()
}

// raise raises alarms until the context ends.
func (w *watch) raise(ctx context.Context, h *hegemony, t *target) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		entity, err := t.another()
		var at position
		var raised time.Time
		if err == nil {
			raised, at, err = w.alarms.raiseOf(ctx, h, entity)
		}
		if err != nil {
			w.mu.Lock()
			w.failed = err
			w.mu.Unlock()
			return
		}
		w.update(at, func(p *probe) { p.raised = raised })
	}
}

// read may see an alarm before raise has noted it.
func (w *watch) read(ctx context.Context) {
	for {
		select {
		case s := <-w.alarms.seen:
			w.update(s.position, func(p *probe) { p.visible = s })
		case s := <-w.reported.seen:
			w.update(s.position, func(p *probe) { p.reported = s })
		case <-ctx.Done():
			return
		}
	}
}

func (w *watch) update(at position, change func(*probe)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.probes[at]
	change(&p)
	w.probes[at] = p
}

// reporters are the producer ids of the nodes that report alarms in these partitions. It
// waits until the lead is over and each partition has reported.
func (w *watch) reporters(ctx context.Context, partitions []int32, p *process) (map[int64]bool, error) {
	ids := make(map[int64]bool)
	err := w.until(ctx, "alarms are visible before anything happens", func() bool {
		heard := make(map[int32]bool)
		for at, probe := range w.probes {
			if !probe.raised.IsZero() && !probe.visible.at.IsZero() {
				heard[at.partition] = true
				ids[probe.visible.producer] = true
			}
		}
		return time.Now().After(w.lead) && len(heard) == len(partitions)
	}, p)
	return ids, err
}

// outage waits until a move is over, and returns its times.
func (w *watch) outage(ctx context.Context, m move, processes ...*process) (took outage, err error) {
	err = w.until(ctx, fmt.Sprintf("alarms of partitions %v are visible that another node has reported", m.partitions), func() bool {
		var over bool
		took, over = m.judge(w.probes)
		return over
	}, processes...)
	return took, err
}

// until calls the condition with the lock held.
func (w *watch) until(ctx context.Context, what string, condition func() bool, processes ...*process) error {
	var failed error
	err := until(ctx, what, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		failed = w.failed
		return failed != nil || condition()
	}, processes...)
	if failed != nil {
		return failed
	}
	return err
}

// move is a set of partitions that move from one node to another.
type move struct {
	partitions []int32
	event      time.Time      // when it began
	before     map[int64]bool // producer ids of the nodes that had the partitions before
}

// outage holds the times of a move, from the event on. A partition is back with the first
// alarm that was raised in it after the event and is reported by a node that did not have
// it before.
type outage struct {
	first, all time.Duration // until such alarms are visible, in one partition and in all
	reported   time.Duration // until such alarms are reported in all partitions; readers may not see them yet
	longest    time.Duration // from append to visible, of all alarms, also those before the event
}

// judge returns the times so far, and whether the move is over: then all alarms that were
// raised before its end are visible.
func (m *move) judge(probes map[position]probe) (outage, bool) {
	first, last, back := m.back(probes, func(p probe) sighting { return p.visible })
	_, reported, all := m.back(probes, func(p probe) sighting { return p.reported })
	if !back || !all {
		return outage{}, false
	}
	took := outage{first: first.Sub(m.event), all: last.Sub(m.event), reported: reported.Sub(m.event)}
	for at, p := range probes {
		if p.raised.IsZero() || p.raised.After(last) || !slices.Contains(m.partitions, at.partition) {
			continue
		}
		if p.visible.at.IsZero() {
			return outage{}, false
		}
		took.longest = max(took.longest, p.visible.at.Sub(p.raised))
	}
	return took, true
}

// back is when the first and the last partition came back; all is whether every one has.
func (m *move) back(probes map[position]probe, of func(probe) sighting) (first, last time.Time, all bool) {
	earliest := make(map[int32]time.Time)
	for at, p := range probes {
		s := of(p)
		if p.raised.Before(m.event) || s.at.IsZero() || m.before[s.producer] || !slices.Contains(m.partitions, at.partition) {
			continue
		}
		if earlier, ok := earliest[at.partition]; !ok || s.at.Before(earlier) {
			earliest[at.partition] = s.at
		}
	}
	if len(earliest) < len(m.partitions) {
		return first, last, false
	}
	times := slices.SortedFunc(maps.Values(earliest), time.Time.Compare)
	return times[0], times[len(times)-1], true
}
