package actors

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"anomalydetector/detection"
	"anomalydetector/episode"
	"anomalydetector/limiter"
	"anomalydetector/messages"
	"anomalydetector/persistence"
	"anomalydetector/round"
	"anomalydetector/stream"
)

// Config describes one detector: what it reads, by which rules it scores, and what it needs of other packages. All
// actors of the detector share it. They change only its counts and the latest report. It has many fields because it is
// the only thing that the actors share; smaller parts would have to be passed along at each spawn.
type Config struct {
	Name string // names the detector in logs, metrics and the store
	Log  *slog.Logger
	Now  func() time.Time // for logs, metrics and the pace; no verdict depends on it

	InputTopic, OutputTopic, Group string
	DeadLetterTopic                string // empty: bad records are only logged and counted
	EpisodesTopic                  string // empty: episodes are not published; else Store is there
	Episodes                       episode.LedgerRules

	ValueField string   // the field of a datapoint that is scored
	KeyFields  []string // the fields that name its entity
	Rules      detection.Rules
	Habit      *detection.HabitRules // the rules of the method habit; nil: the method is original
	// History is how long before a point those are that its verdict depends on: with the method original, the length of a window, and with
	// habit, the memory of a state.
	History time.Duration

	// CommitInterval is how long a transaction stays open while records come.
	CommitInterval time.Duration
	// WriteWithin is how long it should take at most to write the anomalies of a transaction. Transactions become smaller
	// if it takes longer. It must be well below the transaction timeout.
	WriteWithin time.Duration
	// Batch is how many records a round takes at most.
	Batch int
	// Largest returns the largest size of a record that a topic takes, in bytes of key, value and headers; nil: the size
	// that any broker takes by default.
	Largest func(topic string) int
	// Explain adds the key "explain" to the payload of anomalies.
	Explain bool
	// FailFast ends the detector at the first failed session, instead of opening another one.
	FailFast bool
	// Stay keeps the membership in the group after a clean stop, for a restart within the session timeout.
	Stay bool
	// StopWithin is how long a stop may take, after the wait for successors; 0: for ever.
	StopWithin time.Duration
	// Backoff is the pause after the first failed session or write. It grows with each failure in a row.
	Backoff time.Duration

	// Open joins the group. It tries again until the context ends, unless the failure is final.
	Open   func(context.Context) (Session, error)
	Reader HistoryReader
	// Store keeps the windows; nil: each start replays them from the topic.
	Store *persistence.Store
	// Postpone is how long a partition may owe a checkpoint while the detector is behind the stream; 0: it postpones none.
	Postpone time.Duration
	// Peers are the other nodes; nil: windows come from the topic alone. A partition asks them for windows instead of
	// replaying at least HandoffFrom records.
	Peers       Peers
	HandoffFrom int64
	// Observer knows the errors of the Kafka clients; nil: the log tells of a standstill without its cause.
	Observer Observer
	// Limiter limits how many partitions decode and score at the same time, in all detectors of the process; nil: any
	// number. More partitions than processors do no more work, and make questions wait.
	Limiter *limiter.Limiter
	// MaxCached is about how many entities a partition keeps in memory; 0: all. The others are read from the store when a
	// point of theirs comes.
	MaxCached atomic.Int64 // the limit may change at any time

	// Searched says that people may search for entities, so that partitions prepare for it.
	Searched bool

	Counts Counts
	latest atomic.Pointer[Report]
	// Hub tells watchers what committed transactions found, and when the state changes; nil: there are no watchers.
	Hub *Hub
	// Measure is told how long things took; nil: nothing is measured.
	Measure Measure
	// poison is for tests: it is called with each message that an actor takes, and may panic; nil: none.
	poison func(actor string, message any)

	// OnProgress and OnEnd are called on the detector's goroutine, and must not block.

	// OnProgress is called with the progress of a replay, and each second.
	OnProgress func(Progress)
	// OnEnd is called once, when the detector has ended; with nil after a clean stop.
	OnEnd func(error)
}

// DefaultBatch is the default of Config.Batch. A round of that many records takes well below a second, and costs little
// a record.
const DefaultBatch = round.DefaultBatch

// Peers are the other nodes of the group.
type Peers interface {
	// Fetch copies a partition's windows from another node into the store, unless the check refuses them.
	// They are not used before they are adopted.
	Fetch(ctx context.Context, wanted Wanted, check persistence.Check) (*persistence.Import, error)
	// AwaitCommitted waits a moment for the group to commit a partition up to an offset. It returns an error if the
	// group does not.
	AwaitCommitted(ctx context.Context, partition int32, offset int64) error
	// Drain returns when the successors have the windows of this node's partitions, when they will not get them, or when
	// it takes too long.
	Drain(ctx context.Context)
}

// Wanted describes the windows that a partition asks for. They must end at an offset from Least to Most.
type Wanted struct {
	Partition   int32
	Least, Most int64
}

// Offsets describes the wanted offsets, for people.
func (w Wanted) Offsets() string {
	if w.Most == math.MaxInt64 {
		return fmt.Sprintf("%d or more", w.Least)
	}
	return fmt.Sprintf("%d to %d", w.Least, w.Most)
}

// Session is a membership in a consumer group with a transaction that is always open. stream.Session says what each
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

// Progress is how far the assigned partitions are, in sum.
type Progress struct {
	Done, Pending int64 // offsets that replays have read, and have still to read
	Replaying     int   // partitions that are not ready
	Entities      int
	Lag           int64 // offsets still to read, without those that an open transaction holds back
	Records       int64 // committed since the process began
}

// names returns the topics and the group for texts about standstills.
func (c *Config) names() stream.Names {
	return stream.Names{Group: c.Group, Input: c.InputTopic, Output: c.OutputTopic, DeadLetter: c.DeadLetterTopic, Episodes: c.EpisodesTopic}
}
