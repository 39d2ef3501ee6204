package bootstrap

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"anomalydetector/actors"
	"anomalydetector/messages"
)

const (
	// announceMost is how many anomalies of a detector are shown in each announceEvery.
	announceMost  = 20
	announceEvery = 10 * time.Second
	// announceRoom is how many commits may wait for a slow terminal.
	announceRoom = 256
)

// announcer shows committed anomalies: each in the log at debug, and on a terminal one line each, at
// most announceMost in announceEvery. It has a goroutine of its own.
type announcer struct {
	hub     *actors.Hub
	out     io.Writer // nil: no terminal, or anomalies are hidden
	now     func() time.Time
	logs    map[string]*slog.Logger // by detector
	watcher *actors.Watcher         // nil: it has not begun
	shown   map[string]*announced   // by detector
	lost    int64                   // by the watcher, as far as reported
	ended   chan struct{}

	mu   sync.Mutex // of begin and end
	over bool       // end was called
}

// announced counts what was shown of a detector since a time.
type announced struct {
	since         time.Time
	lines, hidden int
	largest       float64 // deviation of those that were hidden
}

// announce returns an announcer, and starts it if there is anything to announce to.
func announce(hub *actors.Hub, out io.Writer, now func() time.Time, logs map[string]*slog.Logger) *announcer {
	a := &announcer{hub: hub, out: out, now: now, logs: logs, shown: make(map[string]*announced), ended: make(chan struct{})}
	a.begin()
	return a
}

// begin starts the announcer if it has not begun, and there is a terminal or a log at debug.
func (a *announcer) begin() {
	wanted := a.out != nil
	for _, log := range a.logs {
		wanted = wanted || log.Enabled(context.Background(), slog.LevelDebug)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if wanted && a.watcher == nil && !a.over {
		a.watcher = a.hub.Watch(announceRoom)
		go a.run()
	}
}

// end stops the announcer after it has shown everything that was committed.
func (a *announcer) end() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	if a.watcher != nil {
		a.watcher.Close()
		<-a.ended
	}
	return nil
}

func (a *announcer) run() {
	defer close(a.ended)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case event, more := <-a.watcher.C:
			if !more {
				a.hidden(true)
				return
			}
			a.take(event)
		case <-ticker.C:
			a.hidden(false)
		}
	}
}

// take shows the findings of a commit, the largest deviation first.
func (a *announcer) take(event actors.Event) {
	findings := slices.Clone(event.Findings)
	slices.SortStableFunc(findings, func(x, y messages.Finding) int {
		return cmp.Compare(math.Abs(y.Deviation), math.Abs(x.Deviation))
	})
	for _, f := range findings {
		if log := a.logs[event.Detector]; log != nil {
			log.Debug("anomaly", "entity", f.Entity, "time", f.At.UTC(), "value", f.Value, "usual", f.Usual, "deviation", f.Deviation)
		}
		if a.out != nil {
			a.show(event.Detector, f)
		}
	}
}

func (a *announcer) show(detector string, f messages.Finding) {
	s := a.shown[detector]
	if s == nil || a.now().Sub(s.since) >= announceEvery {
		a.tellHidden(detector, s)
		s = &announced{since: a.now()}
		a.shown[detector] = s
	}
	if s.lines >= announceMost {
		s.hidden++
		if math.Abs(f.Deviation) > math.Abs(s.largest) {
			s.largest = f.Deviation
		}
		return
	}
	s.lines++
	printf(a.out, "%s: %s UTC  %s  %.6g, usual %.6g, deviation %+.1f\n",
		detector, f.At.UTC().Format("2006-01-02 15:04"), f.Entity, f.Value, f.Usual, f.Deviation)
}

// hidden reports how many anomalies were not shown, once announceEvery is over or all is set, and how
// many were lost.
func (a *announcer) hidden(all bool) {
	for detector, s := range a.shown {
		if all || a.now().Sub(s.since) >= announceEvery {
			a.tellHidden(detector, s)
			delete(a.shown, detector)
		}
	}
	if lost := a.watcher.Lost(); lost > a.lost {
		for _, log := range a.logs { // to each detector's: it is not known whose they were
			log.Debug("anomalies and changes of state came too fast to be logged", "lost", lost-a.lost)
		}
		if a.out != nil {
			printf(a.out, "%d more anomalies and changes of state came too fast to be shown\n", lost-a.lost)
		}
		a.lost = lost
	}
}

func (a *announcer) tellHidden(detector string, s *announced) {
	if s != nil && s.hidden > 0 {
		printf(a.out, "%s: %d more anomalies in %s are not shown, deviation up to %+.1f\n", detector, s.hidden, announceEvery, s.largest)
	}
}
