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

// Config describes the process.
type Config struct {
	Version string
	Names   []string // of its detectors, even before they have begun
	Log     *slog.Logger
	Now     func() time.Time
	Lost    func() LostLines // of the log
	Reload  func() Reload
}

// LostLines are how many lines of the log a target did not take.
type LostLines struct{ Stdout, Stderr, File int64 }

// Reload is how far the configurations in force are those of their files.
type Reload struct {
	Successful bool      // after the last reload, all settings of the files are in force
	Succeeded  time.Time // the last reload that was successful, or the start
}

// Detector is one detector of the process, as the site shows it. Several goroutines may read its fields at a
// time.
type Detector struct {
	Name        string
	Synthetic   bool                  // the stream is made up: this is a demo
	Granularity time.Duration         // the time between two points of an entity
	Report      func() *actors.Report // its latest report; nil before the first
	Counts      *actors.Counts        // what its actors count
	Rebalances  func() uint64         // how often the group has told what is assigned to this process
	Store       Store                 // nil: nothing is stored
	Group       func() (Group, bool)  // the other nodes; false: nothing is known yet. nil: there are none
	Notified    func() []Notified     // how far each Alertmanager has been told; nil: there is none
}

// Notified is how far an Alertmanager has been told of episodes, in alerts.
type Notified struct {
	Alertmanager          string // host and path of its URL
	Sent, Errors, Dropped int64
	Waiting               int
}

// Store is the state on disk.
type Store interface {
	// Size is how many bytes the state takes.
	Size() (int64, error)
	// Space is how many bytes are free on its disk, and how many must be.
	Space() (free, floor uint64, err error)
}

// Group is the consumer group of a detector.
type Group struct {
	Nodes   int
	Unowned int // how many partitions no node owns
}

// Site shows a process.
type Site struct {
	config    Config
	metrics   *metrics
	detectors atomic.Pointer[[]*Detector]    // nil until they have begun
	answers   atomic.Pointer[Answers]        // nil until they have begun
	source    atomic.Pointer[answers.Source] // nil until they have begun
	api       *api.API
	asking    chan struct{} // a token for each question that is being answered
	recent    sync.Map      // detector name to *recent: how long detection took

	traffic struct { // the Kafka clients
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

// Begin makes the site show these detectors from now on.
func (s *Site) Begin(detectors []*Detector) { s.detectors.Store(&detectors) }

// all are the detectors. It returns false before they have begun.
func (s *Site) all() (all []*Detector, begun bool) {
	if p := s.detectors.Load(); p != nil {
		return *p, true
	}
	return nil, false
}

// Handler answers everything. With loopback it refuses requests that do not name a loopback address:
// otherwise a page of another site could read the answers under a name that it lets point here.
func (s *Site) Handler(loopback bool) http.Handler {
	mux := s.health()
	mux.Handle("/metrics", s.metrics.handler())
	mux.HandleFunc("/v1/cluster", s.question(serveStatus))
	mux.HandleFunc("/v1/entity", s.question(serveEntity))
	s.api.Mount(mux)
	s.mountPage(mux)
	return s.guarded(mux, loopback)
}

// HealthHandler answers only the probes.
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
