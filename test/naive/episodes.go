package naive

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"slices"

	"anomalydetector/episode"
)

// EpisodeRules are the settings of [episodes] that decide.
type EpisodeRules struct {
	OpenAfter, ClearAfter, AbsenceAfter int
	ReopenWithin                        int64 // milliseconds
	MinPresence, GapBelow               float64
}

// Episodes reads a partition from its first record on, and tells what the topic of episodes must hold.
type Episodes struct {
	Rules        Rules
	EpisodeRules EpisodeRules
	Windows      *Detector
	// Judge takes the next point of an entity into Windows, and decides on it.
	Judge func(key string, at int64, value float64) Verdict
	// ID is the id of an anomaly (kind is empty), or of the n-th episode of a kind that a record opens, from 0 on.
	ID func(offset int64, kind string, n int) string

	anew       bool
	clock      clock
	first, bin int64     // numbers of bins: the first one since stream time is known or has moved back, and the current one
	present    int       // entities in the current bin
	counts     []float64 // of entities in the bins that ended, within the history
	whole      []int64   // the beginnings of the whole bins that ended
	gap        *life     // nil: none is open
	absences   map[string]*life
	deviations map[string]*life
	at         int64 // of events
	events     []episode.Record
}

// ID is the id of the anomaly of a record (kind is empty), or of the n-th episode of a kind that it opens, as the detector
// publishes it.
func ID(topic, topicID, group string, partition int32, offset int64, kind string, n int) string {
	text := fmt.Sprintf("%s\x00%d\x00%d\x00%s\x00%s", topic, partition, offset, group, topicID)
	if kind != "" {
		text += fmt.Sprintf("\x00%s\x00%d", kind, n)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:32]
}

// life is an episode from its first record on.
type life struct {
	episode.Record
	began, open bool    // an episode that has not begun is a row of anomalies
	seen        int64   // the newest time of a point
	latest      int64   // the newest time of an anomaly
	normal      int     // points in a row that are no anomalies
	told        float64 // the |deviation| of the peak in the last event
}

// Begin says that the state begins anew with the next record.
func (e *Episodes) Begin() { e.anew = true }

// begin ends the episodes that are open, and forgets all.
func (e *Episodes) begin() {
	if e.gap != nil {
		e.resolve(e.gap, "unknown", e.at)
	}
	for _, lives := range []map[string]*life{e.deviations, e.absences} {
		for _, key := range slices.Sorted(maps.Keys(lives)) {
			if l := lives[key]; l.open {
				e.countBins(l)
				e.resolve(l, "unknown", e.at)
			}
		}
	}
	e.clock, e.present, e.counts, e.whole, e.gap = clock{}, 0, nil, nil, nil
	e.absences, e.deviations, e.anew = make(map[string]*life), make(map[string]*life), false
}

// Take reads the next record.
func (e *Episodes) Take(offset int64, key string, at int64, value float64) []episode.Record {
	e.events, e.at = nil, cmp.Or(e.clock.now, at)
	if e.anew {
		e.begin()
	}
	known := e.present
	if len(e.counts) > 0 {
		known = int(e.counts[len(e.counts)-1])
	}
	before := e.clock.now
	e.clock.look(at, key, known)
	now := e.clock.now
	e.at = cmp.Or(now, at)
	switch {
	case now == 0:
	case before == 0 || now < before:
		e.bin, e.present, e.counts, e.whole = now/e.length(), 0, nil, nil
		e.first = e.bin
	case now/e.length() > e.bin:
		e.endBins(offset, now)
	}
	if now != 0 && at/e.length() == e.bin && e.newest(key)/e.length() != e.bin {
		e.present++
	}
	e.take(e.Judge(key, at, value), offset, key, at, value)
	return e.events
}

func (e *Episodes) length() int64  { return int64(e.Rules.GranularityMinutes * 60 * 1000) }
func (e *Episodes) history() int64 { return int64(e.Rules.HistoryHours * 60 * 60 * 1000) }

// newest is the newest time of a point of an entity; math.MinInt64 if there is none.
func (e *Episodes) newest(key string) (at int64) {
	at = math.MinInt64
	for _, p := range e.Windows.windows[key] {
		at = max(at, p.at)
	}
	return at
}

// lately is the beginning of the n-th latest whole bin.
func (e *Episodes) lately(n int) int64 {
	if n > len(e.whole) {
		return math.MinInt64
	}
	return e.whole[len(e.whole)-n]
}

// endBins ends the bins before stream time.
func (e *Episodes) endBins(offset, now int64) {
	until, most, wholes := now/e.length(), max(1, e.history()/e.length()), len(e.whole)
	for first := e.bin; e.bin < until; e.bin++ {
		if e.bin > first+most { // all bins that are known are empty, and so are those to come
			if e.gap != nil {
				e.gap.Points += int(until - e.bin)
			}
			e.bin = until
			break
		}
		count := float64(e.present)
		e.present = 0
		e.endBin(offset, count)
		e.counts = append(e.counts, count)
		e.counts = e.counts[max(0, len(e.counts)-int(most)):]
	}
	if len(e.whole) > wholes {
		e.findSilent(offset, now)
	}
	for _, key := range slices.Sorted(maps.Keys(e.absences)) {
		if l := e.absences[key]; now-l.seen > e.history()+day {
			e.endAbsence(key, "forgotten", l.seen+e.history()+day)
		}
	}
	maps.DeleteFunc(e.deviations, func(_ string, l *life) bool { return !l.open && now > l.latest+e.EpisodeRules.ReopenWithin })
}

// endBin decides whether a bin with this many entities is a gap.
func (e *Episodes) endBin(offset int64, count float64) {
	begin, usual := e.bin*e.length(), math.NaN()
	if e.Rules.enough(len(e.counts)) {
		usual = median(e.counts)
	}
	least := e.EpisodeRules.GapBelow * usual
	if e.bin == e.first || count > 0 && !(count < least) {
		e.whole = append(e.whole, begin)
		if e.gap != nil {
			e.resolve(e.gap, "filled", begin)
			e.gap = nil
		}
		return
	}
	if e.EpisodeRules.GapBelow == 0 {
		return
	}
	opens := e.gap == nil
	if opens {
		e.gap = &life{open: true, Record: episode.Record{ID: e.ID(offset, "gap", 0), Kind: "gap", OpenedAt: begin, Usual: episode.NumberOf(usual)}}
		if !math.IsNaN(usual) {
			e.gap.Low = episode.NumberOf(max(1, math.Ceil(least)))
		}
	}
	e.gap.Points++
	e.gap.Value = episode.NumberOf(count)
	if opens {
		e.tell(e.gap, "opened")
	}
}

// findSilent ends deviations and opens absences of entities without a point in the latest whole bins.
func (e *Episodes) findSilent(offset, now int64) {
	r := e.EpisodeRules
	for _, key := range slices.Sorted(maps.Keys(e.deviations)) {
		if l := e.deviations[key]; l.open && l.seen < e.lately(r.ClearAfter) {
			e.resolve(l, "silent", l.seen+int64(r.ClearAfter)*e.length())
		}
	}
	from, opened := max(e.lately(r.AbsenceAfter+1), e.first*e.length()), 0
	for _, key := range slices.Sorted(maps.Keys(e.Windows.windows)) {
		if r.AbsenceAfter == 0 || e.absences[key] != nil {
			continue
		}
		newest, oldest := e.newest(key), int64(math.MaxInt64)
		var values []float64 // not older than the history
		for _, p := range e.Windows.windows[key] {
			if p.at >= now-e.history() {
				oldest, values = min(oldest, p.at), append(values, p.value)
			}
		}
		if newest < from || newest >= e.lately(r.AbsenceAfter) || !e.Windows.rules.enough(len(values)) ||
			float64(len(values)) < r.MinPresence*float64(newest/e.length()-oldest/e.length()+1) {
			continue
		}
		l := &life{open: true, seen: newest, Record: episode.Record{
			ID: e.ID(offset, "absence", opened), Kind: "absence", Entity: key, OpenedAt: (newest/e.length() + 1) * e.length(),
			Usual: episode.NumberOf(median(values)),
		}}
		opened++
		e.absences[key] = l
		e.countBins(l)
		e.tell(l, "opened")
	}
}

// take tells the episodes of an entity of its next point.
func (e *Episodes) take(v Verdict, offset int64, key string, at int64, value float64) {
	r := e.EpisodeRules
	if l := e.absences[key]; l != nil {
		if l.seen = max(l.seen, at); at >= e.lately(r.AbsenceAfter) {
			e.endAbsence(key, "returned", at)
		}
	}
	l := e.deviations[key]
	if l != nil {
		l.seen = max(l.seen, at)
	}
	switch {
	case v.Anomalous:
		e.anomaly(l, v, e.ID(offset, "", 0), key, at, value)
	case v.Scored && l != nil && !l.began:
		delete(e.deviations, key)
	case v.Scored && l != nil && l.open:
		if l.normal++; l.normal < r.ClearAfter {
			return
		}
		outcome := "absorbed"
		if l.Low.Value <= value && value <= l.High.Value {
			outcome = "recovered"
		}
		e.resolve(l, outcome, l.seen)
	}
}

func (e *Episodes) anomaly(l *life, v Verdict, id, key string, at int64, value float64) {
	if l == nil || !l.open && at > l.latest+e.EpisodeRules.ReopenWithin {
		reach := float64(e.Rules.Threshold * v.Scale)
		l = &life{seen: at, latest: at, Record: episode.Record{
			ID: id, Kind: "deviation", Entity: key, OpenedAt: at,
			Usual: episode.NumberOf(v.Usual), Low: episode.NumberOf(v.Usual - reach), High: episode.NumberOf(v.Usual + reach),
		}}
		e.deviations[key] = l
	}
	l.Points++
	l.latest, l.normal = max(l.latest, at), 0
	l.Value, l.Deviation = episode.NumberOf(value), episode.NumberOf(v.Deviation)
	size := math.Abs(v.Deviation)
	if l.Peak == nil || size > math.Abs(l.Peak.Deviation.Value) {
		l.Peak, l.Direction = &episode.Peak{ID: id, At: at, Value: l.Value, Deviation: l.Deviation}, "above"
		if v.Deviation < 0 {
			l.Direction = "below"
		}
	}
	switch {
	case l.open && size > l.told && size >= 1.5*l.told:
		e.tell(l, "updated")
	case l.open || l.Points < e.EpisodeRules.OpenAfter:
		return
	case l.began:
		l.open, l.Resolved, l.Outcome = true, 0, ""
		l.Reopened++
		e.tell(l, "reopened")
	default:
		l.open, l.began = true, true
		e.tell(l, "opened")
	}
	l.told = math.Abs(l.Peak.Deviation.Value)
}

func (e *Episodes) endAbsence(key, outcome string, at int64) {
	e.countBins(e.absences[key])
	e.resolve(e.absences[key], outcome, at)
	delete(e.absences, key)
}

// countBins counts the bins of an absence.
func (e *Episodes) countBins(l *life) {
	if l.Kind == "absence" {
		l.Points = int(max(0, e.clock.now/e.length()-l.OpenedAt/e.length()))
	}
}

func (e *Episodes) resolve(l *life, outcome string, at int64) {
	l.open, l.normal, l.Outcome, l.Resolved = false, 0, outcome, max(l.OpenedAt, min(at, e.at))
	e.tell(l, "resolved")
}

func (e *Episodes) tell(l *life, event string) {
	l.Event, l.At = event, e.at
	e.events = append(e.events, l.Record)
}
