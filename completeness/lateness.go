package completeness

// lateness is how long an entity may have been away before it comes back, as the stream has shown it. A sweep
// remembers entities for twice as long.
//
// What is usual counts at once, and is bounded. A record that is later than the bound and needed older history
// counts only if a second one comes within two spans of the bound, and only as long as such records go on.
type lateness struct {
	usual int64       // at most the bound; stored
	rare  [2]extremes // of the span that is running, and of the one before
	since int64       // stream time at which the first of rare began
}

// extremes are the two greatest of some numbers.
type extremes struct{ first, second int64 }

func (e *extremes) add(x int64) {
	switch {
	case x > e.first:
		e.first, e.second = x, e.first
	case x > e.second:
		e.second = x
	}
}

// note learns how late a record was, and whether it needed older history.
func (l *lateness) note(late, bound int64, needed bool) {
	switch {
	case late <= 0:
	case late <= bound:
		l.usual = max(l.usual, late)
	case needed:
		l.rare[0].add(late)
	}
}

// at is the lateness to reckon with at a stream time.
func (l *lateness) at(now, bound int64) int64 {
	if now < l.since {
		l.since = now
	}
	if now-l.since > bound {
		l.rare[0], l.rare[1], l.since = extremes{}, l.rare[0], now
	}
	both := l.rare[0]
	both.add(l.rare[1].first)
	both.add(l.rare[1].second)
	return max(l.usual, both.second)
}

// restore begins with what was stored, by a version that had no bound perhaps.
func (l *lateness) restore(usual, bound int64) {
	l.usual = min(max(l.usual, usual), bound)
}
