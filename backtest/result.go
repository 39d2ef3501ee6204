package backtest

import (
	"time"

	"anomalydetector/backtest/labels"
	"anomalydetector/detection"
	"anomalydetector/episode"
)

// Result is what a backtest found.
type Result struct {
	Detector  string // the configuration's name
	Inputs    []string
	ValueName string   // the value field
	KeyFields []string // the key fields
	Bin       time.Duration
	From      int64 // time of the earliest datapoint, Unix milliseconds
	Until     int64 // of the latest one
	Rows      int64 // datapoints and faults
	Points    int64 // datapoints
	Late      int64 // datapoints out of order: older than the newest one of their entity
	LateFirst []Place
	Faults    []FaultCount
	Broken    []string // inputs that could not be read to their end, and why
	Unknown   []string // entities that were named, and are not in the input
	Entities  int
	Partial   bool          // it was ended before the end of its inputs
	CutTraces bool          // it was ended before the end of the second pass: only Traces are not whole
	Took      time.Duration // wall clock
	Settings  []Outcome     // one for each setting, in their order
	Labels    []labels.Label
	Traces    []Trace // the named and the loudest entities, if they were asked for
}

// Place is a row of an input.
type Place struct {
	Input string
	Line  int
}

// FaultCount is how many rows are bad for one reason, and where the first few of them are.
type FaultCount struct {
	Reason   string // one word, as in logs and metrics
	Explains string // one sentence
	Count    int64
	First    []Place
}

// Setting is one combination of settings.
type Setting struct {
	Name     string            // such as "threshold=3 dev_metric=median"; "as configured" if there is only one
	Values   map[string]string // of what was set, by section.key
	Rules    detection.Settings
	Episodes episode.Rules
}

// Outcome is what one setting found.
type Outcome struct {
	Setting
	Scored      int64
	Anomalies   int64
	Episodes    int64 // opened
	Reopened    int64
	Entities    int     // with an anomaly
	PerDay      float64 // messages a day of stream time: an episode is one message when it opens
	Loudest     []Loud  // the entities with the most anomalies
	Adds, Loses Overlap // beside the first setting
	Score       *labels.Score
	Hours       []Hour // those with anomalies, in order; at most 2,000, else the spans are longer
}

// Hour counts anomalies of a span of time: of an hour, or as many times longer as keeps the spans few.
type Hour struct {
	From      int64 // Unix milliseconds
	Anomalies int64
	Episodes  int64
}

// Loud is an entity with anomalies.
type Loud struct {
	Entity    string
	Fields    []string // the values of the key fields
	Anomalies int64
	Episodes  int64
	Worst     Anomaly
}

// Overlap is what a setting reports beside the first one, or what it does not.
type Overlap struct {
	Anomalies int64
	Entities  int64 // with an anomaly that only one of the two reports
	Examples  []Anomaly
}

// Anomaly is an anomaly at one setting.
type Anomaly struct {
	Entity                         string
	Fields                         []string
	At                             int64 // Unix milliseconds
	Value, Usual, Scale, Deviation float64
	Place                          Place
	Method                         detection.Method
	// Of the method habit: which test the deviation is of, the band of usual values, and how far the last values lie from expectation on
	// average, and may.
	Test            detection.Test
	Low, High       float64
	Mean, MeanLimit float64
}

// Sentence says why the method habit reports the anomaly; number writes a number. It is empty for the original.
func (a *Anomaly) Sentence(number func(float64) string) string {
	if a.Method != detection.HabitMethod {
		return ""
	}
	j := detection.Judgement{Verdict: detection.Verdict{Reason: detection.Anomalous, Deviation: a.Deviation, Median: a.Usual, Scale: a.Scale},
		Low: a.Low, High: a.High, Test: a.Test, Mean: a.Mean, Usual: a.MeanLimit}
	return j.Sentence(a.Value, number)
}

// OfMean tells whether the deviation is of the mean of the last values, not of the value.
func (a *Anomaly) OfMean() bool {
	return a.Method == detection.HabitMethod && a.Test == detection.MeanTest
}

// MostTraced is how many settings a Trace has at most: the first ones. More cannot be told apart in a picture, and each takes
// memory for each point.
const MostTraced = 12

// Trace is the points of one entity, with what settings said of them.
type Trace struct {
	Entity string
	Fields []string
	Named  bool         // it was asked for by name; false: it is loud
	Points []TracePoint // in the order of the input
}

// TracePoint is a point of a trace.
type TracePoint struct {
	At    int64
	Value float64
	// Settings has the verdicts of the first settings, at most MostTraced. Usual and Scale are NaN if the point was not scored.
	Settings []TraceVerdict
}

// TraceVerdict is what one setting said of a point.
type TraceVerdict struct {
	Usual, Scale float64 // the band is Usual ± threshold * Scale
	Anomalous    bool
	Deviation    float64 // if it is anomalous
	// Mean is how far the last values lie from expectation on average, and MeanLimit how far they may, if the deviation is of the mean;
	// else both are 0.
	Mean, MeanLimit float64
}
