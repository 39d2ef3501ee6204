package page

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"anomalydetector/web/answers"
)

// Config is what the page needs besides the answers.
type Config struct {
	Version string
	Names   []string         // of the process's detectors, which are shown before they have begun
	Now     func() time.Time // nil: the clock of the machine
	OpenAPI func() []byte    // the API's description as JSON; nil: there is none
	Log     *slog.Logger     // nil: the default
}

// patience is how long the answers of one view may take together.
const patience = 3 * time.Second

type site struct {
	source func() answers.Source
	config Config
	assets *assets
}

// Mount adds the page to a mux. source returns nil until the detectors have begun.
func Mount(mux *http.ServeMux, source func() answers.Source, config Config) {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.Default()
	}
	s := &site{source: source, config: config, assets: loadAssets()}
	handlers := map[string]http.Handler{
		"GET /assets/": s.assets, "GET /{$}": s.view("now", now), "GET /entity": s.view("entity", entity),
		"GET /anomaly/{id}": s.view("entity", anomaly), "GET /live": s.view("live", live),
		"GET /nodes": s.view("nodes", nodes), "GET /api": s.view("api", api),
	}
	for _, path := range Paths() {
		mux.Handle(path, handlers[path])
	}
}

// Paths are the patterns that Mount adds to a mux.
func Paths() []string {
	return []string{"GET /assets/", "GET /{$}", "GET /entity", "GET /anomaly/{id}", "GET /live", "GET /nodes", "GET /api"}
}

// fill sets shell.Body to what a view shows besides the shell.
type fill func(ctx context.Context, s *shell) error

// view answers with the page of a name, or with a page that says why there is none.
func (p *site) view(name string, fill fill) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		s := p.shell(ctx, name, r)
		template, status := name, http.StatusOK
		var err error
		switch {
		case s.source == nil && name != "api":
			template, status = "notbegun", http.StatusServiceUnavailable
			w.Header().Set("Retry-After", "2")
		case s.problem != nil:
			err = s.problem
		default:
			err = fill(ctx, s)
		}
		var to forward
		if errors.As(err, &to) {
			http.Redirect(w, r, string(to), http.StatusFound)
			return
		}
		if err != nil {
			template, status = "problem", s.explain(err)
		}
		p.write(w, template, status, s, begun)
	}
}

// write renders into memory first, so that no reader gets half a page. It tells the script what the view
// cost, so that it asks for expensive views less often.
func (p *site) write(w http.ResponseWriter, template string, status int, s *shell, begun time.Time) {
	var page bytes.Buffer
	if err := templates.ExecuteTemplate(&page, template, s); err != nil {
		p.config.Log.Error("a page could not be rendered", "page", template, "error", err)
		http.Error(w, "this is an error of the program; the log has it", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Server-Timing", fmt.Sprintf("view;dur=%.1f", time.Since(begun).Seconds()*1000))
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // the reader may have gone
}

// anomaly forwards a permalink to the anomaly's entity. An id does not name its detector, so all detectors
// are asked if the URL does not name one either.
func anomaly(ctx context.Context, s *shell) error {
	names := []string{s.Query.Get("detector")}
	if names[0] == "" {
		names = names[:0]
		for _, d := range s.Status.Detectors {
			names = append(names, d.Name)
		}
	}
	err := error(&answers.Problem{Status: http.StatusNotFound, Detail: "There is no detector yet."})
	for _, name := range names {
		var found answers.Anomaly
		if found, err = s.source.Anomaly(ctx, name, s.id); err == nil {
			return forward(entityLink(found.Detector, found.Entity) + "&anomaly=" + escaped(found.ID))
		}
	}
	return err
}

// forward is an error that is an answer: the address of what was asked for.
type forward string

func (f forward) Error() string { return "see " + string(f) }
