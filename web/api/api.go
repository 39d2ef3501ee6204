package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"anomalydetector/configs"
	"anomalydetector/web/answers"
)

// Root is where the API begins.
const Root = "/api/v1"

// Config is what the API needs of the process.
type Config struct {
	Version string
	Log     *slog.Logger
	Now     func() time.Time
	// Source is nil until the detectors have begun.
	Source func() answers.Source
	// Begin asks whether a question may be answered now; the caller calls done when it has been. It returns
	// false if too many are being answered. Streams do not ask.
	Begin func() (done func(), free bool)
}

// API answers requests below Root.
type API struct {
	config Config
	mux    *http.ServeMux
	huma   huma.API
	paths  []string // the paths of the endpoints

	document func() ([]byte, error)

	open    atomic.Int64    // how many streams are open
	dropped atomic.Uint64   // how many streams were cut
	written written         // JSON that several streams send
	closing context.Context // ends when the streams must end
	end     context.CancelFunc
}

// New builds the API. Close ends its streams.
func New(config Config) *API {
	a := &API{config: config, mux: http.NewServeMux()}
	a.closing, a.end = context.WithCancel(context.Background())
	a.huma = humago.New(a.mux, description(config.Version))
	a.endpoints()
	a.stream()
	a.describe()
	a.mux.HandleFunc(Root, a.other)
	a.mux.HandleFunc(Root+"/", a.other)
	return a
}

// Mount makes a mux answer everything below Root.
func (a *API) Mount(mux *http.ServeMux) {
	mux.Handle(Root, a) // otherwise the mux redirects to a page that does not exist
	mux.Handle(Root+"/", a)
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	a.mux.ServeHTTP(w, r)
}

// Document is the API's description: OpenAPI 3.1, as JSON.
func (a *API) Document() ([]byte, error) { return a.document() }

// Close ends all streams, so that a server that closes need not wait for them.
func (a *API) Close() { a.end() }

// Streams says how many streams are open, and how many were cut because their client was too slow.
func (a *API) Streams() (open int64, dropped uint64) { return a.open.Load(), a.dropped.Load() }

// other answers requests for what is no endpoint, or with another method.
func (a *API) other(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		write(w, &Problem{Status: http.StatusMethodNotAllowed, Detail: "want GET or HEAD: nothing can be changed here"})
		return
	}
	p := &Problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("there is no %.100q", r.URL.Path)}
	if like := configs.Nearest(strings.TrimPrefix(r.URL.Path, Root), a.paths); like != "" {
		p.Detail += fmt.Sprintf("; did you mean %s?", Root+like)
		p.Similar = []string{Root + like}
	}
	write(w, p)
}

// write answers with a problem.
func write(w http.ResponseWriter, p *Problem) {
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_, _ = w.Write(Encode(p.complete())) // the client may have gone
}
