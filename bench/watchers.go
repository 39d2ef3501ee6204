package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"anomalydetector/bench/report"
)

const (
	scrapeEvery = time.Second
	reloadEvery = 3 * time.Second  // between two loads of an open page while anomalies arrive
	quietEvery  = 10 * time.Second // and while none arrive
	reloadShare = 200              // a page takes at most 1/reloadShare of the server's time
)

const (
	pagePath     = "/"
	readyPath    = "/readyz"
	entitiesPath = "/api/v1/entities"
	streamPath   = "/api/v1/stream"
)

// watchers are the clients of one detector.
type watchers struct {
	client  *http.Client
	address string
	page    int
	paths   *tally
}

func newWatchers(address string, page int, paths *tally) *watchers {
	return &watchers{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 50}}, address: address, page: page, paths: paths}
}

// watch waits until the detector is ready. Then it starts a Prometheus, a program that
// pages through all entities, and a number of open pages. The returned function ends them,
// and waits until they have ended.
func (w *watchers) watch(ctx context.Context, pages int) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	ready := make(chan struct{})
	there := func() { <-ready }
	var all sync.WaitGroup
	all.Go(func() {
		defer close(ready)
		w.untilReady(ctx)
	})
	each := func(often time.Duration, paths ...string) {
		there()
		w.each(ctx, often, paths...)
	}
	all.Go(func() { each(scrapeEvery, "/metrics", readyPath) })
	all.Go(func() {
		there()
		for ctx.Err() == nil {
			w.entities(ctx)
			pause(ctx, scrapeEvery)
		}
	})
	for range pages {
		came := make(chan struct{}, 1) // an anomaly
		all.Go(func() {
			there()
			w.open(ctx, came)
		})
		all.Go(func() {
			there()
			last := ""
			for ctx.Err() == nil {
				last = w.stream(ctx, last, came)
				pause(ctx, scrapeEvery)
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
		w.client.CloseIdleConnections()
	}
}

// untilReady waits until the detector says that it is ready. These questions are not counted.
func (w *watchers) untilReady(ctx context.Context) {
	for ctx.Err() == nil {
		if response, err := w.client.Get("http://" + w.address + readyPath); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// open loads a page's HTML as its script does: every few seconds while anomalies arrive,
// less often if the server takes long for it, and now and then while none arrive.
func (w *watchers) open(ctx context.Context, came <-chan struct{}) {
	for ctx.Err() == nil {
		begun := time.Now()
		took := w.html(ctx)
		select {
		case <-came:
			pause(ctx, max(reloadEvery, reloadShare*took)-time.Since(begun))
		case <-time.After(quietEvery):
		case <-ctx.Done():
		}
	}
}

func pause(ctx context.Context, length time.Duration) {
	select {
	case <-time.After(length):
	case <-ctx.Done():
	}
}

func (w *watchers) each(ctx context.Context, often time.Duration, paths ...string) {
	for ctx.Err() == nil {
		for _, path := range paths {
			_, _ = w.get(ctx, path, nil) // it is counted
		}
		pause(ctx, often)
	}
}

// html loads the page's HTML, and returns the time that the server says it took.
func (w *watchers) html(ctx context.Context) (took time.Duration) {
	response, err := w.ask(ctx, pagePath, nil, "")
	if err != nil {
		return 0 // it is counted
	}
	defer response.Body.Close()
	bytes, _ := io.Copy(io.Discard, response.Body)
	w.paths.got(pagePath, 0, int(bytes))
	if _, text, said := strings.Cut(response.Header.Get("Server-Timing"), "dur="); said {
		milliseconds, _ := strconv.ParseFloat(text, 64)
		took = time.Duration(milliseconds * float64(time.Millisecond))
	}
	return took
}

// get reads a whole answer, and counts it.
func (w *watchers) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	response, err := w.ask(ctx, path, query, "")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	w.paths.got(path, 0, len(body))
	return body, err
}

// ask sends a request, and counts it and its answer.
func (w *watchers) ask(ctx context.Context, path string, query url.Values, last string) (*http.Response, error) {
	target := "http://" + w.address + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	if last != "" {
		request.Header.Set("Last-Event-ID", last)
	}
	response, err := w.client.Do(request)
	switch {
	case ctx.Err() != nil:
		if err == nil {
			response.Body.Close()
		}
		return nil, ctx.Err() // the run is over
	case err != nil:
		w.paths.asked(path, err)
		return nil, err
	case response.StatusCode != http.StatusOK:
		response.Body.Close()
		err = errors.New(response.Status)
	}
	w.paths.asked(path, err)
	return response, err
}

// entities pages through all of them once.
func (w *watchers) entities(ctx context.Context) {
	query := url.Values{"detector": {detectorName}, "limit": {strconv.Itoa(w.page)}}
	for ctx.Err() == nil {
		body, err := w.get(ctx, entitiesPath, query)
		if err != nil {
			return
		}
		var list struct{ Next string }
		if err := json.Unmarshal(body, &list); err != nil {
			w.paths.wrong(entitiesPath, err)
			return
		}
		if list.Next == "" {
			return
		}
		query.Set("cursor", list.Next)
	}
}

// stream reads events until there are no more, and returns the id of the last one. It
// signals anomalies on came, and does not wait for the reader of that.
func (w *watchers) stream(ctx context.Context, last string, came chan<- struct{}) string {
	response, err := w.ask(ctx, streamPath, nil, last)
	if err != nil {
		return last
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		line := lines.Text()
		events := 0
		if strings.HasPrefix(line, "data:") {
			events = 1
		}
		w.paths.got(streamPath, events, len(line)+1)
		if id, ok := strings.CutPrefix(line, "id:"); ok {
			last = strings.TrimSpace(id)
		}
		if line == "event: anomaly" {
			select {
			case came <- struct{}{}:
			default:
			}
		}
	}
	if err := lines.Err(); err != nil && ctx.Err() == nil {
		w.paths.wrong(streamPath, fmt.Errorf("cut: %w", err))
	}
	return last
}

// tally counts by path. Its rows are in the order in which paths are first named.
type tally struct {
	mu    sync.Mutex
	order []string
	of    map[string]*report.Path
}

// newTally has a row for each path from the start, so that a path without a request shows.
func newTally() *tally {
	t := &tally{of: make(map[string]*report.Path)}
	for _, path := range []string{"/metrics", readyPath, entitiesPath, streamPath, pagePath} {
		t.order, t.of[path] = append(t.order, path), &report.Path{Path: path}
	}
	return t
}

func (t *tally) asked(path string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of[path].Asked++
	if err == nil {
		t.of[path].Answered++
	} else if t.of[path].Problem == "" {
		t.of[path].Problem = err.Error()
	}
}

func (t *tally) got(path string, events, bytes int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of[path].Events += events
	t.of[path].Bytes += int64(bytes)
}

func (t *tally) wrong(path string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of[path].Problem == "" {
		t.of[path].Problem = err.Error()
	}
}

func (t *tally) rows() (rows []report.Path) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, path := range t.order {
		rows = append(rows, *t.of[path])
	}
	return rows
}
