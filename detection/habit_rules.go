package detection

import "math"

// The constants of the method: see docs/detection.md for what they were chosen by.
const (
	day      = 24 * 60 * 60 * 1000 // milliseconds, as all of these
	halfHour = 30 * 60 * 1000
	pause    = 6 * 60 * 60 * 1000 // a longer one ends the run of residuals that the mean is of

	habitFactor    = 1.65 // how much farther than on a usual day is an anomaly, at the usual threshold
	habitThreshold = 5    // the usual one
	habitMean      = 24   // residuals of a mean
	habitFew       = HabitFewest
)

// HabitFewest is how many points a window must have for a residual, at least.
const HabitFewest = 12

// HabitMinRatio is the usual history_min_ratio of the method. Package configs, which imports nothing, has it too.
const HabitMinRatio = 0.2

// HabitRules are Settings turned into the limits of the method habit. They are immutable and may be shared.
type HabitRules struct {
	window Rules   // says how many points of the history are enough
	level  Rules   // the same, of a window that is as long as the level
	span   int64   // how long a point counts for the level, in milliseconds: a day, or the history if that is shorter
	step   int64   // between two points, in milliseconds
	kept   int64   // an older point is needed only to be counted, in milliseconds
	count  int     // so many points are kept, however old they are
	full   int     // points that are kept of a stream without gaps, about
	factor float64 // the band reaches this many times as far as a usual day
	floor  float64 // and at least as far as this
}

// NewHabitRules computes the limits. They do not depend on dev_metric.
func NewHabitRules(s Settings) HabitRules {
	r := HabitRules{window: NewRules(s)}
	r.span = min(day, int64(r.window.age))
	s.HistoryHours = min(s.HistoryHours, 24)
	r.level = NewRules(s)
	r.step = int64(s.GranularityMinutes * 60_000)
	r.kept = int64(math.Ceil(r.window.age)) - r.span
	r.count = max(r.window.Needed(), habitFew)
	r.full = max(int(min(float64(max(r.span, r.kept))/60_000/s.GranularityMinutes, 1<<20))+1, min(r.count, 1<<20))
	r.factor = habitFactor * float64(s.Threshold/habitThreshold)
	r.floor = float64(s.Threshold*1.4826) * s.MinDeviation
	return r
}

// Window are the rules that say how long points stay and how many are enough.
func (r *HabitRules) Window() *Rules { return &r.window }

// Level are the rules of a window that is as long as the level.
func (r *HabitRules) Level() *Rules { return &r.level }

// Needed is how many points a window must have to be scored.
func (r *HabitRules) Needed() int { return r.count }

// Shares says whether the same state serves both rules: they keep the same points.
func (r *HabitRules) Shares(other *HabitRules) bool {
	return r.window.age == other.window.age && r.window.minimum == other.window.minimum
}

// Evidence is what the state says of a point. It does not depend on the threshold and on min_dev.
type Evidence struct {
	scored    bool
	expected  float64
	residual  float64 // how far the value is from it
	mean      float64 // of the last residuals, once they were summed
	mostMean  float64 // how far from 0 the mean may be
	one, many float64 // how far a residual and a mean get on a usual day
	summed    bool
}

// withinBands tells whether a point is no anomaly, whatever its mean is. If it is not sure of that, the mean is needed.
func (r *HabitRules) withinBands(e *Evidence) bool {
	band, slow := r.limits(e)
	return math.Abs(e.residual) <= band && e.mostMean <= slow
}

// limits are how far a residual and a mean may be from 0.
func (r *HabitRules) limits(e *Evidence) (band, slow float64) {
	return max(float64(r.factor*e.one), r.floor), max(float64(r.factor*e.many), r.floor/2)
}

// decide decides about a point, and says by which test. Unlike a Judgement, its results fit into registers.
func (r *HabitRules) decide(e *Evidence) (v Verdict, test Test) {
	if !e.scored {
		return Verdict{Reason: TooFewPoints}, 0
	}
	band, slow := r.limits(e)
	// The processor could not guess which test has the larger ratio, so there is no branch.
	tests := [...]float64{ValueTest: e.residual, MeanTest: e.mean}
	ratios := [...]float64{ValueTest: beyond(e.residual, band), MeanTest: beyond(e.mean, slow)}
	test = Test(number(ratios[MeanTest] > ratios[ValueTest]))
	ratio := ratios[test]
	reason := Normal
	if ratio > 1 {
		reason = Anomalous
	}
	return Verdict{reason, math.Copysign(r.window.threshold*ratio, tests[test]), e.expected, band / r.window.threshold}, test
}

// Judge makes the judgement of the point that the evidence is of, unless that has no mean: see Habit.Decide.
func (r *HabitRules) Judge(e *Evidence) (j Judgement) {
	if j.Verdict, j.Test = r.decide(e); !e.scored {
		return j
	}
	band, slow := r.limits(e)
	j.Low, j.High = e.expected-band, e.expected+band
	j.Mean, j.Usual = e.mean, slow
	return j
}

// beyond is how many times as far as a limit something is. No distance is 0 times any limit, even 0; any other is infinitely
// many times a limit of 0.
func beyond(x, limit float64) float64 {
	if x == 0 {
		return 0
	}
	return math.Abs(x) / limit
}
