package sample

import (
	"sync"
	"time"

	"anomalydetector/web/answers"
)

// Scenario is what the made-up process goes through.
type Scenario string

// The scenarios, one for each state that the page has.
const (
	Busy      Scenario = "busy"      // three detectors; the second replays its history
	Calm      Scenario = "calm"      // nothing is wrong
	Replaying Scenario = "replaying" // the first detector replays its history
	Partial   Scenario = "partial"   // one node of three does not answer
	Old       Scenario = "old"       // a replay of data of four years ago
	Demo      Scenario = "demo"      // a synthetic stream
	NotBegun  Scenario = "notbegun"  // the detectors have not begun
	Waiting   Scenario = "waiting"   // no point has come yet
	Down      Scenario = "down"      // the source refuses
	Away      Scenario = "away"      // no broker answers
	Killed    Scenario = "killed"    // a node was killed; no node has one of its partitions yet
	Published Scenario = "published" // the detectors publish their episodes, also absences and gaps
	Habit     Scenario = "habit"     // the method is habit
)

// Scenarios are all scenarios.
var Scenarios = []Scenario{Busy, Calm, Replaying, Partial, Old, Demo, NotBegun, Waiting, Down, Away, Killed, Published, Habit}

// Clock is the time of all samples.
var Clock = time.Date(2026, 11, 24, 21, 34, 10, 0, time.UTC)

// Source is a made-up answers.Source.
type Source struct {
	scenario  Scenario
	until     time.Time // stream time
	detectors []answers.Detector
	worlds    map[string]*world

	mu    sync.Mutex
	added int           // anomalies that came while the page is open
	news  chan struct{} // closed when another one comes
}

var _ answers.Source = (*Source)(nil)

// New makes a source.
func New(scenario Scenario) *Source {
	s := &Source{scenario: scenario, until: Clock.Truncate(15 * time.Minute), worlds: map[string]*world{}, news: make(chan struct{})}
	if scenario == Old {
		s.until = time.Date(2022, 3, 14, 9, 15, 0, 0, time.UTC)
	}
	hegemony := []answers.KeyField{{Name: "scope", ASN: true}, {Name: "asn", ASN: true}}
	delay := []answers.KeyField{{Name: "startpoint"}, {Name: "endpoint"}}
	s.detectors = []answers.Detector{
		s.detector("hegemony", "ihr_hegemony", "hege", hegemony, 15*time.Minute, 412_806),
		s.detector("hegemony v6", "ihr_hegemony_v6", "hege", hegemony, 15*time.Minute, 98_114),
		s.detector("atlas delay", "ihr_raclette_diffrtt", "median", delay, 30*time.Minute, 61_230),
	}
	if scenario == Habit {
		s.detectors = s.detectors[:1]
		byHabit(&s.detectors[0])
	}
	for i := range s.detectors {
		d := &s.detectors[i]
		s.worlds[d.Name] = newWorld(*d, scenario == Calm || scenario == Waiting || scenario == Away || scenario == Replaying && i == 0, scenario == Published)
	}
	s.alter()
	for _, d := range s.detectors {
		s.worlds[d.Name].d = d
	}
	return s
}

func (s *Source) detector(name, topic, value string, keys []answers.KeyField, bin time.Duration, entities int) answers.Detector {
	until, from := s.until, s.until.Add(-80*time.Hour)
	p50 := 0.042
	full := int(72 * time.Hour / bin)
	minDev := 0.01
	if value == "median" {
		minDev = 1
	}
	return answers.Detector{Name: name, Topic: topic, OutputTopic: topic + "_anomalies", ConsumerGroup: topic + "_detection",
		ValueField: value, KeyFields: keys, Threshold: 5, DevMetric: "median", MinDev: minDev, HistoryHours: 72, BinSeconds: bin.Seconds(),
		PointsNeeded: full*6/10 + 1, PointsFull: full, State: "live", Partitions: answers.Partitions{All: 10, Ready: 10, Standby: 10},
		DataUntil: &until, Entities: entities, DetectionP50: &p50,
		Tail: answers.Tail{From: &from, Anomalies: 1840, Caught: true}}
}

// alter makes the detectors' states those of the scenario.
func (s *Source) alter() {
	replay := func(d *answers.Detector, remaining int64, rate float64) {
		ready := Clock.Add(time.Duration(float64(remaining) / rate * float64(time.Second))).Truncate(time.Second)
		d.State, d.Partitions.Ready, d.Partitions.Replaying = "replaying", 4, 6
		d.Replay, d.LagRecords = &answers.Replay{Remaining: remaining, PerSecond: rate, Ready: &ready}, remaining
	}
	d := &s.detectors[0]
	switch s.scenario {
	case Published:
		for i := range s.detectors {
			s.detectors[i].EpisodesTopic = s.detectors[i].Topic + "_episodes"
		}
	case Busy, Partial:
		replay(&s.detectors[1], 18_204_113, 214_000)
	case Calm:
		d.Entities = 4000
		from := Clock.Truncate(24 * time.Hour).Add(10 * time.Hour)
		last := Clock.Add(-2 * time.Minute).Truncate(time.Minute)
		d.Tail.From, d.DataUntil = &from, &last
	case Replaying:
		replay(d, 31_904_552, 198_000)
	case Demo:
		s.detectors = s.detectors[:1]
		s.detectors[0].Synthetic, s.detectors[0].Name = true, "hegemony"
	case Away:
		*d = answers.Detector{Name: d.Name, Topic: d.Topic, OutputTopic: d.OutputTopic, ConsumerGroup: d.ConsumerGroup, KeyFields: d.KeyFields, Threshold: 5, HistoryHours: 72, BinSeconds: 900,
			State: "opening", Tail: answers.Tail{Problem: "ask for the id of topic ihr_hegemony_anomalies: unable to dial: connection refused"}}
		s.detectors = s.detectors[:1]
	case Killed:
		d.State, d.Partitions.Ready, d.Partitions.Replaying, d.Partitions.Unowned = "opening", 8, 1, 1
		s.detectors = s.detectors[:1]
	case Waiting:
		d.DataUntil, d.Entities, d.DetectionP50 = nil, 0, nil
	}
}
