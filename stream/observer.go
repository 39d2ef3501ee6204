package stream

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Activity is what a Kafka client was doing when it met an error.
type Activity int

const (
	Opening   Activity = iota // looking at the topics, beginning as transactional producer
	Joining                   // the consumer group: join, sync, heartbeat, the committed offsets
	Replaying                 // reading history
	Reading                   // reading the input topic
	Writing                   // writing records of the transaction
	Ending                    // committing offsets, ending the transaction
	Asking                    // asking for the ends of the input topic
	Reaching                  // connections and metadata: what every other activity needs
	activities
)

// Trouble is an error that a Kafka client met.
type Trouble struct {
	At   time.Time
	Name string // Kafka's name of it, as in NOT_ENOUGH_REPLICAS; empty: it is not the broker's
	Text string // for people
	// Final: trying again is of no use until somebody changes something.
	Final bool
}

// Observer knows what the clients of one configuration meet. The client library
// retries most errors for ever and tells nobody; the Observer remembers the last error
// of each activity. It outlives the sessions. A nil Observer observes nothing. All
// methods may be called by several goroutines.
//
// Errors come from the library's hooks, from the errors that our own calls return, and
// from the library's log: a produce request that is retried is in its log only.
type Observer struct {
	topic     string
	now       func() time.Time
	outages   outages
	attentive atomic.Bool
	written   atomic.Uint64 // batches that the broker has acknowledged
	told      atomic.Uint64 // how often the group has told what is ours

	mu       sync.Mutex
	last     [activities]Trouble
	session  *Session // nil while there is none
	admitted bool     // the group counts the session among its members
	putOut   time.Time
	refused  bool // the broker has refused the session timeout
}

// NewObserver is for the clients of an input topic. Its times are those of now.
func NewObserver(inputTopic string, now func() time.Time) *Observer {
	return &Observer{topic: inputTopic, now: now}
}

// Attend makes the Observer hear the errors that the library tells only to those who
// debug it, too. It costs some for each request.
func (o *Observer) Attend(on bool) { o.attentive.Store(on) }

func (o *Observer) attending() bool { return o != nil && o.attentive.Load() }

// Written is how many batches of records the broker has acknowledged.
func (o *Observer) Written() uint64 { return o.written.Load() }

// Rebalances is how often the group has told what is ours.
func (o *Observer) Rebalances() uint64 { return o.told.Load() }

// Out tells that there is a session, and that the group does not count it among its
// members: it has not joined yet, or the group has put it out.
func (o *Observer) Out() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.session != nil && (!o.admitted || o.now().Sub(o.putOut) < rejoins)
}

// rejoins is how long after it was put out a member has to stay in to count as one: the
// group may let it in and put it out again and again.
const rejoins = 5 * time.Second

// Last is the newest error of some activities since a time.
func (o *Observer) Last(since time.Time, of ...Activity) (newest Trouble, found bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, activity := range of {
		trouble := o.last[activity]
		if trouble.At.IsZero() || trouble.At.Before(since) {
			continue
		}
		// What the broker says explains more than that a connection broke.
		if !found || trouble.Name != "" && newest.Name == "" || (trouble.Name != "") == (newest.Name != "") && trouble.At.After(newest.At) {
			newest, found = trouble, true
		}
	}
	return newest, found
}

// opened is said by a session when it has its client, which may be a member by then;
// closed when it ends.
func (o *Observer) opened(s *Session) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.session = s
}

func (o *Observer) closed(s *Session) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.session == s {
		o.session, o.admitted = nil, false
	}
}

// admit notes whether the group counts us among its members.
func (o *Observer) admit(admitted bool) {
	if o == nil {
		return
	}
	if admitted {
		o.told.Add(1)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.admitted = admitted
}

// put notes that the group has put the session out, or does not let it in.
func (o *Observer) put(err error) {
	o.note(Joining, err)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.admitted, o.putOut = false, o.now()
}

// note remembers an error, unless it is in the normal course of things.
func (o *Observer) note(activity Activity, err error) {
	if o == nil || err == nil || ordinary(err) {
		return
	}
	trouble := Trouble{At: o.now(), Text: err.Error()}
	var named *kerr.Error
	if errors.As(err, &named) {
		trouble.Name, trouble.Final = named.Message, final(named)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last[activity] = trouble
	o.refused = o.refused || named == kerr.InvalidSessionTimeout
}

// timeoutRefused tells whether the broker has ever refused the session timeout.
func (o *Observer) timeoutRefused() bool {
	if o == nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.refused
}

// ordinary: each rebalance and each Close has such errors.
func ordinary(err error) bool {
	for _, known := range []error{context.Canceled, kgo.ErrClientClosed, net.ErrClosed, kerr.RebalanceInProgress, kerr.MemberIDRequired} {
		if errors.Is(err, known) {
			return true
		}
	}
	return strings.Contains(err.Error(), "operation was canceled")
}

// final tells errors that stay until somebody changes something.
func final(err *kerr.Error) bool {
	switch err {
	case kerr.InconsistentGroupProtocol, kerr.InvalidSessionTimeout, kerr.InvalidGroupID, kerr.UnsupportedVersion,
		kerr.InvalidTransactionTimeout, kerr.UnsupportedForMessageFormat, kerr.UnsupportedSaslMechanism, kerr.PolicyViolation:
		return true
	}
	return strings.HasSuffix(err.Message, "_AUTHORIZATION_FAILED") || err == kerr.SaslAuthenticationFailed
}

// ear hears for the Observer what one client meets: it is a set of its hooks.
type ear struct {
	observer *Observer
	purpose  string // of the client
}

// OnGroupManageError is called when the group's member has failed: it has no
// partitions any more, and joins again after a pause.
func (e *ear) OnGroupManageError(err error) {
	e.observer.put(err)
}

// OnBrokerConnect is called after each attempt to connect.
func (e *ear) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	e.observer.note(Reaching, err)
}

// OnBrokerE2E is called after each request.
func (e *ear) OnBrokerE2E(_ kgo.BrokerMetadata, _ int16, e2e kgo.BrokerE2E) {
	if err := e2e.Err(); err != nil {
		e.observer.note(Reaching, err)
	}
}

// OnProduceBatchWritten is called for each batch that the broker has acknowledged.
func (e *ear) OnProduceBatchWritten(kgo.BrokerMetadata, string, int32, kgo.ProduceBatchMetrics) {
	e.observer.written.Add(1)
}
