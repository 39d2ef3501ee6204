package episode

import (
	"math"
	"time"
)

// Outcome is how an episode ended.
type Outcome uint8

const (
	Unknown   Outcome = iota // the episode is open, or the points that followed are not known
	Recovered                // the values are back in the band from before
	Absorbed                 // the window has taken on the new level
	Silent                   // no more points came
	Returned                 // an absent entity has a point again
	Forgotten                // an absent entity has been absent for longer than its window
	Filled                   // a gap is over
)

// String is the outcome's word; empty for Unknown.
func (o Outcome) String() string {
	return [...]string{"", "recovered", "absorbed", "silent", "returned", "forgotten", "filled"}[o]
}

// Rules decide when an episode ends and when it goes on.
type Rules struct {
	Bin          time.Duration // the time granularity of the datapoints
	ClearAfter   int           // how many bins, or scored points in a row, without an anomaly end an episode
	ReopenWithin time.Duration // an anomaly this soon after the last one reopens the episode
	OpenAfter    int           // how many anomalies in a row of scored points open an episode
	Threshold    float64       // the largest |deviation| that is normal
	// EveryPoint says that Normal is called with each scored point that is no anomaly. Then an episode ends
	// as silent if its entity has no point for ClearAfter bins.
	EveryPoint bool
	// Bins says that Silence, and not the time that has passed, ends an episode as silent: the owner counts bins.
	Bins bool
}

// DefaultRules are the rules for datapoints of a time granularity, scored with a threshold.
func DefaultRules(bin time.Duration, threshold float64) Rules {
	return Rules{Bin: bin, OpenAfter: 1, ClearAfter: 4, ReopenWithin: 6 * time.Hour, Threshold: threshold}
}

// clear is the time without an anomaly that ends an episode, in milliseconds.
func (r Rules) clear() int64 { return int64(r.ClearAfter) * r.Bin.Milliseconds() }

// Anomaly is an anomaly of the entity.
type Anomaly struct {
	ID    string
	At    int64 // the time of the datapoint, in Unix milliseconds
	Value float64
	// Usual is the median of the window, and Deviation = (value - Usual) / Scale. Usual and Scale are NaN if
	// they are not known.
	Usual, Scale float64
	Deviation    float64 // may be infinite, is not NaN
}

// Episode is a run of anomalies of one entity.
type Episode struct {
	ID       string // the ID of its first anomaly
	OpenedAt int64  // time of the first anomaly, in Unix milliseconds
	LastAt   int64  // time of the latest anomaly, in Unix milliseconds
	Open     bool
	EndedAt  int64 // while it is not open
	Outcome  Outcome
	Points   int // how many anomalies so far
	Reopened int // how often it was reopened
	// Usual, Low and High are those of the first anomaly: values from Low to High were normal. They are NaN
	// if they are not known.
	Usual, Low, High float64
	Peak             Anomaly // the anomaly with the largest |deviation|; of several the first
}

// Event is what happened to an episode.
type Event uint8

const (
	Opened   Event = iota
	Updated        // the peak has grown by half since the last event
	Resolved       // it has ended
	Reopened       // it is open again
)

// Events is how many events there are.
const Events = 4

// String is the event's word.
func (e Event) String() string {
	return [...]string{"opened", "updated", "resolved", "reopened"}[e]
}

// Step is something that happened to an episode, and the episode after it.
type Step struct {
	Event   Event
	At      int64 // stream time
	Episode Episode
}

// Band is the range in which values are normal. Both ends are NaN if they are not known.
func (r Rules) Band(usual, scale float64) (low, high float64) {
	reach := float64(r.Threshold * scale) // rounded before it is added, as in detection
	return usual - reach, usual + reach
}

// Point is a datapoint of the entity.
type Point struct {
	At    int64
	Value float64
}

// Judge gives the outcome of an episode that has ended, from points of the entity in the order of time. It
// ignores points up to the last anomaly. Of the first ClearAfter points after it the last one decides, so
// later points do not change the outcome.
func (r Rules) Judge(e Episode, points []Point) Outcome {
	if e.Open {
		return Unknown
	}
	followed := 0
	var decides float64
	for _, point := range points {
		if point.At <= e.LastAt {
			continue
		}
		decides = point.Value
		if followed++; followed >= r.ClearAfter {
			break
		}
	}
	if followed == 0 {
		return Silent
	}
	return outcome(e, decides)
}

// outcome is the outcome of an episode that is followed by a value.
func outcome(e Episode, value float64) Outcome {
	switch {
	case math.IsNaN(e.Low) || math.IsNaN(e.High):
		return Unknown
	case e.Low <= value && value <= e.High:
		return Recovered
	}
	return Absorbed
}
