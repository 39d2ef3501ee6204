package actors

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"anomalydetector/detection"
	"anomalydetector/limiter"
	"anomalydetector/messages"
	"anomalydetector/persistence"
	"anomalydetector/round"
	"anomalydetector/stream"
)

// Config is one detector: what it watches, by which rules, and how it reaches the world. Its actors share it, and
// write nothing of it but its counts and the latest report. It is long because it is all that the outside has to set
// and the only thing that the actors share: a smaller part for each would be passed along at each spawn.
type Config struct {
	Name string // in logs
	Log  *slog.Logger
	Now  func() time.Time // for logs and the pace only: nothing that decides asks the clock

	InputTopic, OutputTopic, DeadLetterTopic, Group string

	ValueField string
	KeyFields  []string
	Rules      detection.Rules
	History    time.Duration // the length of a window

	// CommitInterval is how long a transaction stays open while records come.
	CommitInterval time.Duration
	// WriteWithin is how long the anomalies of a transaction should take to be
	// written: well below its timeout.
	WriteWithin time.Duration
	// Batch is how many records a round takes at most.
	Batch int
	// Largest tells how many bytes of key, value and headers a record of a topic that
	// is written to may have; nil: what any broker takes by default.
	Largest func(topic string) int
	// Explain adds the key "explain" to the payload of anomalies.
	Explain bool
	// FailFast ends the detector at the first failure that waiting may cure.
	FailFast bool
	// Stay keeps the partitions after a clean stop, for a restart within the
	// session timeout.
	Stay bool
	// StopWithin is how long the detector's own stop may take; 0: for ever. The wait for its successors before it
	// has a bound of its own.
	StopWithin time.Duration
	// Backoff is the pause after the first failed session or write. It grows with each failure in a row.
	Backoff time.Duration

	// Open joins the group. It keeps trying until the context ends, unless the
	// failure is final.
	Open   func(context.Context) (Session, error)
	Reader HistoryReader
	// Store keeps the windows; nil: they come from the topic at each start.
	Store *persistence.Store
	// Peers are the other nodes; nil: windows come from the topic alone. They are asked for windows if at least
	// HandoffFrom records would have to be replayed otherwise.
	Peers       Peers
	HandoffFrom int64
	// Observer is asked what the Kafka clients meet; nil: nobody knows.
	Observer Observer
	// Limiter bounds how many partitions decode and score at the same time, of all detectors
	// of the process: more than there are processors get no more done, and keep whoever asks a
	// question waiting. nil: any number.
	Limiter *limiter.Limiter
	// MaxCached is how many entities a partition keeps in memory, about; the
	// others are loaded when a point of theirs comes. 0: all.
	MaxCached int

	// Searched: people may search for entities, so partitions get ready for it.
	Searched bool

	Counts Counts
	latest atomic.Pointer[Report]
	// Hub is told what committed transactions found, and how the state changes; nil: there are no watchers.
	Hub *Hub
	// Measure is told how long things took; nil: nothing is measured.
	Measure Measure
	// poison is for tests: it is called with each message that an actor takes, and may panic. nil: there is none.
	poison func(actor string, message any)

	// The following are called on the detector's goroutine and must not block.

	// OnProgress is told how far the replay is while it goes on, and each second how far the detector is.
	OnProgress func(Progress)
	// OnEnd is told when the detector has ended, with nil after a clean stop.
	OnEnd func(error)
}

// DefaultBatch keeps a round well below a second, and its cost a record low.
const DefaultBatch = round.DefaultBatch

// Peers are the other nodes of the group.
type Peers interface {
	// Fetch copies a partition's windows from one of them into the store, as of an
	// offset from least to most, if accept does not refuse them by their head.
	// They count once they are adopted.
	Fetch(ctx context.Context, wanted Wanted, accept func(persistence.Snapshot) error) (*persistence.Import, error)
	// AwaitCommitted returns when the group has committed a partition up to an
	// offset, or an error if that is not so within a moment.
	AwaitCommitted(ctx context.Context, partition int32, offset int64) error
	// Drain returns when the successors have the windows of this node's partitions, or will not have them, or if
	// it takes too long.
	Drain(ctx context.Context)
}

// Wanted are the windows of a partition as of an offset from Least to Most.
type Wanted struct {
	Partition   int32
	Least, Most int64
}

// Offsets are the wanted ones, for people.
func (w Wanted) Offsets() string {
	if w.Most == math.MaxInt64 {
		return fmt.Sprintf("%d or more", w.Least)
	}
	return fmt.Sprintf("%d to %d", w.Least, w.Most)
}

// Session is the membership in a consumer group, with a transaction that is always open. package stream says what each
// method does.
type Session interface {
	Publisher
	Poll(ctx context.Context, limit int) ([]messages.Slice, error)
	End(ctx context.Context, commit bool) (committed bool, err error)
	Assignments() (list []messages.Assignment, joined bool)
	Changed() bool
	Resume(partition int32, generation uint64)
	Pause(partition int32)
	Close(leave bool)
}

// Progress is how far the assigned partitions are.
type Progress struct {
	Done, Pending int64 // offsets of the replay
	Loading       int   // partitions that are not ready
	Entities      int
	Lag           int64 // records to read, but for those behind an open transaction
	Records       int64 // committed since the process began
}

// names are the topics and the group that an advice speaks of.
func (c *Config) names() stream.Names {
	return stream.Names{Group: c.Group, Input: c.InputTopic, Output: c.OutputTopic, DeadLetter: c.DeadLetterTopic}
}
