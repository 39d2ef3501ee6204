// Package web is what people and monitoring see of a running process: one handler for all
// of it, mounted on a mux, and the server that listens.
//
// It only reads: the reports that detectors publish, counters, and the state of the disk.
// Metrics and health send no message to an actor and make none wait; questions go to an
// Answers. It imports actors, messages and what is below it, and declares what else it
// needs of others.
package web

import (
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"anomalydetector/actors"
	"anomalydetector/web/answers"
	"anomalydetector/web/api"
)

// Config is what a process says of itself.
type Config struct {
	Version string
	Names   []string // of its detectors, also of those that have not begun
	Log     *slog.Logger
	Now     func() time.Time
}

// Detector is one detector of the process, as it is shown. Its fields may be read by
// several goroutines at a time.
type Detector struct {
	Name        string
	Synthetic   bool                  // the stream is made up: a demo
	Granularity time.Duration         // between two points of an entity
	Report      func() *actors.Report // the latest; nil before the first
	Counts      *actors.Counts        // what its actors count
	Rebalances  func() uint64         // how often the group has told what is ours
	Store       Store                 // nil: nothing is stored
	Group       func() (Group, bool)  // what is known of the other nodes; false: nothing yet. nil: this is the only one
}

// Store is the state on disk.
type Store interface {
	// Size is how many bytes it takes.
	Size() (int64, error)
	// Space is how many bytes are free on its disk, and must be.
	Space() (free, floor uint64, err error)
}

// Group is the consumer group of a detector.
type Group struct {
	Nodes   int
	Unowned int // partitions that no node has
}

// Site is what is shown of a process.
type Site struct {
	config    Config
	metrics   *metrics
	detectors atomic.Pointer[[]*Detector]    // nil until they have begun
	answers   atomic.Pointer[Answers]        // the same
	source    atomic.Pointer[answers.Source] // the same
	api       *api.API
	asking    chan struct{} // a token for each question that is being answered
	recent    sync.Map      // how long detection took, a *recent by the detector's name

	traffic struct { // of Kafka clients
		sync.Mutex
		hooks map[[2]string]traffic // by detector and purpose
	}
}

// New makes the site of a process whose detectors have not begun.
func New(config Config) *Site {
	s := &Site{config: config, asking: make(chan struct{}, questionsAtOnce)}
	s.metrics = newMetrics(s)
	s.api = s.newAPI()
	return s
}

// Begin shows these detectors from now on.
func (s *Site) Begin(detectors []*Detector) { s.detectors.Store(&detectors) }

// all are the detectors; none before they have begun.
func (s *Site) all() (all []*Detector, begun bool) {
	if p := s.detectors.Load(); p != nil {
		return *p, true
	}
	return nil, false
}

// Handler answers everything. On a loopback address it answers only requests that name
// one: a page of another site must not read it by a name that it lets point here.
func (s *Site) Handler(loopback bool) http.Handler {
	mux := s.health()
	mux.Handle("/metrics", s.metrics.handler())
	mux.HandleFunc("/v1/cluster", s.question(serveStatus))
	mux.HandleFunc("/v1/entity", s.question(serveEntity))
	s.api.Mount(mux)
	s.mountPage(mux)
	return s.guarded(mux, loopback)
}

// HealthHandler answers only what probes ask.
func (s *Site) HealthHandler(loopback bool) http.Handler { return s.guarded(s.health(), loopback) }

func (s *Site) health() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", s.healthz)
	mux.HandleFunc("/readyz", s.readyz)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, "there is no "+r.URL.Path)
	})
	return mux
}
