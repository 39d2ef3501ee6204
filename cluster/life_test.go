package cluster

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"anomalydetector/stream"
)

// lifeOf is a watcher whose clock reads *now.
func lifeOf(now *time.Time) *GroupWatcher {
	n := &Node{config: Config{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return *now }}}
	return &GroupWatcher{node: n, name: "d", instance: "a", phase: starting, draining: make(map[string]time.Time)}
}

// TestPhasesFollowTheirTable: a process enters a phase only from those that the table allows, and
// nothing brings it back once it drains.
func TestPhasesFollowTheirTable(t *testing.T) {
	all := []phase{starting, preparing, joining, joined, draining, leaving}
	for name, c := range map[string]struct {
		from []phase // the way to the phase under test
		may  []phase
	}{
		"starting":  {nil, []phase{preparing, joined, draining}},
		"preparing": {[]phase{preparing}, []phase{joining, draining}},
		"joining":   {[]phase{preparing, joining}, []phase{joined, draining}},
		"joined":    {[]phase{joined}, []phase{draining}},
		"draining":  {[]phase{joined, draining}, []phase{leaving}},
		"leaving":   {[]phase{draining, leaving}, nil},
	} {
		for _, next := range all {
			now := noon
			w := lifeOf(&now)
			for _, p := range c.from {
				if !w.advance(p) {
					t.Fatalf("%s is not reached: %s refuses %s", name, w.phase, p)
				}
			}
			if before, entered := w.phase, w.advance(next); entered != slices.Contains(c.may, next) || entered && w.phase != next || !entered && w.phase != before {
				t.Errorf("%s: %s is entered: %t, then the phase is %s", name, next, entered, w.phase)
			}
		}
	}
}

// TestShareIsKeptUntilItIsOwned: the standbys of the future share are kept until the process owns a
// partition, or for joinAtMost after it asked to join; while it prepares there is no limit.
func TestShareIsKeptUntilItIsOwned(t *testing.T) {
	var outside, idle, owning view
	outside.update([]stream.Member{of("b", 0, 1)}, true, noon)
	idle.update([]stream.Member{of("a"), of("b", 0, 1)}, true, noon)
	owning.update([]stream.Member{of("a", 1), of("b", 0)}, true, noon)
	now := noon
	w := lifeOf(&now)
	expect := func(v view, want phase, keeps bool) {
		t.Helper()
		if got := w.seeJoined(v); got != want || got.keepsShare() != keeps {
			t.Errorf("the phase is %s and keeps the share: %t; want %s, %t", got, got.keepsShare(), want, keeps)
		}
	}
	expect(outside, starting, false)
	w.advance(preparing)
	now = now.Add(time.Hour)
	expect(outside, preparing, true)
	w.advance(joining)
	now = now.Add(joinAtMost)
	expect(idle, joining, true)
	expect(owning, joined, false)

	w = lifeOf(&now)
	w.advance(preparing)
	w.advance(joining)
	now = now.Add(joinAtMost + 1)
	expect(idle, joined, false)
}
