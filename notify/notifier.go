package notify

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"anomalydetector/episode"
	"anomalydetector/notify/alerts"
)

// Bounds of a Notifier.
const (
	// MostAlerts is how many alerts are held: about 70 MB with two Alertmanagers.
	MostAlerts = 100_000
	// resolvedFor is how long a resolved alert is sent, as Prometheus does.
	resolvedFor = 15 * time.Minute
	// untoldFor is how long a resolved alert is kept for an Alertmanager that is away.
	untoldFor = 24 * time.Hour
	// batchMost is how many alerts a request has.
	batchMost = 64
)

// Config says what a Notifier tells, and to whom.
type Config struct {
	Detector      string
	KeyFields     []string
	Alertmanagers []string      // URLs, without /api/v2/alerts; all different
	Page          string        // the URL of the page, with a slash at its end; empty: alerts have no link
	Kinds         []string      // of the episodes that are told; nil: all
	Resend        time.Duration // between two times that an open alert is sent
	Timeout       time.Duration // of a request
	Client        *http.Client
	Log           *slog.Logger
	Now           func() time.Time
	// Latency takes how long a request took; nil: nobody asks.
	Latency func(alertmanager string, took time.Duration)

	most int // for tests; 0: MostAlerts
}

// Event is a record of the episodes topic.
type Event struct {
	Record    episode.Record
	Partition int32 // of the topic
}

// Status is how far an Alertmanager has been told. The numbers count alerts.
type Status struct {
	Alertmanager string // host and path of its URL
	Sent, Errors int64  // taken, and in requests that failed
	// Dropped are alerts that it was never told of: they found no room, it refused them, or they were resolved a day ago.
	Dropped int64
	Waiting int // to be sent now
}

// Notifier holds the alerts of a detector and sends them. Its methods may be called by several goroutines.
type Notifier struct {
	config  Config
	labels  []string // the names of the labels of the key fields
	senders []*sender

	mu   sync.Mutex // held for moments, never while something is sent
	set  *alerts.Set
	full bool // an event found no room, and that was logged
}

// New makes a Notifier that sends nothing until Run is called.
func New(config Config) (*Notifier, error) {
	if config.most == 0 {
		config.most = MostAlerts
	}
	n := &Notifier{config: config, labels: labelNames(config.KeyFields)}
	n.set = alerts.NewSet(alerts.Config{Targets: len(config.Alertmanagers), Resend: config.Resend, Most: config.most,
		Keep: resolvedFor, KeepUntold: untoldFor})
	for i, address := range config.Alertmanagers {
		at, err := url.Parse(address)
		if err != nil {
			return nil, errors.New("the URL of an Alertmanager cannot be read") // it may have a password
		}
		n.senders = append(n.senders, &sender{notifier: n, to: i, name: at.Host + at.Path, url: at.JoinPath("api/v2/alerts").String(),
			wake: make(chan struct{}, 1)})
	}
	return n, nil
}

// Clear forgets all alerts. Events until Live are history.
func (n *Notifier) Clear() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.set.Clear()
}

// Live says that the events so far are the present state. From then on alerts are sent.
func (n *Notifier) Live() {
	n.mu.Lock()
	n.set.Live(n.config.Now())
	n.mu.Unlock()
	n.wake()
}

// Add takes events, those of an entity in their order.
func (n *Notifier) Add(events []Event) {
	if len(events) == 0 {
		return
	}
	n.mu.Lock()
	refused := n.set.Refused()
	for i := range events {
		if alert, told := n.alert(&events[i]); told {
			n.set.Apply(alert, n.config.Now())
		}
	}
	full := n.set.Refused() > refused
	first := full && !n.full
	n.full = full || n.full && n.set.Len() >= n.config.most
	n.mu.Unlock()
	if first {
		n.config.Log.Warn("too many episodes are open: alerts of more are dropped until some have ended", "most", n.config.most)
	}
	n.wake()
}

func (n *Notifier) wake() {
	for _, s := range n.senders {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// Run sends until the context ends.
func (n *Notifier) Run(ctx context.Context) {
	var sending sync.WaitGroup
	for _, s := range n.senders {
		sending.Go(func() { s.run(ctx) })
	}
	sending.Wait()
}

// Status tells how far each Alertmanager has been told.
func (n *Notifier) Status() []Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []Status
	for i, s := range n.senders {
		all = append(all, Status{Alertmanager: s.name, Sent: s.sent.Load(), Errors: s.errors.Load(),
			Dropped: n.set.Refused() + n.set.Dropped(i) + s.refused.Load(), Waiting: n.set.Waiting(i, n.config.Now())})
	}
	return all
}
