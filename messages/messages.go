// Package messages is what the actors say to each other. A message is a noun
// or an event in the past tense and carries all that its receiver needs.
// Unless its comment says otherwise it is immutable once it is sent.
//
// It imports nothing of ours but detection's value types.
package messages

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/detection"
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

// Observed is an entity's answer to an Observation. Its partition lends it the place to write it to, for the same reason
// that it reuses the Observation.
type Observed struct {
	Verdict detection.Verdict
	// Incomplete tells that the window lacks points which an uninterrupted run might have, because the datapoint is older
	// than the replayed history. The window has not changed, and nothing was decided.
	Incomplete bool
	// Refused is why the output topic does not take the anomaly; empty: it was sent to the producer, or there is none.
	Refused string
}

// EntityRollBack undoes what an entity observed in an epoch.
type EntityRollBack struct{ Epoch uint64 }

// WindowQuery asks an entity for the last points of its window, at most Count. The entity answers with a WindowTail.
type WindowQuery struct{ Count int }

// WindowTail is an entity's answer to a WindowQuery. It is reused by the partition, like Observed.
type WindowTail struct {
	Points []WindowPoint // in the order of arrival
	Live   int           // points in the whole window
}

// To a partition, from the detector.

// Assignment says which partition this process owns, or follows, and where it goes
// on.
type Assignment struct {
	Partition         int32
	Topic             Identity // which topic the offset is of
	Offset            int64    // the group's committed offset; the next record to score
	NoCommittedOffset bool     // no offset was committed: the partition starts without history
	Standby           bool     // another process owns it: the group's offset goes on meanwhile
	Generation        uint64
}

// Slice is a partition's share of one polled batch, in offset order, with the
// markers that end the transactions of whoever writes the topic: the offset that is
// committed lies behind them, as nothing is left to read there. The receiver owns
// the records, and recycles them.
type Slice struct {
	Partition int32
	Records   []*kgo.Record
	End       int64 // the partition's high watermark when it was fetched
}

// Committed says that everything up to now was committed. It is answered with
// Checkpointed.
type Committed struct{}

// RolledBack says that everything since the last commit was aborted.
type RolledBack struct{}

// Refusals says what topics refuse of a partition's records, besides what was said
// before.
type Refusals struct{ Refused []Refusal }

// Refusal says that a topic refuses for good what an input record became.
type Refusal struct {
	Partition  int32
	Offset     int64  // of the input record
	At         int64  // its timestamp, Unix milliseconds
	DeadLetter bool   // it was the dead letter, not the anomaly
	Reason     string // Kafka's name for it, such as MESSAGE_TOO_LARGE
}

// To a detector, from whoever knows the group.

// Standbys says which partitions of others this process keeps warm, and up to
// which offset. Partitions that are not named are not followed any more.
type Standbys struct{ Partitions []Assignment }

// To a partition, from the goroutine that reads its history.

// HistoryRead is a run of replayed records. Next is sent to once, when they are
// in the windows; it never blocks.
type HistoryRead struct {
	Reading      uint64 // which of the partition's readings it is of
	Records      []*kgo.Record
	Done         int64 // offsets read so far
	Pending      int64 // offsets still to read
	CompleteFrom int64 // points at or after this time need nothing from before, Unix milliseconds
	Next         chan<- struct{}
}

// HistoryEnded says that the history was read to its end, or why not.
type HistoryEnded struct {
	Reading      uint64 // which of the partition's readings it is of
	CompleteFrom int64  // points at or after this time meet complete history, Unix milliseconds
	Err          error
}

// To the detector, from its partitions.

// Tally counts what one slice held.
type Tally struct {
	Records     int // points and bad records
	Points      int
	Unscored    int // points whose window had too few
	Anomalies   int
	Above       int // of the anomalies, those with a deviation above 0
	Bad         []Bad
	Early       int // timestamps more than a day ahead of the clock
	Refused     int // anomalies and dead letters that their topic does not take
	DeadLetters int // records copied to the dead-letter topic
	Entities    int // entities the partition knows now
	Cached      int // of these, how many are in memory
}

// Bad counts the bad records of one reason.
type Bad struct {
	Reason string
	Count  int
}

// SliceDone says that a slice has been scored and its anomalies were handed to
// the producer.
type SliceDone struct {
	Partition int32
	Next      int64 // the offset after its last record
	End       int64 // the partition's high watermark
	Tally     Tally
	// StreamTime is the partition's, Unix milliseconds; 0: not known yet.
	StreamTime int64
}

// SliceFailed says that a slice could not be scored to its end. The round must
// be aborted.
type SliceFailed struct {
	Partition int32
	Offset    int64 // of the record at fault
	Err       error
	// Reload tells that the record needs more history than was loaded; the
	// partition loads it when it is assigned anew. It is not the record's fault.
	Reload bool
}

// ReplayProgressed says how far a partition's history is.
type ReplayProgressed struct {
	Partition  int32
	Generation uint64
	Done       int64 // offsets read so far
	Pending    int64 // offsets still to read
}

// PhaseEntered says that a partition has entered a phase, and how far it is then.
type PhaseEntered struct {
	Partition  int32
	Generation uint64 // of the assignment that it is about
	Phase      Phase
	Err        error // why it is broken; nil otherwise
	Unstored   bool  // Err is that its windows could not be stored, or the stored ones not opened
	Next       int64 // the offset that its windows reach up to
	Records    int64 // replayed since the assignment
	Entities   int
	Cached     int // entities in memory
	// StreamTime is the partition's, Unix milliseconds; 0: not known yet.
	StreamTime int64
}

// Checkpointed says that a partition has stored all that was committed, or why
// not: then the next Committed makes it try again.
type Checkpointed struct {
	Partition int32
	Cached    int  // entities in memory
	Stored    bool // the windows are stored; false without an error: the partition is not ready, so there is nothing to store
	Err       error
}

// To the producer.

// Anomaly is a record for the output topic, from an entity.
type Anomaly struct {
	Record  *kgo.Record
	Finding Finding
}

// Finding is what an anomaly says, for a person.
type Finding struct {
	Entity    string
	At        time.Time
	Value     float64
	Usual     float64 // the median of the entity's history
	Scale     float64 // what the deviation is counted in, in units of the value
	Deviation float64
}

// DeadLetter is a record for the dead-letter topic, from a partition.
type DeadLetter struct{ Record *kgo.Record }

// Flush asks for a Flushed when all that was sent before it has been written.
type Flush struct{}

// Discard asks for a Discarded when all that was sent before it has been handed to
// the transaction, which is to be aborted: what came later would be in the next.
type Discard struct{}

// Discarded answers Discard.
type Discarded struct{}

// Flushed answers Flush. Findings are those of the anomalies written since the
// last one. With Err, the round must be aborted; if topics refuse some records
// for good, Refused are these.
type Flushed struct {
	Findings []Finding
	Refused  []Refusal
	Err      error
}

// To the detector, from outside.

// Stop asks for the end of the round, a commit, and the end.
type Stop struct {
	Reason string
	AtOnce bool // without waiting for other nodes
}
