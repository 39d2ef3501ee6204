// Package stream is the detector's side of Kafka: the topics, the group session
// and its transactions, the replay of history, and an embedded broker for the
// demo and the tests.
//
// It decides nothing about datapoints and knows no actors. It imports
// messages, whose records and assignments it hands out.
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

// ErrFenced is in the error of a session whose group membership was taken over
// by another process with the same node id. Only an operator can resolve that.
var ErrFenced = errors.New("another process runs with this node id")

// Config says where the streams are and who reads them.
type Config struct {
	Brokers []string
	TLS     *tls.Config    // nil: plain text
	SASL    sasl.Mechanism // nil: none
	// Client are more options of every client, for tests: a dialer that replaces
	// TCP, hooks.
	Client []kgo.Opt
	Log    *slog.Logger
	Now    func() time.Time // nil: time.Now

	InputTopic      string
	OutputTopic     string
	DeadLetterTopic string // empty: none
	Group           string

	// Member is the group instance id, and part of the transactional id. A
	// process that is started with the Member of one that was killed takes over
	// its partitions and ends its transaction at once.
	Member string

	// Advertise is where other members can ask this one, as host:port; Process tells
	// its runs apart. Both are in the client id that the broker tells whoever asks for
	// the members. Empty: it cannot be asked.
	Advertise, Process string

	// Stored tells up to which offset there are stored windows of a partition of
	// this topic. It is asked if the group has no offset; nil: there are none.
	Stored func(partition int32, topic messages.Identity) (offset int64, ok bool)

	// History is the length of a window. Retention is how long topics that are made
	// keep their records: Unlimited, or 0 for as long as the input topic does.
	History, Retention time.Duration
	// Outlet is what is known of the topics that are written to, for all sessions;
	// nil: each learns it alone.
	Outlet *Outlet

	// Hook returns the hook of a client of this purpose, as in its log lines; nil: none.
	Hook func(purpose string) kgo.Hook

	// Observer is told what the clients meet; nil: nobody is.
	Observer *Observer
	// outages are those that a client without an Observer shares with others; nil: none.
	outages *outages

	Timing Timing
	// Given is whether an operator has set the timing: then the broker is asked at the
	// start whether it agrees.
	Given bool
}

// Timing is how patient the session is.
type Timing struct {
	// Session: after so long without a heartbeat others take over. A restart on
	// the same data directory need not wait for it.
	Session time.Duration
	// Rebalance: so long may a round and its commit take.
	Rebalance time.Duration
	// Transaction: after so long the broker aborts what a dead process left
	// open; until then it holds back read_committed readers.
	Transaction time.Duration
	// Backoff is between attempts while the broker is away; it doubles up to
	// ten times this.
	Backoff time.Duration
}

// DefaultTiming suits brokers on the same continent.
func DefaultTiming() Timing {
	return Timing{Session: 15 * time.Second, Rebalance: time.Minute, Transaction: 20 * time.Second, Backoff: time.Second}
}

// Bytes prefetched while a round runs. They bound the memory of a session and
// of each history reader; a single larger record is still fetched.
const (
	fetchBytes          = 8 << 20
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

// Program is what Kafka clients call themselves.
const Program = "anomalydetector"

// client are the options that every client of this configuration shares.
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
		kgo.MetadataMaxAge(time.Minute), // so long partitions that are added may be overlooked
		kgo.RetryBackoffFn(c.backoff),
	}
	if c.Observer != nil {
		opts = append(opts, kgo.WithHooks(&ear{c.Observer, purpose}))
	}
	if c.Hook != nil {
		opts = append(opts, kgo.WithHooks(c.Hook(purpose)))
	}
	if c.TLS != nil {
		opts = append(opts, kgo.DialTLSConfig(c.TLS))
	}
	if c.SASL != nil {
		opts = append(opts, kgo.SASL(c.SASL))
	}
	return append(opts, c.Client...)
}

// backoff is how long a client waits after so many failures in a row.
func (c Config) backoff(failures int) time.Duration {
	wait := c.Timing.Backoff / 8
	for range min(failures, 4) {
		wait *= 2
	}
	return wait
}

// transient tells errors that the client library recovers from by itself.
func transient(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || kerr.IsRetriable(err)
}
