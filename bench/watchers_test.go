package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"anomalydetector/bench/report"
)

// TestWatchersDoWhatWatchersDo: they wait until the detector is ready, scrape, go through all
// pages of entities, and read streams, which they resume. They report what is missing.
func TestWatchersDoWhatWatchersDo(t *testing.T) {
	const notReady = 3 // times
	var mu sync.Mutex
	cursors, resumed := make(map[string]int), make(chan struct{})
	once := sync.OnceFunc(func() { close(resumed) })
	mux := http.NewServeMux()
	early := 0 // questions while it was not ready
	asks := 0  // whether it is
	mux.HandleFunc("/metrics", func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if asks <= notReady {
			early++
		}
	})
	mux.HandleFunc(readyPath, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if asks++; asks != notReady+1 { // and never again
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
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
	case early > 0:
		t.Errorf("%d questions came before it was ready", early)
	case of[readyPath].Answered != 0 || of[readyPath].Asked == 0 || !strings.Contains(of[readyPath].Problem, "503"):
		t.Errorf("not ready is told as %+v", of[readyPath])
	case of[pagePath].Answered != 0 || !strings.Contains(of[pagePath].Problem, "404"):
		t.Errorf("what is not there is told as %+v", of[pagePath])
	}
	missing := report.Watched{Paths: paths.rows()}.Missing()
	if len(missing) != 2 { // readyz and the page
		t.Errorf("missing: %v", missing)
	}
}

// TestOpenPageTakesItsHTMLWhileAnomaliesCome: at most each 3 s, however many come, less often
// if the server takes long for it, and now and then without anomalies.
func TestOpenPageTakesItsHTMLWhileAnomaliesCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []time.Duration
		begun := time.Now()
		w := newWatchers("detector", 1, newTally())
		w.client.Transport = answering(func() (timing string) {
			asked = append(asked, time.Since(begun))
			return []string{"", "page;dur=2.5", "page;dur=20"}[min(len(asked)-1, 2)]
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		came := make(chan struct{}, 1)
		go func() {
			for range 80 { // 8 s long
				select {
				case came <- struct{}{}:
				default:
				}
				time.Sleep(100 * time.Millisecond)
			}
		}()
		w.open(ctx, came)
		want := []time.Duration{0, 3 * time.Second, 6 * time.Second, 10 * time.Second, 14 * time.Second, 24 * time.Second}
		if !slices.Equal(asked, want) {
			t.Errorf("it was asked for at %v, want %v", asked, want)
		}
	})
}

// answering is called for each request, which it answers with nothing but how long it took.
type answering func() (timing string)

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{"Server-Timing": {a()}}}, nil
}
