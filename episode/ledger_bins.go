package episode

import (
	"math"
	"slices"
)

// What the ledger does when bins end.

// Advance takes stream time after a record at a time and an offset; 0 if it is not known yet. If stream time lies in a later
// bin than before, bins have ended, and the record is the cause. If it has moved back, the bins begin anew.
func (l *Ledger) Advance(now, at, offset int64) error {
	l.at = at
	l.restart()
	if now == 0 {
		return nil
	}
	bin := l.binOf(now)
	w := &l.whole
	if w.begun && now == w.now {
		return nil
	}
	l.change()
	before := w.now
	w.now = now
	switch {
	case !w.begun || now < before:
		w.begun, w.bin, w.first, w.count = true, bin, bin, 0
		w.counts, w.wholes = w.counts[:0], w.wholes[:0]
		return nil
	case bin == w.bin:
		return nil
	}
	from := l.horizon(l.rules.AbsenceAfter)
	whole := l.endBin(w.bin, w.count, offset)
	for ended := w.bin + 1; ended < bin; ended++ {
		l.endBin(ended, 0, offset)
		// Of a long leap only the last bins matter: those before them would be forgotten at once.
		if skipped := bin - ended - mostBins - int64(max(l.rules.ClearAfter, l.rules.AbsenceAfter)); skipped > 0 {
			ended += skipped
			if w.gap.Open {
				w.gap.Points += int(skipped)
			}
		}
	}
	w.bin, w.count = bin, 0
	if whole {
		l.silences()
		if err := l.absences(from, offset); err != nil {
			return err
		}
	}
	l.forget()
	return nil
}

// endBin decides whether a bin is a gap or whole. Later bins than the first one are gaps if they have no entities.
func (l *Ledger) endBin(bin int64, count int, offset int64) (whole bool) {
	w := &l.whole
	usual := l.usual()
	least := l.rules.GapBelow * usual
	gap := count == 0 && bin > w.first || float64(count) < least
	switch open := w.gap.Open; {
	case gap && l.rules.GapBelow == 0:
	case gap && !open:
		w.gap = Episode{
			ID: l.owner.ID(Gap, offset, 0), Open: true, OpenedAt: l.start(bin), LastAt: l.start(bin), Points: 1,
			Usual: usual, Low: max(1, math.Ceil(least)), High: math.NaN(), Peak: Anomaly{Value: float64(count), Deviation: math.NaN()},
		}
		l.say(Gap, "", Opened, w.gap, w.gap.Peak.Value, math.NaN())
	case gap:
		w.gap.Points++
		w.gap.LastAt = l.start(bin)
		w.gap.Peak.Value = float64(count)
	case open:
		l.end(&w.gap, l.start(bin), Filled)
		l.say(Gap, "", Resolved, w.gap, w.gap.Peak.Value, math.NaN())
		w.gap = Episode{}
	}
	w.counts = append(w.counts, int32(count))
	if most := l.mostCounts(); len(w.counts) > most {
		w.counts = slices.Delete(w.counts, 0, len(w.counts)-most)
	}
	if gap {
		return false
	}
	w.wholes = append(w.wholes, bin)
	if most := max(l.rules.ClearAfter, l.rules.AbsenceAfter); len(w.wholes) > most {
		w.wholes = slices.Delete(w.wholes, 0, len(w.wholes)-most)
	}
	return true
}

// mostCounts is how many bins the usual number of entities is taken of.
func (l *Ledger) mostCounts() int {
	length := l.rules.Bin.Milliseconds()
	return int(min(max(l.rules.History.Milliseconds()/length, 1), mostBins))
}

// usual is the median number of entities in a bin; NaN if it is not known.
func (l *Ledger) usual() float64 {
	counts := l.whole.counts
	n := len(counts)
	if n == 0 || float64(n) <= l.rules.Minimum {
		return math.NaN()
	}
	sorted := slices.Clone(counts)
	slices.Sort(sorted)
	return (float64(sorted[(n-1)/2]) + float64(sorted[n/2])) / 2
}

// horizon is the start of the n-th latest whole bin: an entity without a point since then is silent for n bins. Before there
// are as many, none is; then it is the start of the first bin, because all entities that matter have had a point since.
func (l *Ledger) horizon(n int) int64 {
	wholes := l.whole.wholes
	if n == 0 || len(wholes) < n {
		return l.start(l.whole.first)
	}
	return l.start(wholes[len(wholes)-n])
}

// silences ends the deviations of entities that are silent.
func (l *Ledger) silences() {
	if len(l.whole.wholes) < l.rules.ClearAfter {
		return
	}
	horizon := l.horizon(l.rules.ClearAfter)
	for _, key := range l.keys(func(e *entry) bool { return e.deviation.Episode.Open && e.deviation.heard < horizon }) {
		e := l.keep(key)
		l.fold(key, e, func(steps []Step) (State, []Step) { return l.rules.Silence(e.deviation, steps) })
	}
}

// absences opens the absences of entities that have become silent: their last points are not before from.
func (l *Ledger) absences(from, offset int64) error {
	horizon := l.horizon(l.rules.AbsenceAfter)
	if l.rules.AbsenceAfter == 0 || horizon <= from {
		return nil
	}
	silent, err := l.owner.Silent(from, horizon)
	if err != nil {
		return err
	}
	ordinal := 0
	for _, s := range silent {
		if known := l.entities[s.Key]; known != nil && known.absence.ID != "" || !named(s.Key) {
			continue
		}
		p, err := l.owner.Presence(s.Key, l.whole.now-l.rules.History.Milliseconds())
		if err != nil {
			return err
		}
		bins := l.binOf(p.Last) - l.binOf(p.First) + 1
		if !p.Enough || float64(p.Points) < l.rules.AbsencePresence*float64(bins) {
			continue
		}
		e := l.keep(s.Key)
		e.lastSeen = s.LastSeen
		e.absence = Episode{
			ID: l.owner.ID(Absence, offset, ordinal), Open: true, OpenedAt: l.start(l.binOf(s.LastSeen) + 1), LastAt: s.LastSeen,
			Usual: p.Usual, Low: math.NaN(), High: math.NaN(),
			Peak: Anomaly{Value: math.NaN(), Deviation: math.NaN()},
		}
		ordinal++
		l.countBins(&e.absence)
		l.say(Absence, s.Key, Opened, e.absence, math.NaN(), math.NaN())
	}
	return nil
}

// forget drops what is over: absent entities whose window is gone, and closed deviations that cannot be reopened.
func (l *Ledger) forget() {
	now := l.whole.now
	patience := (l.rules.History + forgetAfter).Milliseconds()
	gone := func(e *entry) bool { return e.absence.ID != "" && now > e.lastSeen+patience }
	over := func(e *entry) bool {
		d := &e.deviation
		return d.Episode.Points > 0 && !d.Episode.Open && now > d.Episode.LastAt+l.rules.ReopenWithin.Milliseconds()
	}
	for _, key := range l.keys(func(e *entry) bool { return gone(e) || over(e) }) {
		e := l.keep(key)
		if gone(e) {
			l.endAbsence(key, e, e.lastSeen+patience, Forgotten)
		}
		if over(e) {
			e.deviation = State{}
		}
		l.tidy(key, e)
	}
}

// restart ends all open episodes with an unknown outcome, and begins with an empty ledger, if BeginAnew asked for it.
func (l *Ledger) restart() {
	if !l.whole.anew {
		return
	}
	l.change()
	now := l.now()
	if gap := l.whole.gap; gap.Open {
		l.end(&gap, now, Unknown)
		l.say(Gap, "", Resolved, gap, gap.Peak.Value, math.NaN())
	}
	keys := l.keys(func(*entry) bool { return true })
	for _, key := range keys {
		if e := l.keep(key); e.deviation.Episode.Open {
			l.fold(key, e, func(steps []Step) (State, []Step) { return e.deviation.end(now, Unknown, steps) })
		}
	}
	for _, key := range keys {
		e := l.keep(key)
		if e.absence.ID != "" {
			l.endAbsence(key, e, now, Unknown)
		}
		e.deviation = State{}
		l.tidy(key, e)
	}
	l.whole = whole{}
}

// keys are the keys of the entities with such an entry, in order.
func (l *Ledger) keys(such func(*entry) bool) (keys []string) {
	for key, e := range l.entities {
		if such(e) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
