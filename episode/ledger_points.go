package episode

import "math"

// What the ledger does with the points of an entity.

// Count counts an entity in the current bin. The owner calls it for a point in the bin of an entity whose newest point
// before it is not in the bin. A newer point is of a time that stream time has not reached, or has moved back from.
func (l *Ledger) Count() {
	l.change()
	l.whole.count++
}

// Saw takes the time of a point of an entity, before its verdict. An entity of which nothing is kept needs no call.
func (l *Ledger) Saw(key string, at int64) {
	e := l.entities[key]
	if e == nil {
		return
	}
	e = l.keep(key)
	e.deviation.heard = max(e.deviation.heard, at)
	if e.absence.ID == "" {
		return
	}
	e.lastSeen = max(e.lastSeen, at)
	if len(l.whole.wholes) >= l.rules.AbsenceAfter && at < l.horizon(l.rules.AbsenceAfter) {
		return
	}
	l.endAbsence(key, e, at, Returned)
	l.tidy(key, e)
}

// Anomaly takes the verdict that the entity's latest point is an anomaly.
func (l *Ledger) Anomaly(key string, a Anomaly) {
	if !named(key) {
		return
	}
	e := l.keep(key)
	e.value, e.deviates = a.Value, a.Deviation
	l.fold(key, e, func(steps []Step) (State, []Step) { return l.rules.Anomaly(e.deviation, a, steps) })
}

// Normal takes the verdict that the entity's latest point was scored, and is no anomaly.
func (l *Ledger) Normal(key string, p Point) {
	if l.entities[key] == nil {
		return
	}
	e := l.keep(key)
	if e.deviation.Episode.Points == 0 {
		return
	}
	l.fold(key, e, func(steps []Step) (State, []Step) { return l.rules.Normal(e.deviation, p, steps) })
	l.tidy(key, e)
}

// fold takes a step of an entity's deviation.
func (l *Ledger) fold(key string, e *entry, step func([]Step) (State, []Step)) {
	var room [2]Step
	state, steps := step(room[:0])
	e.deviation = state
	for _, s := range steps {
		if s.Event == Resolved {
			l.end(&s.Episode, s.Episode.EndedAt, s.Episode.Outcome)
			e.deviation.Episode.EndedAt = s.Episode.EndedAt
		}
		l.say(Deviation, key, s.Event, s.Episode, e.value, e.deviates)
	}
}

// endAbsence resolves an absence.
func (l *Ledger) endAbsence(key string, e *entry, at int64, how Outcome) {
	l.countBins(&e.absence)
	l.end(&e.absence, at, how)
	l.say(Absence, key, Resolved, e.absence, math.NaN(), math.NaN())
	e.absence, e.lastSeen = Episode{}, 0
}

// countBins counts the bins of an absence.
func (l *Ledger) countBins(absence *Episode) {
	absence.Points = int(max(l.binOf(l.whole.now)-l.binOf(absence.OpenedAt), 0))
}

// end notes the end of an episode: not before its beginning, and not after now.
func (l *Ledger) end(e *Episode, at int64, how Outcome) {
	e.Open, e.EndedAt, e.Outcome = false, max(e.OpenedAt, min(at, l.now())), how
}

// now is stream time, or the time of the record at hand before stream time is known.
func (l *Ledger) now() int64 {
	if l.whole.begun {
		return l.whole.now
	}
	return l.at
}
