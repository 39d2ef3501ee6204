package labels

import "math"

// The two ways in which reports are counted.
const (
	eachAnomaly = iota // each anomaly is a report
	eachEpisode        // only the anomaly that opens an episode is one
	ways
)

// EntityJudge judges the datapoints of one entity at all settings. It serves one goroutine at a time, and shares
// nothing that changes with others. What settings have in common is there once.
type EntityJudge struct {
	judge       *Judge
	line        *timeline
	first, last int64 // the earliest and the latest time, Unix milliseconds
	nab         nab
	firstScored []int64    // by setting, the earliest time of a scored datapoint; nil before the first datapoint
	allScored   int64      // the latest of these: from it on, no datapoint changes them
	reports     []*reports // by setting; nil until the first one, as most entities have none
}

// Said is what a setting says of a datapoint: whether the window was long enough to score it, and whether it is an
// anomaly and one that opens an episode. An anomaly that reopens an episode opens none. Only a scored datapoint is an anomaly.
type Said struct{ Scored, Anomalous, Opened bool }

// reports is what is known of the reports on an entity at a setting.
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

// Take judges the next datapoint of the entity, given its time in Unix milliseconds and what each setting says.
// Each datapoint must be given, scored or not, in the order of arrival: NAB's score counts rows.
//
// A datapoint may be older than one before it. A late report is judged by its own time. For NAB's score, which knows
// only rows, it belongs to the window that is open when it arrives.
func (e *EntityJudge) Take(at int64, settings []Said) {
	e.reach(at)
	if at < e.allScored {
		e.scored(at, settings)
	}
	for setting, said := range settings {
		if said.Anomalous || said.Opened {
			e.report(at, setting, len(settings), [ways]bool{said.Anomalous, said.Opened})
		}
	}
	e.nab.rows++
}

// TakeNormal takes a datapoint that is an anomaly at no setting. It returns false, and has done nothing, if it is of use to know
// whether the settings scored it: then Take must have it.
func (e *EntityJudge) TakeNormal(at int64) bool {
	if at < e.allScored {
		return false
	}
	e.reach(at)
	e.nab.rows++
	return true
}

func (e *EntityJudge) reach(at int64) {
	e.first, e.last = min(e.first, at), max(e.last, at)
	if at >= e.nab.edge {
		e.nab.cross(at, e.line.windows, e.reports)
	}
}

func (e *EntityJudge) scored(at int64, settings []Said) {
	if e.firstScored == nil {
		e.firstScored = never(len(settings))
	}
	e.allScored = math.MinInt64
	for setting, said := range settings {
		if said.Scored {
			e.firstScored[setting] = min(e.firstScored[setting], at)
		}
		e.allScored = max(e.allScored, e.firstScored[setting])
	}
}

// of is what is known of the reports at a setting; nil if there are none.
func (e *EntityJudge) of(setting int) *reports {
	if e.reports == nil {
		return nil
	}
	return e.reports[setting]
}

// report judges a report at one of some settings.
func (e *EntityJudge) report(at int64, setting, settings int, counts [ways]bool) {
	if e.reports == nil {
		e.reports = make([]*reports, settings)
	}
	r := e.reports[setting]
	if r == nil {
		r = &reports{}
		for way := range r.nab {
			r.nab[way].inBeginnings = make([]int64, len(e.nab.begins))
		}
		e.reports[setting] = r
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
			e.nab.report(&r.nab[way])
			r.count[way][where]++
		}
	}
	for i := last; i >= 0 && e.line.reach[i] >= at; i-- {
		if e.line.spans[i].until >= at {
			r.hit(e.line.spans[i].label, at, counts)
		}
	}
}

// hit remembers the earliest report inside of a label.
func (r *reports) hit(label int, at int64, counts [ways]bool) {
	// The latest labels are last, and reports mostly come in the order of time.
	hits := r.hits
	place := len(hits) - 1
	for place >= 0 && hits[place].label != label {
		place--
	}
	if place < 0 {
		place = len(hits)
		hits = append(hits, hit{label, [ways]int64{math.MaxInt64, math.MaxInt64}})
		r.hits = hits
	}
	for way, does := range counts {
		if does {
			hits[place].at[way] = min(hits[place].at[way], at)
		}
	}
}
