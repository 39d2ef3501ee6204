package episode

import "math"

// State is what the fold knows of one entity between two steps. The zero State is that of an entity without
// any anomaly. Apart from strings it refers to no other memory, so it may be copied.
type State struct {
	Episode Episode // the latest; its Points are 0 if there has been none
	Now     int64   // stream time that this entity has been told of
	heard   int64   // time of its latest point, anomalous or not
	normal  int     // how many scored points in a row are no anomalies
	stepped float64 // |deviation| of the peak in the last step
	waiting bool    // the episode has too few anomalies to open
}

// Resume is the State after an episode that was kept without its State, at a stream time. The episode must
// have been folded from anomalies alone, without EveryPoint.
func Resume(e Episode, now int64) State {
	return State{Episode: e, Now: now, heard: e.LastAt, stepped: math.Abs(e.Peak.Deviation)}
}

// Anomaly takes the entity's next anomaly, in the order of the input. It appends what happened to steps: at
// most the end of the previous episode, and one step more. A late record counts for the current episode, and
// does not set stream time back.
func (r Rules) Anomaly(s State, a Anomaly, steps []Step) (State, []Step) {
	s, steps = r.Advance(s, a.At, steps)
	e := &s.Episode
	event := Updated
	switch {
	case e.Points > 0 && e.Open, s.waiting && a.At-e.LastAt <= r.ReopenWithin.Milliseconds():
	case e.Points > 0 && !s.waiting && a.At-e.LastAt <= r.ReopenWithin.Milliseconds():
		event = Reopened
		e.Open, e.EndedAt, e.Outcome = true, 0, Unknown
		e.Reopened++
	default:
		event = Opened
		*e = Episode{ID: a.ID, OpenedAt: a.At, LastAt: a.At, Usual: a.Usual, Peak: a}
		e.Low, e.High = r.Band(a.Usual, a.Scale)
		s.heard, s.stepped, s.waiting = a.At, 0, true
	}
	e.Points++
	e.LastAt = max(e.LastAt, a.At)
	s.heard, s.normal = max(s.heard, a.At), 0
	size := math.Abs(a.Deviation)
	if size > math.Abs(e.Peak.Deviation) {
		e.Peak = a
	}
	if s.waiting {
		if e.Points < r.OpenAfter {
			return s, steps
		}
		event, e.Open, s.waiting = Opened, true, false
	}
	if event != Updated || size > s.stepped && size >= s.stepped*1.5 {
		s.stepped = math.Abs(e.Peak.Deviation)
		steps = append(steps, Step{event, s.Now, *e})
	}
	return s, steps
}

// Normal takes the entity's next scored point that is no anomaly, in the order of the input. It serves a fold
// with EveryPoint.
func (r Rules) Normal(s State, p Point, steps []Step) (State, []Step) {
	s, steps = r.Advance(s, p.At, steps)
	s.heard = max(s.heard, p.At)
	if s.waiting {
		return State{Now: s.Now}, steps
	}
	if !s.Episode.Open {
		return s, steps
	}
	if s.normal++; s.normal < r.ClearAfter {
		return s, steps
	}
	return s.end(s.heard, outcome(s.Episode, p.Value), steps)
}

// Advance tells the entity of stream time (Unix milliseconds). The episode ends if ClearAfter bins have
// passed since the last anomaly or, with EveryPoint, since the last point.
func (r Rules) Advance(s State, now int64, steps []Step) (State, []Step) {
	s.Now = max(s.Now, now)
	if !s.Episode.Open || r.Bins {
		return s, steps
	}
	since, how := s.Episode.LastAt, Unknown
	if r.EveryPoint {
		since, how = s.heard, Silent
	}
	if s.Now-since <= r.clear() {
		return s, steps
	}
	return s.end(since+r.clear(), how, steps)
}

// Silence tells the entity that it is silent. It serves a fold with Bins.
func (r Rules) Silence(s State, steps []Step) (State, []Step) {
	if !s.Episode.Open {
		return s, steps
	}
	return s.end(s.heard+r.clear(), Silent, steps)
}

// end ends the episode at a time, with an outcome.
func (s State) end(at int64, how Outcome, steps []Step) (State, []Step) {
	s.Episode.Open, s.Episode.EndedAt, s.Episode.Outcome = false, at, how
	s.normal = 0
	return s, append(steps, Step{Resolved, s.Now, s.Episode})
}
