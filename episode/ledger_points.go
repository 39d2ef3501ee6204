package episode

import "math"

// What the ledger does with the points of an entity.

// Count counts an entity in the current bin. The owner calls it for a point in the bin of an entity whose points before it
// are all older than the bin.
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
	if horizon, known := l.horizon(l.rules.AbsenceAfter); known && at < horizon {
		return
	}
	l.endAbsence(key, e, at, Returned, at)
	l.tidy(key, e)
}

// Anomaly takes the verdict that the entity's latest point is an anomaly.
func (l *Ledger) Anomaly(key string, a Anomaly) {
	if len(key) > longestKey {
		return
	}
	e := l.keep(key)
	e.value, e.deviates = a.Value, a.Deviation
	l.fold(key, e, func(events []Event) (State, []Event) { return l.rules.Anomaly(e.deviation, a, events) })
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
	l.fold(key, e, func(events []Event) (State, []Event) { return l.rules.Normal(e.deviation, p, events) })
	l.tidy(key, e)
}

// fold takes a step of an entity's deviation.
func (l *Ledger) fold(key string, e *entry, step func([]Event) (State, []Event)) {
	var room [2]Event
	state, events := step(room[:0])
	e.deviation = state
	for _, event := range events {
		l.say(Deviation, key, event, e.value, e.deviates)
	}
}

// endAbsence resolves an absence.
func (l *Ledger) endAbsence(key string, e *entry, at int64, how Outcome, now int64) {
	e.absence.Open, e.absence.EndedAt, e.absence.Outcome = false, at, how
	l.say(Absence, key, Event{Resolved, now, e.absence}, math.NaN(), math.NaN())
	e.absence, e.lastSeen = Episode{}, 0
}
