package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"anomalydetector/bench/report"
)

// TestWatchersDoWhatWatchersDo: they scrape, go through all pages of entities, and follow
// streams, which they resume; what is missing is told, not passed over.
func TestWatchersDoWhatWatchersDo(t *testing.T) {
	var mu sync.Mutex
	cursors, resumed := make(map[string]int), make(chan struct{})
	once := sync.OnceFunc(func() { close(resumed) })
	mux := http.NewServeMux()
	mux.HandleFunc("/metrics", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	mux.HandleFunc(entitiesPath, func(w http.ResponseWriter, r *http.Request) {
		cursor := r.URL.Query().Get("cursor")
		mu.Lock()
		cursors[cursor]++
		mu.Unlock()
		fmt.Fprintf(w, `{"items": [], "next": %q}`, map[string]string{"": "a", "a": "b"}[cursor])
	})
	mux.HandleFunc(streamPath, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "id: 7\nevent: anomaly\ndata: {}\n\n: heartbeat\n\n")
		if r.Header.Get("Last-Event-ID") == "7" {
			once()
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	paths := newTally()
	end := newWatchers(strings.TrimPrefix(server.URL, "http://"), 3, paths).watch(t.Context(), 2)
	<-resumed
	end()
	of := make(map[string]report.Path)
	for _, row := range paths.rows() {
		of[row.Path] = row
	}
	switch {
	case cursors[""] == 0 || cursors["a"] == 0 || cursors["b"] == 0:
		t.Errorf("pages of entities: %v", cursors)
	case of["/metrics"].Answered == 0 || of[streamPath].Answered < 2 || of[streamPath].Events < 2:
		t.Errorf("%+v", of)
	case of["/readyz"].Answered != 0 || of["/readyz"].Asked == 0 || !strings.Contains(of["/readyz"].Problem, "503"):
		t.Errorf("not ready is told as %+v", of["/readyz"])
	case of["/api/v1/lanes"].Answered != 0 || !strings.Contains(of["/api/v1/lanes"].Problem, "404"):
		t.Errorf("what is not there is told as %+v", of["/api/v1/lanes"])
	}
	missing := report.Watched{Paths: paths.rows()}.Missing()
	if len(missing) != 5 { // readyz, and what a page asks for
		t.Errorf("missing: %v", missing)
	}
}
