package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"anomalydetector/messages"
)

// ErrFenced is in the error of a session whose place in the group was taken by another process with the same
// node id. Only an operator can resolve that.
var ErrFenced = errors.New("another process runs with this node id")

// Config says where the streams are, who reads them, and how patiently.
type Config struct {
	Brokers []string
	// TLS returns how to speak TLS; it is called for each connection. nil: plain text.
	TLS  func() (*tls.Config, error)
	SASL sasl.Mechanism // nil: none
	// Client are further options of every client, for tests: a dialer that replaces TCP, hooks.
	Client []kgo.Opt
	Log    *slog.Logger
	Now    func() time.Time // nil: time.Now

	InputTopic      string
	OutputTopic     string
	DeadLetterTopic string // empty: none
	EpisodesTopic   string // empty: none
	Group           string

	// Member is the group instance id, and part of the transactional id. A process that starts with the
	// Member of a killed one takes over its partitions and aborts its transaction at once.
	Member string

	// Advertise is where other members can ask this one, as host:port; empty: nowhere. Process tells apart
	// the processes that run under one Member. Both are part of the client id, which the broker tells
	// everyone who asks for the members.
	Advertise, Process string

	// Stored returns the offset up to which windows of a partition of this topic are stored. It is asked if
	// the group has no committed offset. nil: no windows are stored.
	Stored func(partition int32, topic messages.Identity) (offset int64, ok bool)

	// History is the length of a window. Retention is how long topics that we create keep their records:
	// Unlimited, or 0 for as long as the input topic.
	History, Retention time.Duration
	// Outlet keeps what is known of the output topics, for all sessions; nil: each session learns it anew.
	Outlet *Outlet

	// Hook returns a hook for the client with this purpose, which is the one in its log lines; nil: none.
	Hook func(purpose string) kgo.Hook

	// Observer hears of the errors that the clients meet; nil: none.
	Observer *Observer
	// outages are shared with other clients by a client without an Observer; nil: none are shared.
	outages *outages

	Timing Timing
	// Given says that an operator has set the timing: then a start asks the broker whether it accepts it.
	Given bool
}

// Timing is how long the session waits.
type Timing struct {
	// Session is the time without a heartbeat after which other members take over. A restart on the same data
	// directory need not wait for it.
	Session time.Duration
	// Rebalance is how long a member may take to join a rebalance, so it limits a round with its commit.
	Rebalance time.Duration
	// Transaction is the time after which the broker aborts the transaction of a dead process. Until then it
	// holds back read_committed readers.
	Transaction time.Duration
	// Backoff scales the wait between attempts while the broker is away: an eighth of it at first, then
	// doubling with each failure up to it.
	Backoff time.Duration
}

// DefaultTiming suits brokers on the same continent.
func DefaultTiming() Timing {
	return Timing{Session: 15 * time.Second, Rebalance: time.Minute, Transaction: 20 * time.Second, Backoff: time.Second}
}

// How many bytes are fetched ahead from each broker while a round runs, compressed, as the broker has them. They limit the memory of a
// session and of each history reader. A single larger batch is still fetched. The client asks a broker for more only when all that it has
// from it are polled. So one poll of a session should take a whole fetch: if it leaves a rest, nothing is fetched while most is scored.
const (
	fetchBytes          = 4 << 20
	fetchPartitionBytes = 1 << 20
)

func (c Config) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// transactionalID names the producer of one member of one group.
func (c Config) transactionalID() string { return c.Group + "." + c.Member }

// Program is the client id of all clients, and the beginning of a session's.
const Program = "anomalydetector"

// client are the options that all clients of this configuration share.
func (c Config) client(purpose string) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(Program),
		kgo.WithLogger(libraryLog{c.Log.With("client", purpose), c.Observer, purpose}),
		kgo.WithHooks(c.outageLog(purpose)),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(fetchPartitionBytes),
		kgo.FetchMaxWait(500 * time.Millisecond),
		kgo.MetadataMinAge(250 * time.Millisecond),
		kgo.MetadataMaxAge(time.Minute), // added partitions may be overlooked for this long
		kgo.RetryBackoffFn(c.backoff),
	}
	if c.Observer != nil {
		opts = append(opts, kgo.WithHooks(&ear{c.Observer, purpose}))
	}
	if c.Hook != nil {
		opts = append(opts, kgo.WithHooks(c.Hook(purpose)))
	}
	if c.TLS != nil {
		opts = append(opts, kgo.Dialer(c.dialTLS))
	}
	if c.SASL != nil {
		opts = append(opts, kgo.SASL(c.SASL))
	}
	return append(opts, c.Client...)
}

// backoff is how long a client waits after a number of failures in a row.
func (c Config) backoff(failures int) time.Duration {
	wait := c.Timing.Backoff / 8
	for range min(failures, 3) {
		wait *= 2
	}
	return wait
}

// transient says whether the client library recovers from an error by itself.
func transient(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || kerr.IsRetriable(err)
}
