package standstill

import (
	"cmp"
	"slices"
	"time"

	"anomalydetector/stream"
)

// How long something may stand before it is told.
const (
	finalLimit   = 4 * time.Second  // the broker refuses it, and waiting is of no use
	refusedLimit = 10 * time.Second // the broker answers with an error
	waitLimit    = 30 * time.Second // no error is known
	commitSlack  = 5 * time.Second  // what is added for records that wait for a commit
	attendAfter  = 2 * time.Second  // after this wait the clients' passing errors are listened to
	errorSlack   = time.Second      // how long before the wait begins its error may have come

	firstPause = 30 * time.Second
	mostPause  = 10 * time.Minute
)

// Pending is one thing that is waited for.
type Pending struct {
	Waiting   Waiting
	Partition int32 // -1: none in particular
	Progress  int64 // if the value changes, the wait has moved
	Records   int64 // that wait
	// Quiet: it waits for another Pending, and the watch reports that one instead. Meanwhile this one counts as
	// standing, not as moving.
	Quiet bool
}

// goesOn tells whether this wait is the same as one of a second ago. If sessions cannot join, each is replaced by
// another one: that is one wait.
func (p *Pending) goesOn(old Pending) bool {
	if p.Waiting.kind() == membership {
		return old.Waiting.kind() == membership
	}
	return old.Waiting == p.Waiting && old.Partition == p.Partition
}

// mark is since when a Pending has not moved.
type mark struct {
	Pending
	since  time.Time
	active time.Time // since when it has neither moved nor been quiet
}

// Line is what is to be said about a standstill.
type Line struct {
	Over       bool // it has moved, or is not waited for any more; else it stands
	Waiting    Waiting
	Since      time.Time
	Stood      time.Duration
	Partitions []int32 // that wait, in order; empty: all partitions, or none in particular
	Records    int64
	Trouble    *stream.Trouble // the last one; nil: none is known
}

// told is a standstill that was told.
type told struct {
	Line
	first, last time.Time
	pause       time.Duration // until it is told again
}

// Troubles tells the newest error of some activities since a time.
type Troubles func(since time.Time, of ...stream.Activity) (stream.Trouble, bool)

// Watch is the memory of what a detector waits for.
type Watch struct {
	usual time.Duration // how long records wait for their commit in the normal course, at most
	marks []mark
	told  [kinds]*told
}

// New is the watch of a detector that commits after an interval.
func New(commitInterval time.Duration) *Watch { return &Watch{usual: commitInterval} }

// See is told what is waited for now, and returns what is to be said.
func (w *Watch) See(now time.Time, all []Pending, last Troubles) (lines []Line) {
	w.remember(now, all)
	for kind := range kinds {
		due := w.due(kind, now, last)
		t := w.told[kind]
		switch {
		case t == nil && due == nil:
		case t == nil:
			w.told[kind] = &told{Line: *due, first: now, last: now, pause: firstPause}
			lines = append(lines, *due)
		case !w.stillStands(kind, t.first):
			w.told[kind] = nil
			t.Over, t.Stood = true, now.Sub(t.Since)
			lines = append(lines, t.Line)
		default:
			if due != nil {
				due.Since = t.Since
				t.Line = *due
			}
			t.Stood = now.Sub(t.Since)
			if now.Sub(t.last) >= t.pause {
				t.last, t.pause = now, min(2*t.pause, mostPause)
				lines = append(lines, t.Line)
			}
		}
	}
	return lines
}

// remember brings the marks up to date.
func (w *Watch) remember(now time.Time, all []Pending) {
	marks := make([]mark, 0, len(all))
	for _, p := range all {
		m := mark{p, now, now}
		at := slices.IndexFunc(w.marks, func(old mark) bool { return p.goesOn(old.Pending) })
		if at >= 0 && w.marks[at].Progress == p.Progress {
			m.since = w.marks[at].since
			if !w.marks[at].Quiet {
				m.active = w.marks[at].active
			}
		}
		marks = append(marks, m)
	}
	w.marks = marks
}

// stillStands tells whether something of a kind has not moved since before it was told. A session that is opened anew
// is no movement of the membership.
func (w *Watch) stillStands(kind kind, first time.Time) bool {
	return slices.ContainsFunc(w.marks, func(m mark) bool {
		return m.Waiting.kind() == kind && (kind == membership || !m.since.After(first))
	})
}

// due returns the line for a kind that has stood longer than its limit, or nil. Of several Waitings it takes the
// one that explains most, with all partitions that stand there.
func (w *Watch) due(kind kind, now time.Time, last Troubles) *Line {
	var due *Line
	for _, m := range w.marks {
		if m.Quiet || m.Waiting.kind() != kind || due != nil && due.Waiting < m.Waiting {
			continue
		}
		trouble := m.trouble(last)
		if now.Sub(m.active) < w.limit(m.Waiting, trouble) {
			continue
		}
		if due == nil || m.Waiting < due.Waiting {
			due = &Line{Waiting: m.Waiting, Since: m.active, Trouble: trouble}
		}
		if m.active.Before(due.Since) {
			due.Since = m.active
		}
		if m.Partition >= 0 {
			due.Partitions = append(due.Partitions, m.Partition)
		}
		due.Records += m.Records
	}
	if due != nil {
		due.Stood = now.Sub(due.Since)
		slices.SortFunc(due.Partitions, cmp.Compare)
	}
	return due
}

func (m *mark) trouble(last Troubles) *stream.Trouble {
	of := m.Waiting.activities()
	if last == nil || len(of) == 0 {
		return nil
	}
	if trouble, found := last(m.active.Add(-errorSlack), of...); found {
		return &trouble
	}
	return nil
}

// limit is how long it may stand.
func (w *Watch) limit(of Waiting, trouble *stream.Trouble) time.Duration {
	limit := waitLimit
	switch {
	case of == Asking && (trouble == nil || !trouble.Final): // a broker that restarts is back by then
	case trouble != nil && trouble.Final && of != Opening: // a start that cannot open a session soon ends, and says why
		limit = finalLimit
	case trouble != nil && (trouble.Final || trouble.Name != ""):
		limit = refusedLimit
	}
	if of == Committing {
		limit += w.usual + commitSlack
	}
	return limit
}

// Attentive tells whether something has stood longer than usual, so that passing errors of the clients are of interest.
func (w *Watch) Attentive(now time.Time) bool {
	return slices.ContainsFunc(w.marks, func(m mark) bool {
		stood := now.Sub(m.active)
		switch {
		case m.Quiet, m.Waiting == Held:
			return false
		case m.Waiting == Committing:
			return stood >= attendAfter+w.usual+commitSlack
		}
		return stood >= attendAfter
	})
}

// Standing are the standstills that were told and have not ended.
func (w *Watch) Standing() (lines []Line) {
	for _, t := range w.told {
		if t != nil {
			lines = append(lines, t.Line)
		}
	}
	return lines
}
