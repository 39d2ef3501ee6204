package actors

import (
	"cmp"
	"slices"
	"time"

	"anomalydetector/stream"
)

// The watch tells when a detector stands still: something is waited for, and for a
// bounded time nothing of it has moved. It knows no clock, no Kafka and no actors. It
// is shown, each second, what is waited for and how far that is (pending), and returns
// what is to be said (line).
//
//	pending without movement ──limit──> stands still: told, then again after 30 s, 1 min, ... 10 min
//	stands still ──moves, or is not waited for any more──> over: told once, with how long it stood
//
// Nothing to read is nothing to wait for: an idle stream has no pending.

// waiting is a kind of thing that a detector waits for.
type waiting int

const (
	nothing   waiting = iota
	opening           // a session with the broker
	joining           // the group to count us among its members
	loading           // history of a partition
	copying           // history of another node's partition, for a standby
	storing           // a partition's checkpoint
	answering         // the partitions, which score a batch
	writing           // the broker, to acknowledge records
	ending            // the end of the transaction
	settling          // records that are there, to be read and committed
	held              // a writer's open transaction, to end
	asking            // the broker, to tell the topic's ends
)

// standstill is a thing that can stand still. Kinds of waiting that follow one another
// in the same course of things are one: a transaction that fails to be written, is
// aborted, and is written anew does not move meanwhile.
type standstill int

const (
	membership standstill = iota
	history
	standby
	transaction
	openWriter
	broker
	standstills
)

func (w waiting) standstill() standstill {
	switch w {
	case opening, joining:
		return membership
	case loading:
		return history
	case copying:
		return standby
	case held:
		return openWriter
	case asking:
		return broker
	}
	return transaction
}

// activities are those whose errors explain a wait.
func (w waiting) activities() []stream.Activity {
	switch w {
	case opening: // or another session, because this one could not join
		return []stream.Activity{stream.Opening, stream.Joining, stream.Reaching}
	case joining:
		return []stream.Activity{stream.Joining, stream.Reaching}
	case loading, copying:
		return []stream.Activity{stream.Replaying, stream.Reaching}
	case writing:
		return []stream.Activity{stream.Writing, stream.Reaching}
	case ending:
		return []stream.Activity{stream.Ending, stream.Writing, stream.Joining, stream.Reaching}
	case settling:
		return []stream.Activity{stream.Reading, stream.Writing, stream.Ending, stream.Joining, stream.Reaching}
	case asking:
		return []stream.Activity{stream.Asking, stream.Reaching}
	}
	return nil
}

// Limits: how long something may stand before it is told.
const (
	finalLimit   = 4 * time.Second  // the broker refuses it, and waiting is of no use
	refusedLimit = 10 * time.Second // the broker answers with an error
	waitLimit    = 30 * time.Second // no error is known
	settleSlack  = 5 * time.Second  // records wait for a commit besides
	attendAfter  = 2 * time.Second  // then the errors that pass are listened to
	errorSlack   = time.Second      // an error may come so much before the wait is seen

	firstPause = 30 * time.Second
	mostPause  = 10 * time.Minute
)

// pending is one thing that is waited for.
type pending struct {
	waiting   waiting
	partition int32 // -1: none in particular
	progress  int64 // another value: it has moved
	records   int64 // that wait
	// quiet: it waits for another thing, which is a pending of its own. The watch tells
	// of that one instead. Meanwhile this one counts as standing, not as moving.
	quiet bool
}

// goesOn tells whether it is the same as one of the look before. A session that could not
// join is followed by another one, again and again: that is one wait.
func (p *pending) goesOn(old pending) bool {
	if p.waiting.standstill() == membership {
		return old.waiting.standstill() == membership
	}
	return old.waiting == p.waiting && old.partition == p.partition
}

// mark is since when a pending has not moved.
type mark struct {
	pending
	since  time.Time
	active time.Time // since when it has not moved although it was not quiet
}

// line is what is to be said about a standstill.
type line struct {
	over       bool // it has moved, or is not waited for any more; else it stands
	waiting    waiting
	since      time.Time
	stood      time.Duration
	partitions []int32
	records    int64
	trouble    *stream.Trouble // the last one; nil: none is known
}

// told is a standstill that was told.
type told struct {
	line
	first, last time.Time
	pause       time.Duration // until it is told again
}

// troubles tells the newest error of some activities since a time.
type troubles func(since time.Time, of ...stream.Activity) (stream.Trouble, bool)

type watch struct {
	marks []mark
	told  [standstills]*told
	// usual is how long records wait for their commit in the normal course, at most.
	usual time.Duration
}

// see is told what is waited for now, and returns what is to be said.
func (w *watch) see(now time.Time, all []pending, last troubles) (lines []line) {
	w.remember(now, all)
	for kind := range standstills {
		due := w.due(kind, now, last)
		t := w.told[kind]
		switch {
		case t == nil && due == nil:
		case t == nil:
			w.told[kind] = &told{line: *due, first: now, last: now, pause: firstPause}
			lines = append(lines, *due)
		case !w.stillStands(kind, t.first):
			w.told[kind] = nil
			t.over, t.stood = true, now.Sub(t.since)
			lines = append(lines, t.line)
		default:
			if due != nil {
				due.since = t.since
				t.line = *due
			}
			t.stood = now.Sub(t.since)
			if now.Sub(t.last) >= t.pause {
				t.last, t.pause = now, min(2*t.pause, mostPause)
				lines = append(lines, t.line)
			}
		}
	}
	return lines
}

// remember brings the marks up to date.
func (w *watch) remember(now time.Time, all []pending) {
	marks := make([]mark, 0, len(all))
	for _, p := range all {
		m := mark{p, now, now}
		at := slices.IndexFunc(w.marks, func(old mark) bool { return p.goesOn(old.pending) })
		if at >= 0 && w.marks[at].progress == p.progress {
			m.since = w.marks[at].since
			if !w.marks[at].quiet {
				m.active = w.marks[at].active
			}
		}
		marks = append(marks, m)
	}
	w.marks = marks
}

// stillStands tells whether something of a standstill has not moved since before it was
// told. A session that is opened anew is no movement of the membership.
func (w *watch) stillStands(kind standstill, first time.Time) bool {
	return slices.ContainsFunc(w.marks, func(m mark) bool {
		return m.waiting.standstill() == kind && (kind == membership || !m.since.After(first))
	})
}

// due is what of a standstill has stood longer than it may: the kind of waiting that
// explains most, with all partitions that wait like that.
func (w *watch) due(kind standstill, now time.Time, last troubles) *line {
	var due *line
	for _, m := range w.marks {
		if m.quiet || m.waiting.standstill() != kind || due != nil && due.waiting < m.waiting {
			continue
		}
		trouble := m.trouble(last)
		if now.Sub(m.active) < w.limit(m.waiting, trouble) {
			continue
		}
		if due == nil || m.waiting < due.waiting {
			due = &line{waiting: m.waiting, since: m.active, trouble: trouble}
		}
		if m.active.Before(due.since) {
			due.since = m.active
		}
		if m.partition >= 0 {
			due.partitions = append(due.partitions, m.partition)
		}
		due.records += m.records
	}
	if due != nil {
		due.stood = now.Sub(due.since)
		slices.SortFunc(due.partitions, cmp.Compare)
	}
	return due
}

func (m *mark) trouble(last troubles) *stream.Trouble {
	of := m.waiting.activities()
	if last == nil || len(of) == 0 {
		return nil
	}
	if trouble, found := last(m.active.Add(-errorSlack), of...); found {
		return &trouble
	}
	return nil
}

// limit is how long it may stand.
func (w *watch) limit(of waiting, trouble *stream.Trouble) time.Duration {
	limit := waitLimit
	switch {
	case of == asking && (trouble == nil || !trouble.Final): // a broker that restarts is back by then
	case trouble != nil && trouble.Final:
		limit = finalLimit
	case trouble != nil && trouble.Name != "":
		limit = refusedLimit
	}
	if of == settling {
		limit += w.usual + settleSlack
	}
	return limit
}

// attentive tells whether something stands longer than it mostly does.
func (w *watch) attentive(now time.Time) bool {
	return slices.ContainsFunc(w.marks, func(m mark) bool {
		stood := now.Sub(m.active)
		switch {
		case m.quiet, m.waiting == held:
			return false
		case m.waiting == settling:
			return stood >= attendAfter+w.usual+settleSlack
		}
		return stood >= attendAfter
	})
}

// standing are the standstills that were told and have not ended.
func (w *watch) standing() (lines []line) {
	for _, t := range w.told {
		if t != nil {
			lines = append(lines, t.line)
		}
	}
	return lines
}
