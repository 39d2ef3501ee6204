package actors_test

import (
	"testing"

	"anomalydetector/actors"
	"anomalydetector/stream"
)

// TestHubTellsWhatIsCommitted, each anomaly once although transactions fail, and how the
// detector became live and ended.
func TestHubTellsWhatIsCommitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "hegemony_median")
	w.failsCommits(2)
	hub := new(actors.Hub)
	watcher := hub.Watch(10_000)
	n := w.start("one", func(c *actors.Config, _ *stream.Config) { c.Hub = hub })
	w.feed(len(w.golden.Records))
	w.untilCommitted()
	must(t, n.stop())
	watcher.Close()
	found, states, ended := 0, 0, false
	for event := range watcher.C {
		found += len(event.Findings)
		if event.Report != nil {
			states++
			ended = event.Report.Ended
		}
	}
	if found != len(w.golden.Expected) || states < 3 || !ended || watcher.Lost() != 0 {
		t.Errorf("told are %d anomalies, want %d; %d changes of state, the last one that it ended: %v; %d lost", found, len(w.golden.Expected), states, ended, watcher.Lost())
	}
}
