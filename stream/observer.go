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
	Joining                   // the consumer group: join, sync, heartbeat, reading the committed offsets
	Replaying                 // reading history
	Reading                   // reading the input topic
	Writing                   // writing records of the transaction
	Ending                    // committing offsets, ending the transaction
	Asking                    // asking for the ends of the input topic
	Reaching                  // connections and metadata, which every other activity needs
	activities
)

// Trouble is an error that a Kafka client met.
type Trouble struct {
	At   time.Time
	Name string // Kafka's name of the error, such as NOT_ENOUGH_REPLICAS; empty: it does not come from a broker
	Text string // for people
	// Final says that trying again is of no use until somebody changes something.
	Final bool
	// Advice is what a person can do; empty: not known, or to be had by the Name (Names.Advice).
	Advice string
}

// Observer remembers the last error that the clients of one configuration met in each activity. It exists
// because the client library retries most errors for ever, silently. It outlives the sessions. A nil Observer
// observes nothing. All methods may be called by several goroutines.
//
// The errors come from the library's hooks, from the results of our own calls, and from the library's log: a
// produce request that is retried appears only there.
type Observer struct {
	topic     string
	now       func() time.Time
	outages   outages
	attentive atomic.Bool
	written   atomic.Uint64 // batches that the broker has acknowledged
	told      atomic.Uint64 // how often the group has told what is assigned to us

	mu       sync.Mutex
	last     [activities]Trouble
	session  *Session // nil while there is none
	admitted bool     // the session is a member of the group
	putOut   time.Time
	refused  bool // the broker has refused the session timeout
}

// NewObserver makes an Observer for the clients of an input topic. It takes the time from now.
func NewObserver(inputTopic string, now func() time.Time) *Observer {
	return &Observer{topic: inputTopic, now: now}
}

// Attend turns on hearing the errors that the library logs at debug level only. It costs a little for each
// request.
func (o *Observer) Attend(on bool) { o.attentive.Store(on) }

func (o *Observer) attending() bool { return o != nil && o.attentive.Load() }

// Written is how many batches of records the broker has acknowledged.
func (o *Observer) Written() uint64 { return o.written.Load() }

// Rebalances is how often the group has told what is assigned to us.
func (o *Observer) Rebalances() uint64 { return o.told.Load() }

// Out says whether there is a session that is not a member of the group: it has not joined yet, or the group has
// removed it within the last 5 s (the constant rejoins).
func (o *Observer) Out() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.session != nil && (!o.admitted || o.now().Sub(o.putOut) < rejoins)
}

// rejoins is how long a member that was put out has to stay in the group until it counts as a member again:
// the group may let it in and put it out again and again.
const rejoins = 5 * time.Second

// Last returns the newest error of some activities since a time. An error from a broker goes before any
// other.
func (o *Observer) Last(since time.Time, of ...Activity) (newest Trouble, found bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, activity := range of {
		trouble := o.last[activity]
		if trouble.At.IsZero() || trouble.At.Before(since) {
			continue
		}
		// A broker's error explains more than a broken connection.
		if !found || trouble.Name != "" && newest.Name == "" || (trouble.Name != "") == (newest.Name != "") && trouble.At.After(newest.At) {
			newest, found = trouble, true
		}
	}
	return newest, found
}

// opened is called by a session when it has its client, which may have joined the group by then. closed is
// called when the session ends.
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

// admit notes whether the session is a member of the group.
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

// put notes that the group has put the session out, or does not accept it.
func (o *Observer) put(err error) {
	o.note(Joining, err)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.admitted, o.putOut = false, o.now()
}

// note remembers an error, unless it is an ordinary one.
func (o *Observer) note(activity Activity, err error) {
	if o == nil || err == nil || ordinary(err) {
		return
	}
	trouble := Trouble{At: o.now(), Text: err.Error()}
	var named *kerr.Error
	if errors.As(err, &named) {
		trouble.Name = named.Message
	}
	if known := diagnose(err); known != nil {
		trouble.Final = known.final
		if known.is != nil && known.final { // a closed connection has many causes
			trouble.Advice = known.advice(Names{})
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last[activity] = trouble
	o.refused = o.refused || named == kerr.InvalidSessionTimeout
}

// timeoutRefused says whether the broker has ever refused the session timeout.
func (o *Observer) timeoutRefused() bool {
	if o == nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.refused
}

// ordinary says whether an error is one that each rebalance and each Close causes.
func ordinary(err error) bool {
	for _, known := range []error{context.Canceled, kgo.ErrClientClosed, net.ErrClosed, kerr.RebalanceInProgress, kerr.MemberIDRequired} {
		if errors.Is(err, known) {
			return true
		}
	}
	return strings.Contains(err.Error(), "operation was canceled")
}

// ear is a set of hooks: with it the Observer hears what one client meets.
type ear struct {
	observer *Observer
	purpose  string // of the client
}

// OnGroupManageError is called when the client has failed as a member of the group. It has no partitions any
// more, and joins again after a pause.
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
