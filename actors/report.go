package actors

import (
	"errors"
	"maps"
	"time"

	"anomalydetector/datapoint"
	"anomalydetector/detection"
	"anomalydetector/episode"
	"anomalydetector/messages"
	"anomalydetector/persistence"
	"anomalydetector/round"
)

// Report is the state of a detector at an instant. The detector publishes a new report each second and after each
// transaction. So a reader need not send it a message, and does not make it wait. A report is immutable.
type Report struct {
	At         time.Time
	Status     messages.DetectorStatus
	Partitions []PartitionReport // in the order of Status.Partitions
	Joined     bool              // the detector is a member of the group, and the group has assigned partitions to it, or none
	Ended      bool              // the detector has ended for good
	Paused     Pause             // why intake is stopped; empty: it goes on
	Committed  time.Time         // when records were committed the last time; zero: never
	Totals     Totals
	Publishes  bool // episodes are published
}

// PartitionReport is what a report says about a partition besides its status.
type PartitionReport struct {
	Partition  int32
	Cached     int   // entities in memory
	StreamTime int64 // Unix milliseconds; 0: not known yet
	// Open is how many of its episodes are open, also by what is not committed yet.
	Open [episode.Kinds]int
}

// Pause is why a detector's intake is stopped. Metrics and health checks print this word.
type Pause string

const (
	NoSpace    Pause = "no_space"    // the disk has less free space than the configured floor
	StoreFails Pause = "store_fails" // checkpoints fail for another reason
)

// Pauses returns all reasons for which intake stops.
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

// Totals count what a detector has committed since the process began. They only grow.
type Totals struct {
	Records     int64            // points and bad records
	Points      int64            // datapoints that were added to windows
	Unscored    int64            // points that were not scored, because their window had too few points
	Above       int64            // anomalies with a deviation above 0
	Below       int64            // anomalies with a deviation below 0
	Early       int64            // points with a timestamp more than a day ahead of the clock
	Refused     int64            // anomalies and dead letters that their topic refused for good
	DeadLetters int64            // records copied to the dead-letter topic
	Bad         map[string]int64 // bad records by reason; see BadReasons
	Commits     int64            // committed transactions that had records
	Aborts      int64            // aborted transactions that had records
	Episodes    messages.EpisodeEvents
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
	t.Episodes.Add(m.Episodes)
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

// Report returns the latest report of the detector; nil before the first. Any goroutine may call it.
func (c *Config) Report() *Report { return c.latest.Load() }

// publish makes a report of the present state.
func (d *Detector) publish() {
	now := &Report{
		At: d.config.Now(), Status: d.status().status, Ended: d.round.Step() == round.Over, Paused: pauseOf(d.round.Stall()),
		Joined:    d.session != nil && d.joined && (d.config.Observer == nil || !d.config.Observer.Out()),
		Committed: d.round.Committed(), Totals: d.totals.copied(), Publishes: d.config.EpisodesTopic != "",
	}
	for _, status := range now.Status.Partitions {
		partition := d.partitions[status.Partition]
		now.Partitions = append(now.Partitions, PartitionReport{
			Partition: status.Partition, Cached: partition.census.cached, StreamTime: partition.census.streamTime, Open: partition.census.open,
		})
	}
	d.config.Hub.reported(d.config.Name, d.config.latest.Swap(now), now)
}

// Measure is told how long things took. The detector and its partitions call its methods on their goroutines, so they
// must not block.
type Measure interface {
	// Transaction is called once a transaction with the time from the flush of its anomalies to its end.
	Transaction(took time.Duration)
	// Detection is called once a commit with the time from the poll of its first records to its end.
	Detection(took time.Duration)
	// Checkpoint is called once a checkpoint with the time of its write, and whether it succeeded.
	Checkpoint(took time.Duration, stored bool)
	// Postponed is called for each commit whose checkpoint a partition postpones.
	Postponed()
	// Handoff is called once an import with the time of its fetch, and whether the windows are used.
	Handoff(took time.Duration, taken bool)
}

// unmeasured is the Measure of a configuration that has none.
type unmeasured struct{}

func (unmeasured) Transaction(time.Duration)      {}
func (unmeasured) Detection(time.Duration)        {}
func (unmeasured) Checkpoint(time.Duration, bool) {}
func (unmeasured) Postponed()                     {}
func (unmeasured) Handoff(time.Duration, bool)    {}

func (c *Config) measure() Measure {
	if c.Measure == nil {
		return unmeasured{}
	}
	return c.Measure
}

// TooFewPoints is the word for why a point is not scored.
var TooFewPoints = detection.TooFewPoints.String()

// BadReasons returns all keys that Totals.Bad may have.
func BadReasons() (all []string) {
	for _, reason := range datapoint.Reasons() {
		all = append(all, reason.String())
	}
	return append(all, anomalyTooLarge, anomalyRefused)
}
