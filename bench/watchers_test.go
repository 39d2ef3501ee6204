package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
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
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		cursors := make(map[string]int)
		early, asks, resumed := 0, 0, 0 // early: questions while it was not ready
		paths := newTally()
		w := newWatchers("detector", 3, paths)
		w.client.Transport = serving(func(r *http.Request) (status int, body io.Reader) {
			mu.Lock()
			defer mu.Unlock()
			switch r.URL.Path {
			case readyPath:
				if asks++; asks == notReady+1 { // and never again
					return http.StatusOK, nil
				}
				return http.StatusServiceUnavailable, nil
			case "/metrics":
				if asks <= notReady {
					early++
				}
				return http.StatusOK, nil
			case entitiesPath:
				cursor := r.URL.Query().Get("cursor")
				cursors[cursor]++
				return http.StatusOK, strings.NewReader(fmt.Sprintf(`{"items": [], "next": %q}`, map[string]string{"": "a", "a": "b"}[cursor]))
			case streamPath:
				events := strings.NewReader("id: 7\nevent: anomaly\ndata: {}\n\n: heartbeat\n\n")
				if r.Header.Get("Last-Event-ID") == "7" {
					resumed++
					return http.StatusOK, io.MultiReader(events, silence{r.Context()})
				}
				return http.StatusOK, events
			}
			return http.StatusNotFound, nil
		})
		end := w.watch(t.Context(), 2)
		time.Sleep(5 * time.Second)
		end()
		of := make(map[string]report.Path)
		for _, row := range paths.rows() {
			of[row.Path] = row
		}
		switch {
		case cursors[""] == 0 || cursors["a"] == 0 || cursors["b"] == 0:
			t.Errorf("pages of entities: %v", cursors)
		case of["/metrics"].Answered == 0 || of[streamPath].Answered != 4 || of[streamPath].Events != 4 || resumed != 2:
			t.Errorf("%+v, %d streams resumed", of, resumed)
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
	})
}

// serving answers each request.
type serving func(*http.Request) (status int, body io.Reader)

func (s serving) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := s(r)
	if body == nil {
		body = http.NoBody
	}
	return &http.Response{Status: fmt.Sprint(status, " ", http.StatusText(status)), StatusCode: status, Body: io.NopCloser(body), Header: http.Header{}}, nil
}

// silence is a stream on which nothing more comes until its request ends.
type silence struct{ ctx context.Context }

func (s silence) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
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
