package actors

import (
	"errors"
	"maps"
	"time"

	"anomalydetector/datapoint"
	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/persistence"
	"anomalydetector/round"
)

// Report is how a detector is at an instant. The detector publishes a new one each second and after each transaction,
// so that a reader neither sends it a message nor makes it wait. A report is immutable.
type Report struct {
	At         time.Time
	Status     messages.DetectorStatus
	Partitions []PartitionReport // in the order of Status.Partitions
	Joined     bool              // the group counts the detector among its members, and has told what is assigned to it
	Ended      bool              // the detector reads nothing any more, and never will again
	Paused     Pause             // why intake is stopped; empty: it goes on
	Committed  time.Time         // when records were committed, the last time; zero: never
	Totals     Totals
}

// PartitionReport is what a report says of a partition besides its status.
type PartitionReport struct {
	Partition  int32
	Cached     int   // entities in memory
	StreamTime int64 // Unix milliseconds; 0: not known yet
}

// Pause is why a detector's intake is stopped, in the one word that metrics and health share.
type Pause string

const (
	NoSpace    Pause = "no_space"    // the disk has less free space than it must have
	StoreFails Pause = "store_fails" // the state cannot be written for another reason
)

// Pauses are all there are.
func Pauses() []Pause { return []Pause{NoSpace, StoreFails} }

func pauseOf(problem error) Pause {
	switch {
	case problem == nil:
		return ""
	case errors.Is(problem, persistence.ErrNoSpace):
		return NoSpace
	}
	return StoreFails
}

// Totals are what a detector has committed since the process began. They only grow.
type Totals struct {
	Records     int64 // points and bad records
	Points      int64
	Unscored    int64 // points whose window had too few
	Above       int64 // anomalies with a deviation above 0
	Below       int64
	Early       int64 // timestamps more than a day ahead of the clock
	Refused     int64 // anomalies and dead letters that their topic does not take
	DeadLetters int64
	Bad         map[string]int64 // bad records by reason
	Commits     int64            // transactions with records
	Aborts      int64
}

func (t *Totals) add(m messages.Tally) {
	t.Records += int64(m.Records)
	t.Points += int64(m.Points)
	t.Unscored += int64(m.Unscored)
	t.Above += int64(m.Above)
	t.Below += int64(m.Anomalies - m.Above)
	t.Early += int64(m.Early)
	t.Refused += int64(m.Refused)
	t.DeadLetters += int64(m.DeadLetters)
	for _, bad := range m.Bad {
		if t.Bad == nil {
			t.Bad = make(map[string]int64)
		}
		t.Bad[bad.Reason] += int64(bad.Count)
	}
}

// copied returns a copy that shares nothing with the original.
func (t *Totals) copied() Totals {
	all := *t
	all.Bad = maps.Clone(t.Bad)
	return all
}

// Report is the latest of the detector; nil before the first.
func (c *Config) Report() *Report { return c.latest.Load() }

// publish makes a report of how things are.
func (d *Detector) publish() {
	now := &Report{
		At: d.config.Now(), Status: d.status().status, Ended: d.round.Step() == round.Over, Paused: pauseOf(d.round.Stall()),
		Joined:    d.session != nil && d.joined && (d.config.Observer == nil || !d.config.Observer.Out()),
		Committed: d.round.Committed(), Totals: d.totals.copied(),
	}
	for _, status := range now.Status.Partitions {
		partition := d.partitions[status.Partition]
		now.Partitions = append(now.Partitions, PartitionReport{
			Partition: status.Partition, Cached: partition.census.cached, StreamTime: partition.census.streamTime,
		})
	}
	d.config.Hub.reported(d.config.Name, d.config.latest.Swap(now), now)
}

// Measure is told how long things took: once for each transaction, checkpoint and handoff. The detector and its
// partitions call it from their goroutines. It must not block.
type Measure interface {
	// Transaction: from when its records were asked to be written until it had ended.
	Transaction(took time.Duration)
	// Detection: from when its first records were polled until it was committed.
	Detection(took time.Duration)
	Checkpoint(took time.Duration, stored bool)
	Handoff(took time.Duration, taken bool)
}

// unmeasured is the Measure of a configuration without one.
type unmeasured struct{}

func (unmeasured) Transaction(time.Duration)      {}
func (unmeasured) Detection(time.Duration)        {}
func (unmeasured) Checkpoint(time.Duration, bool) {}
func (unmeasured) Handoff(time.Duration, bool)    {}

func (c *Config) measure() Measure {
	if c.Measure == nil {
		return unmeasured{}
	}
	return c.Measure
}

// TooFewPoints is the reason, in one word, why points are not scored.
var TooFewPoints = detection.TooFewPoints.String()

// BadReasons are all reasons that Totals.Bad may have.
func BadReasons() (all []string) {
	for _, reason := range datapoint.Reasons() {
		all = append(all, reason.String())
	}
	return append(all, anomalyTooLarge, anomalyRefused)
}
