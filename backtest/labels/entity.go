package labels

import "math"

// The two ways in which reports are counted.
const (
	eachAnomaly = iota // each anomaly is a report
	eachEpisode        // only the anomaly that opens an episode is one
	ways
)

// EntityJudge judges the datapoints of one entity at one setting. It serves one goroutine at a time, and shares
// nothing that changes with others.
type EntityJudge struct {
	judge       *Judge
	line        *timeline
	first, last int64 // the earliest and the latest time, Unix milliseconds
	firstScored int64 // the earliest time of a scored datapoint
	nab         nab
	reports     *reports // nil until the first one, as most entities have none
}

// reports is what is known of the reports on an entity.
type reports struct {
	count [ways][places]int64
	hits  []hit // labels with a report inside
	nab   [ways]nabWay
}

// The places of a report.
const (
	inside    = iota // in a label
	aftermath        // in none, and in the grace after one
	outside
	places
)

// hit is a label and, by way of counting, the earliest report inside of it; math.MaxInt64 if there is none.
type hit struct {
	label int
	at    [ways]int64
}

// Take judges the next datapoint of the entity: its time in Unix milliseconds, whether the window was long enough to
// score it, and whether it is an anomaly and one that opens an episode. An anomaly that reopens an episode opens none.
// Only a scored datapoint is an anomaly.
// Each datapoint must be given, scored or not, in the order of arrival: NAB's score counts rows.
//
// A datapoint may be older than one before it. A late report is judged by its own time. For NAB's score, which knows
// only rows, it belongs to the window that is open when it arrives.
func (e *EntityJudge) Take(at int64, scored, anomalous, opened bool) {
	e.first, e.last = min(e.first, at), max(e.last, at)
	if at >= e.nab.edge {
		e.nab.cross(at, e.line.windows)
	}
	if scored && at < e.firstScored {
		e.firstScored = at
	}
	if anomalous || opened {
		e.report(at, [ways]bool{anomalous, opened})
	}
	e.nab.rows++
}

// report judges a report.
func (e *EntityJudge) report(at int64, counts [ways]bool) {
	if e.reports == nil {
		e.reports = &reports{}
		e.nab.ways = &e.reports.nab
		for way := range e.nab.ways {
			e.nab.ways[way].inBeginnings = make([]int64, len(e.nab.begins))
		}
	}
	where := outside
	last := e.line.begun(at) - 1
	switch {
	case last < 0:
	case e.line.reach[last] >= at:
		where = inside
	case at-e.line.reach[last] <= e.judge.options.Grace.Milliseconds():
		where = aftermath
	}
	for way, does := range counts {
		if does {
			e.nab.report(way)
			e.reports.count[way][where]++
		}
	}
	for i := last; i >= 0 && e.line.reach[i] >= at; i-- {
		if e.line.spans[i].until >= at {
			e.hit(e.line.spans[i].label, at, counts)
		}
	}
}

// hit remembers the earliest report inside of a label.
func (e *EntityJudge) hit(label int, at int64, counts [ways]bool) {
	// The latest labels are last, and reports mostly come in the order of time.
	hits := e.reports.hits
	place := len(hits) - 1
	for place >= 0 && hits[place].label != label {
		place--
	}
	if place < 0 {
		place = len(hits)
		hits = append(hits, hit{label, [ways]int64{math.MaxInt64, math.MaxInt64}})
		e.reports.hits = hits
	}
	for way, does := range counts {
		if does {
			hits[place].at[way] = min(hits[place].at[way], at)
		}
	}
}
