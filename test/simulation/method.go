package simulation

import (
	"math/rand/v2"
	"slices"

	"anomalydetector/detection"
	"anomalydetector/test/naive"
)

// Rules are the settings that decide.
type Rules struct {
	naive.Rules
	Habit bool // the method is habit
}

// methodName is the method in a .conf file.
func (r Rules) methodName() string {
	if r.Habit {
		return "habit"
	}
	return "original"
}

// forced is a method that all scenarios have; empty: the seed draws it.
var forced string

// farthest is how late a record may be with the method habit, and how far it may be ahead of all before it unless all were silent, in
// milliseconds. Beyond five days a state may decide otherwise than the reference, and so otherwise after a replay than before (docs/adr/0042).
const farthest = 4 * 24 * 4 * quarter

// drawMethod lets the method be habit in a quarter of the scenarios. The memory of a state is of weeks, so these have two to six hours between
// two points of an entity, and a daily course. If settings change, they may change to the method original.
func (s *Scenario) drawMethod(d dice) {
	habit := d.one(4)
	if forced != "" {
		habit = forced == "habit"
	}
	if !habit {
		return
	}
	stretch := []int64{8, 16, 24}[d.IntN(3)]
	hours := func(points float64) float64 { return points * float64(stretch) / 4 }
	s.Rules.Habit = true
	s.Disk.Period = []int{1, 5, 20, 60}[d.IntN(4)]
	s.Rules.GranularityMinutes *= float64(stretch)
	s.Rules.HistoryHours = hours(float64(14 + d.IntN(16)))
	s.Rules.MinDeviation = 0.01
	newest, cut := int64(begin), int64(0) // cut: how much was taken out of silences
	for i := range s.Records {
		r := &s.Records[i]
		if r.otherAge() {
			continue
		}
		at := begin + (r.At-begin)*stretch - cut
		cut += max(0, at-newest-farthest)
		r.At = max(min(at, newest+farthest), newest-farthest)
		newest = max(newest, r.At)
		if r.Bad == "" {
			r.Value += 0.1 * float64(r.At/quarter%(24*4)) / (24 * 4)
			r.Payload = point(r.Key, r.Value)
		}
	}
	s.drawSilences(dice{rand.New(rand.NewPCG(s.Seed, 0x51e))})
	for i := range s.Faults {
		f := &s.Faults[i]
		if f.Kind != settingsChanged {
			continue
		}
		f.Habit, f.Hours = true, hours(12+3*f.Hours)
		switch d.IntN(3) {
		case 0:
			f.Habit, f.Hours = false, s.Rules.HistoryHours
		case 1:
			f.Threshold, f.Hours = 5, s.Rules.HistoryHours
		}
	}
	if d.one(2) && slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.Kind == settingsChanged && !f.Habit }) {
		s.Rules.Habit = false // from the original to habit
		for i := range s.Faults {
			if f := &s.Faults[i]; f.Kind == settingsChanged {
				f.Habit = true
			}
		}
	}
}

// drawSilences lets nobody publish anything for weeks, at most twice. Afterwards no record is of the time before. The silences are of whole
// days, so values keep their daily course. There are none if a record is years ahead, and none before a record of 1970: after a silence the first half
// hours are far ahead, too. Then more than seven may be far ahead, or time goes back after more than seven.
func (s *Scenario) drawSilences(d dice) {
	const oneDay = 24 * 4 * quarter
	if slices.ContainsFunc(s.Records, func(r Record) bool { return r.Odd && r.At > begin }) {
		return
	}
	for range d.IntN(3) {
		first, long := d.IntN(len(s.Records)), (farthest/oneDay+d.Int64N(45))*oneDay
		after := s.Records[first:]
		if slices.ContainsFunc(after, func(r Record) bool { return r.otherAge() && r.Bad == "" }) {
			continue
		}
		for i := range after {
			if r := &after[i]; !r.otherAge() {
				r.At += long
			}
		}
	}
}

// otherAge: the record's timestamp has nothing to do with those of the others.
func (r *Record) otherAge() bool {
	return r.Odd || r.At < begin-100*24*4*quarter || r.Bad == "negative_timestamp"
}

// changed are the rules after the fault settingsChanged.
func (s *Scenario) changed(f Fault) Rules {
	rules := s.Rules
	rules.HistoryHours, rules.Habit = f.Hours, f.Habit
	if f.Threshold > 0 {
		rules.Threshold = f.Threshold
	}
	return rules
}

// oracle decides on all points of the input in order. Its windows are those that say whether an entity is there.
type oracle interface {
	Judge(key string, at int64, value float64) naive.Verdict
	windows() *naive.Detector
}

func newOracle(rules Rules) oracle {
	if !rules.Habit {
		return originalOracle{naive.New(rules.Rules)}
	}
	level := rules.Rules
	level.HistoryHours = min(level.HistoryHours, 24)
	return &habitOracle{
		rules: detection.NewHabitRules(detection.Settings{
			Method: detection.HabitMethod, GranularityMinutes: rules.GranularityMinutes, HistoryHours: rules.HistoryHours, MinRatio: rules.MinRatio,
			Threshold: rules.Threshold, MinDeviation: rules.MinDeviation,
		}),
		states: make(map[string]*detection.Habit), level: naive.New(level),
	}
}

type originalOracle struct{ *naive.Detector }

func (o originalOracle) windows() *naive.Detector { return o.Detector }

// habitOracle has one state for each entity, which takes all points in order and is never stored. What a state decides is compared with the reference
// in package detection.
type habitOracle struct {
	rules  detection.HabitRules
	states map[string]*detection.Habit
	level  *naive.Detector // the points of the last day
}

func (o *habitOracle) windows() *naive.Detector { return o.level }

func (o *habitOracle) Judge(key string, at int64, value float64) naive.Verdict {
	o.level.Add(key, at, value)
	if o.states[key] == nil {
		o.states[key] = new(detection.Habit)
	}
	j := o.states[key].Add(&o.rules, 1, at, value)
	return naive.Verdict{Scored: j.Reason != detection.TooFewPoints, Anomalous: j.Reason == detection.Anomalous, Usual: j.Median, Scale: j.Scale, Deviation: j.Deviation}
}
