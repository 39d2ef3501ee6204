package messages

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/detection"
	"anomalydetector/episode"
)

// To an entity, from its partition.

// Observation is one datapoint for the entity that receives it. The entity answers with an Observed.
//
// A partition reuses a single Observation for all its entities. That is safe: the partition is the only sender that its
// entities have, and they run on its goroutine (their mailbox delivers at once), so Send returns after the entity is done
// with it.
type Observation struct {
	At     int64       // Unix milliseconds, from Kafka's record timestamp
	Value  float64     // the datapoint's value, finite
	Record *kgo.Record // the record it came in
	Scored bool        // false while history is replayed: the window changes, nothing is decided
	Epoch  uint64      // the number of the running transaction, in this partition
	// CompleteFrom is the completeness watermark: a window that has a point at or after this time, Unix milliseconds, is
	// what an uninterrupted run would have.
	CompleteFrom int64
	// Refused is Kafka's name for why the output topic does not take this point's anomaly, if it is one. It is empty
	// unless an earlier attempt has shown it.
	Refused string
}

// Observed is an entity's answer to an Observation. The partition owns it and reuses it, for the same reason
// that it reuses the Observation.
type Observed struct {
	Verdict detection.Verdict
	// Incomplete tells that the window lacks points which an uninterrupted run might have, because the datapoint is older
	// than the replayed history. The window has not changed, and nothing was decided.
	Incomplete bool
	// Asleep tells that the window rests, and cannot decide without its points. It has not taken the datapoint.
	Asleep bool
	// Refused is why the output topic does not take the anomaly; empty: it was sent to the producer, or there is none.
	Refused string
}

// EntityRollBack undoes what an entity observed in an epoch.
type EntityRollBack struct{ Epoch uint64 }

// WindowQuery asks an entity for the last points of its window, at most Count. The entity answers with a WindowTail.
type WindowQuery struct {
	Count int
	Level bool // with the method habit, only points of the level; with the original, it means nothing
}

// WindowTail is an entity's answer to a WindowQuery. It is reused by the partition, like Observed.
type WindowTail struct {
	Points []WindowPoint // in the order of arrival
	Live   int           // points in the whole window
}

// To a partition, from the detector.

// Assignment tells a partition up to which offset it has to bring its windows.
type Assignment struct {
	Partition         int32
	Topic             Identity // the topic that the offset is of
	Offset            int64    // the group's committed offset: the next record to score
	NoCommittedOffset bool     // the group has none: the partition starts at Offset without history
	Standby           bool     // another process scores the partition, and the group's offset goes on meanwhile
	Generation        uint64   // the number of the assignment; reports about an older one are ignored
}

// Slice is a partition's share of one polled batch, in the order of offsets. It includes the markers at the ends of the
// writers' transactions, so that the committed offset lies after them. The receiver owns the records, and recycles them.
type Slice struct {
	Partition int32
	Records   []*kgo.Record // at least one
	End       int64         // the partition's high watermark at the time of the fetch
	Readable  int64         // the last stable offset then: records before it can be read, those of transactions under way come after it
}

// StateWanted asks a partition to send the producer the state of its episodes, and then StateSaid, because the transaction
// ends.
type StateWanted struct{}

// Committed says that all slices up to now were committed. The partition answers with Checkpointed.
type Committed struct {
	// More says that the detector is behind the stream, so that another commit follows soon. The partition may postpone its
	// checkpoint.
	More bool
}

// RolledBack says that all slices since the last commit were aborted.
type RolledBack struct{}

// Refusals tells a partition which of its records topics refuse. They add to those of earlier messages.
type Refusals struct{ Refused []Refusal }

// Refusal says that a topic refuses for good the anomaly or the dead letter of an input record.
type Refusal struct {
	Partition  int32
	Offset     int64  // of the input record
	At         int64  // its timestamp, Unix milliseconds
	DeadLetter bool   // the dead letter was refused; false: the anomaly
	Reason     string // Kafka's name for the reason, such as MESSAGE_TOO_LARGE
}

// To a detector, from package cluster.

// Standbys lists all partitions for which this process is a standby, each with the offset that the group has committed.
// The process stops being a standby for all others.
type Standbys struct{ Partitions []Assignment }

// To a partition, from the goroutine that reads its history.

// HistoryRead is a run of replayed records.
type HistoryRead struct {
	Reading      uint64          // the number of the replay in its partition
	Records      []*kgo.Record   // at least one, in the order of offsets
	Done         int64           // offsets read so far
	Pending      int64           // offsets still to read
	CompleteFrom int64           // a point at or after this time, Unix milliseconds, needs no older history than is read
	Next         chan<- struct{} // the partition sends once, when the records are in the windows; it has room
}

// HistoryEnded says that a replay has ended.
type HistoryEnded struct {
	Reading      uint64 // the number of the replay in its partition
	CompleteFrom int64  // as in HistoryRead
	Err          error  // nil: the history was read to its end
}

// To the detector, from its partitions.

// Tally counts what one slice held.
type Tally struct {
	Records     int   // points and bad records
	Points      int   // datapoints that were added to windows
	Unscored    int   // points that were not scored, because their window had too few points
	Anomalies   int   // sent to the producer
	Above       int   // of the anomalies, those with a deviation above 0
	Bad         []Bad // bad records by reason
	Early       int   // points with a timestamp more than a day ahead of the clock
	Refused     int   // anomalies and dead letters that their topic refused for good
	DeadLetters int   // records copied to the dead-letter topic
	Entities    int   // of the partition after the slice, cached or stored
	Cached      int   // of the entities, those in memory
	// Episodes counts the events of episodes that were sent to the producer, and Open those that are open after the slice.
	Episodes EpisodeEvents
	Open     [episode.Kinds]int
}

// EpisodeEvents counts events of episodes by kind and event.
type EpisodeEvents [episode.Kinds][episode.Events]int64

// Add adds the counts of others.
func (e *EpisodeEvents) Add(others EpisodeEvents) {
	for kind := range e {
		for event := range e[kind] {
			e[kind][event] += others[kind][event]
		}
	}
}

// Sum is the number of all events.
func (e *EpisodeEvents) Sum() (sum int64) {
	for kind := range e {
		for _, count := range e[kind] {
			sum += count
		}
	}
	return sum
}

// Bad counts the bad records of one reason.
type Bad struct {
	Reason string
	Count  int
}

// SliceDone says that a slice was scored, and its anomalies were sent to the producer.
type SliceDone struct {
	Partition int32
	Next      int64 // the offset after its last record
	End       int64 // as in Slice
	Tally     Tally
	// StreamTime is the partition's stream time, Unix milliseconds; 0: not known yet.
	StreamTime int64
}

// SliceFailed says that a slice could not be scored to its end. The transaction must be aborted.
type SliceFailed struct {
	Partition int32
	Offset    int64 // of the record that could not be scored
	Err       error // why; nil if Reload
	// Reload says that the record is not at fault. The partition needs other windows, and gets them when it is assigned
	// again.
	Reload bool
}

// ReplayProgressed says how far a partition's replay is.
type ReplayProgressed struct {
	Partition  int32
	Generation uint64 // of the assignment
	Done       int64  // offsets read so far
	Pending    int64  // offsets still to read
}

// PhaseEntered says that a partition has entered a phase, and how far it is.
type PhaseEntered struct {
	Partition  int32
	Generation uint64 // of the assignment
	Phase      Phase
	Err        error // why it is broken; nil otherwise
	Unstored   bool  // Err is that its windows could not be stored, or the stored ones not opened
	Next       int64 // the offset that its windows reach up to
	Records    int64 // replayed since the assignment
	Entities   int   // cached or stored
	Cached     int   // of the entities, those in memory
	// StreamTime is the partition's stream time, Unix milliseconds; 0: not known yet.
	StreamTime int64
	Open       [episode.Kinds]int // episodes that are open
}

// Checkpointed answers Committed.
type Checkpointed struct {
	Partition int32
	Cached    int  // entities in memory
	Stored    bool // the windows are stored; false without an error: they are postponed, or the partition is not ready and has none
	Postponed bool // the partition owes a checkpoint, and writes it at a later Committed
	Err       error
}

// To the producer.

// Anomaly is a record for the output topic, from an entity.
type Anomaly struct {
	Record  *kgo.Record
	Finding Finding
}

// Finding is what an anomaly tells a person.
type Finding struct {
	Entity    string    // the key
	At        time.Time // Kafka's record timestamp
	Value     float64
	Usual     float64 // the median of the entity's history
	Scale     float64 // what one of Deviation is, measured like the value
	Deviation float64 // (Value - Usual) / Scale
}

// DeadLetter is a record for the dead-letter topic, from a partition.
type DeadLetter struct{ Record *kgo.Record }

// Episode is a record for the episodes topic, from a partition.
type Episode struct{ Record *kgo.Record }

// Flush asks the producer to answer with Flushed when the broker has acknowledged all records sent before it, and the state
// records of some partitions.
type Flush struct {
	States []int32 // the partitions that have been asked for their state with StateWanted
}

// StateSaid says that a partition has sent all its records of the transaction, with its state of episodes. The producer waits for
// it.
type StateSaid struct {
	Partition int32
	Err       error // the partition is gone: the transaction must be aborted
}

// Discard asks the producer to answer with Discarded when it has taken all records sent before it. The transaction is
// about to be aborted, and a record that came later would be in the next one.
type Discard struct{}

// Discarded answers Discard.
type Discarded struct{}

// Flushed answers Flush.
type Flushed struct {
	Findings []Finding // of the anomalies since the last Flush or Discard
	Refused  []Refusal // records that topics refuse for good, if that is the reason of Err
	Err      error     // not nil: the transaction must be aborted
}

// To the detector, from bootstrap.

// Stop asks the detector to commit, and to end.
type Stop struct {
	Reason string // for the log
	AtOnce bool   // without waiting for the successors on other nodes
}
