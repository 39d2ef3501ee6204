package web

import (
	"net/http"

	"anomalydetector/web/answers"
	"anomalydetector/web/api"
	"anomalydetector/web/page"
)

// Show makes the API and the page answer from now on.
func (s *Site) Show(source answers.Source) { s.source.Store(&source) }

// CloseStreams ends the streams of events, which would keep a server from closing.
func (s *Site) CloseStreams() { s.api.Close() }

func (s *Site) newAPI() *api.API {
	return api.New(api.Config{
		Version: s.config.Version, Log: s.config.Log, Now: s.config.Now, Begin: s.beginQuestion,
		Source: s.shown,
	})
}

// shown is the source; nil until the detectors have begun.
func (s *Site) shown() answers.Source {
	if source := s.source.Load(); source != nil {
		return *source
	}
	return nil
}

// mountPage adds the page to a mux. It makes at most questionsAtOnce views at the same time; other requests
// wait.
func (s *Site) mountPage(mux *http.ServeMux) {
	views := http.NewServeMux()
	page.Mount(views, s.shown, page.Config{
		Version: s.config.Version, Names: s.config.Names, Now: s.config.Now, Log: s.config.Log,
		OpenAPI: func() []byte {
			document, err := s.api.Document()
			if err != nil {
				s.config.Log.Error("the description of the API could not be made", "error", err)
			}
			return document
		},
	})
	turns := make(chan struct{}, questionsAtOnce)
	for _, path := range page.Paths() {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			select {
			case turns <- struct{}{}:
				defer func() { <-turns }()
				views.ServeHTTP(w, r)
			case <-r.Context().Done():
			}
		})
	}
}
