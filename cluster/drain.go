package cluster

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"anomalydetector/messages"
)

const (
	drainAtMost       = 15 * time.Second // a part of the time that a stop may take
	drainLook         = 200 * time.Millisecond
	successorFailures = 3 // failed answers in a row after which a node counts as no successor
)

// successor is another node that may take over partitions of this one, as this one sees it.
type successor struct {
	ready  map[int32]bool // had their windows at least once: it keeps them up to date
	coming []int32        // it is getting their windows
	failed int            // failed answers in a row
	err    error          // of the last answer
}

// missing tells whether it is still getting windows, or may be.
func (s *successor) missing() bool {
	return s.failed > 0 || slices.ContainsFunc(s.coming, func(partition int32) bool { return !s.ready[partition] })
}

// Drain returns when the successors of this node have the windows of its partitions, when they
// cannot get them, or after 15 s. The detector keeps detecting meanwhile. Drain tells the other
// nodes again and again that this one is about to leave; those that will own its partitions keep
// them as standbys from then on. Once they have the windows, little is left to read when the
// partitions move. It implements actors.Peers.
func (w *GroupWatcher) Drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainAtMost)
	defer cancel()
	defer context.AfterFunc(w.node.life, cancel)()
	w.advance(draining)
	defer w.advance(leaving)
	log := w.node.config.Log.With("detector", w.name)
	began := w.node.config.Now()
	successors := make(map[string]*successor) // by address
	for first := true; ; first = false {
		v, _ := w.look(ctx)
		at := slices.IndexFunc(v.members, w.isUs)
		others := v.others(w.node.config.Advertise)
		if at < 0 || len(others) == 0 || first && v.problem(w.name) != nil {
			return
		}
		w.tellLeaving(ctx, others, v.members[at].ID, successors)
		ready, missing, refusals := tally(successors)
		log := log.With("partitions", len(v.members[at].Partitions), "ready_elsewhere", ready, "seconds", w.node.config.Now().Sub(began).Seconds())
		switch {
		case ctx.Err() != nil:
			log.Warn("leaving the group before other nodes have all windows; they read what is missing from the topic")
			return
		case !missing && ready == 0 && len(refusals) > 0:
			log.Info("leaving the group: no other node takes the windows", "reason", errors.Join(refusals...))
			return
		case !missing:
			log.Info("leaving the group")
			return
		case first:
			log.Info("draining: other nodes get the windows before this one leaves the group")
		}
		select {
		case <-time.After(drainLook):
		case <-ctx.Done():
		}
	}
}

// tellLeaving tells the other nodes that this one is about to leave, and records their answers in
// successors.
func (w *GroupWatcher) tellLeaving(ctx context.Context, others []string, id string, successors map[string]*successor) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var mu sync.Mutex
	each(ctx, others, func(ctx context.Context, address string) {
		var theirs messages.Successor
		err := w.node.client.doJSON(ctx, http.MethodPost, address, "/v1/leaving", url.Values{"detector": {w.name}, "member": {id}}, &theirs)
		mu.Lock()
		defer mu.Unlock()
		s := successors[address]
		if s == nil {
			s = &successor{ready: make(map[int32]bool)}
			successors[address] = s
		}
		s.err = err
		switch {
		case err == nil:
			s.coming, s.failed = theirs.Coming, 0
			for _, partition := range theirs.Ready {
				s.ready[partition] = true
			}
		case s.failed+1 < successorFailures && !final(err):
			s.failed++
		default: // it drains too, runs an older version, or is gone
			*s = successor{ready: make(map[int32]bool), err: err}
		}
	})
}

// tally sums up what the successors answered: how many partitions are ready at one of them at
// least, whether windows are still missing, and why some nodes take none.
func tally(successors map[string]*successor) (ready int, missing bool, refusals []error) {
	all := make(map[int32]bool)
	for _, s := range successors {
		for partition := range s.ready {
			all[partition] = true
		}
		missing = missing || s.missing()
		if s.err != nil {
			refusals = append(refusals, s.err)
		}
	}
	return len(all), missing, refusals
}
