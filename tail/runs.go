package tail

import (
	"cmp"
	"math"
	"slices"

	"anomalydetector/episode"
)

// run is an episode without pointers; the rest of it is in its rows.
type run struct {
	first, peak      uint32 // rows
	points, reopened int32
	openedAt, lastAt int64
}

// fold brings the episodes of all touched entities up to date, and forgets entities without a row.
func (t *Tail) fold() {
	for _, id := range t.touched {
		one := &t.entities[id]
		one.dirty = false
		if len(one.rows) == 0 {
			t.forget(id)
			continue
		}
		before := len(one.runs)
		t.foldEntity(one)
		t.bytes += runBytes * int64(len(one.runs)-before)
	}
	t.touched = t.touched[:0]
}

// foldEntity folds an entity's new rows into its episodes. It goes on from the last episode that lies before
// all new rows in the order of the input.
func (t *Tail) foldEntity(one *entity) {
	kept := t.order(one)
	folded := 0
	for n := range one.runs {
		if folded+int(one.runs[n].points) > kept {
			one.runs = one.runs[:n]
			break
		}
		folded += int(one.runs[n].points)
	}
	var state episode.State
	rules := t.config.Rules
	if n := len(one.runs); n > 0 {
		last := t.episode(one.runs[n-1])
		state = episode.Resume(last, last.LastAt)
	}
	var events []episode.Step
	for _, i := range one.rows[folded:] {
		r := t.rows.at(i)
		peak := state.Episode.Peak
		state, events = rules.Anomaly(state, t.anomaly(r), events[:0])
		e := &state.Episode
		if e.Points == 1 {
			one.runs = append(one.runs, run{first: i, peak: i, openedAt: r.at})
		}
		last := &one.runs[len(one.runs)-1]
		if e.Points > 1 && math.Abs(e.Peak.Deviation) > math.Abs(peak.Deviation) {
			last.peak = i
		}
		last.points, last.reopened, last.lastAt = int32(e.Points), int32(e.Reopened), e.LastAt
	}
}

// order puts an entity's rows, of which the fresh ones are at the end, in the order of the input. Within an
// input partition that is the order of offsets. Between partitions, and if the input is not known, it is the
// order of time. order returns how many rows at the beginning have kept their place.
func (t *Tail) order(one *entity) (kept int) {
	compare := func(i, j uint32) int { return compareInput(t.rows.at(i), t.rows.at(j)) }
	kept = len(one.rows) - one.fresh
	fresh := one.rows[kept:]
	one.fresh = 0
	for _, i := range fresh {
		one.multi = one.multi || t.rows.at(i).inputPartition != t.rows.at(one.rows[0]).inputPartition
	}
	slices.SortFunc(fresh, compare)
	if !one.multi {
		if kept > 0 && len(fresh) > 0 && compare(one.rows[kept-1], fresh[0]) > 0 {
			kept, _ = slices.BinarySearchFunc(one.rows[:kept], fresh[0], compare)
			slices.SortFunc(one.rows[kept:], compare)
		}
		return kept
	}
	slices.SortFunc(one.rows, compare)
	// Between partitions each row counts with the latest time up to it in its own partition. So a late record
	// stays behind those that the detector saw before it.
	type timed struct {
		at  int64
		row uint32
	}
	merged := make([]timed, len(one.rows))
	for n, i := range one.rows {
		merged[n] = timed{t.rows.at(i).at, i}
		if n > 0 && t.rows.at(one.rows[n-1]).inputPartition == t.rows.at(i).inputPartition {
			merged[n].at = max(merged[n].at, merged[n-1].at)
		}
	}
	slices.SortStableFunc(merged, func(a, b timed) int { return cmp.Compare(a.at, b.at) })
	for n := range merged {
		one.rows[n] = merged[n].row
	}
	return 0
}

// compareInput orders rows by input partition and offset. Rows whose input is not known are ordered by time
// and output place.
func compareInput(a, b *row) int {
	if c := cmp.Compare(a.inputPartition, b.inputPartition); c != 0 {
		return c
	}
	output := cmp.Or(cmp.Compare(a.outputPartition, b.outputPartition), cmp.Compare(a.outputOffset, b.outputOffset))
	if a.inputPartition < 0 {
		return cmp.Or(cmp.Compare(a.at, b.at), output)
	}
	return cmp.Or(cmp.Compare(a.inputOffset, b.inputOffset), output)
}

// anomaly is a row as the fold takes it, without its ID.
func (t *Tail) anomaly(r *row) episode.Anomaly {
	return episode.Anomaly{At: r.at, Value: r.value, Usual: r.usual, Scale: r.scale, Deviation: r.deviation}
}

// episode is the state of a run after its last anomaly, without IDs.
func (t *Tail) episode(u run) episode.Episode {
	first := t.rows.at(u.first)
	e := episode.Episode{
		OpenedAt: u.openedAt, LastAt: u.lastAt, Open: true, Points: int(u.points), Reopened: int(u.reopened),
		Usual: first.usual, Peak: t.anomaly(t.rows.at(u.peak)),
	}
	e.Low, e.High = t.config.Rules.Band(first.usual, first.scale)
	return e
}

// episodeNow is the state of a run at stream time, with IDs.
func (t *Tail) episodeNow(u run) episode.Episode {
	state := episode.Resume(t.episode(u), u.lastAt)
	state, _ = t.config.Rules.Advance(state, t.now(), nil)
	e := state.Episode
	e.ID, e.Peak.ID = t.rows.at(u.first).idText(), t.rows.at(u.peak).idText()
	return e
}

// open says whether a run is open at stream time.
func (t *Tail) open(u *run) bool {
	return t.now()-u.lastAt <= int64(t.config.Rules.ClearAfter)*t.config.Rules.Bin.Milliseconds()
}
