package cluster

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"anomalydetector/actors"
	"anomalydetector/messages"
	"anomalydetector/persistence"
	"anomalydetector/stream"
	"anomalydetector/test/certs"
)

// TestDrainWaitsWhileASuccessorMayGetReady: each case is the answers of another node in their order,
// and whether a draining node has to wait after each.
func TestDrainWaitsWhileASuccessorMayGetReady(t *testing.T) {
	type step struct {
		status  int // 0: the connection breaks
		answer  messages.Successor
		missing bool
		ready   int
	}
	getting := func(ready, coming []int32) messages.Successor {
		return messages.Successor{Ready: ready, Coming: coming}
	}
	for name, steps := range map[string][]step{
		"it gets ready": {
			{200, getting(nil, []int32{1, 2}), true, 0},
			{200, getting([]int32{1}, []int32{2}), true, 1},
			{200, getting([]int32{2}, []int32{1}), false, 2}, // a standby that was ready is kept up to date
		},
		"it is ready": {{200, getting([]int32{1}, nil), false, 1}},
		"an answer is lost": {
			{200, getting(nil, []int32{1}), true, 0},
			{0, messages.Successor{}, true, 0},
			{503, messages.Successor{}, true, 0},
			{200, getting([]int32{1}, nil), false, 1},
		},
		"it goes away": {
			{200, getting([]int32{1}, []int32{2}), true, 1},
			{0, messages.Successor{}, true, 1},
			{503, messages.Successor{}, true, 1},
			{0, messages.Successor{}, false, 0},
		},
		"it drains, too":           {{409, messages.Successor{}, false, 0}},
		"it runs an older version": {{404, messages.Successor{}, false, 0}},
		"no committed offset":      {{200, getting(nil, nil), false, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			var now atomic.Pointer[step] // the transport may repeat a POST that broke
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set(protocolHeader, "1")
				switch s := now.Load(); {
				case r.Method != http.MethodPost || r.URL.String() != "/v1/leaving?detector=d&member=me":
					t.Errorf("it was asked %s %s", r.Method, r.URL)
				case s.status == 0:
					panic(http.ErrAbortHandler)
				case s.status == http.StatusOK:
					answer(w, s.answer)
				default:
					http.Error(w, "no", s.status)
				}
			}))
			defer server.Close()
			watcher := &GroupWatcher{name: "d", node: &Node{client: newClient(nil, new(net.Dialer).DialContext)}}
			successors := make(map[string]*successor)
			for i, s := range steps {
				now.Store(&s)
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				watcher.tellLeaving(ctx, []string{strings.TrimPrefix(server.URL, "http://")}, "me", successors)
				cancel()
				ready, missing, refusals := tally(successors)
				if ready != s.ready || missing != s.missing || (len(refusals) == 0) != (s.status == 200) {
					t.Errorf("step %d: %d ready, missing %t, refusals %v; want %+v", i, ready, missing, refusals, s)
				}
			}
		})
	}
}

// TestDrainingNodeRefusesToBeASuccessor: two nodes that drain at the same time do not wait for each
// other.
func TestDrainingNodeRefusesToBeASuccessor(t *testing.T) {
	w := &GroupWatcher{name: "d", instance: "b", phase: draining, draining: make(map[string]time.Time), store: &persistence.Store{}}
	n := &Node{config: Config{Now: func() time.Time { return noon }}, watchers: []*GroupWatcher{w}}
	w.node = n
	response := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodPost, "http://localhost/v1/leaving?detector=d&member=id-a", nil)
	request.Header.Set(protocolHeader, "1")
	n.handler().ServeHTTP(response, request)
	if response.Code != http.StatusConflict || len(w.draining) > 0 {
		t.Errorf("it answers %d %s, and has noted %v", response.Code, response.Body, w.draining)
	}
}

// TestTakeoverEndsWhenTheMemberHasLeft, or when it no longer repeats that it will leave.
func TestTakeoverEndsWhenTheMemberHasLeft(t *testing.T) {
	now := noon
	w := &GroupWatcher{instance: "b", node: &Node{config: Config{Now: func() time.Time { return now }}}, draining: make(map[string]time.Time)}
	var v view
	v.update([]stream.Member{of("a", 0, 1), of("b", 2, 3), of("c", 4, 5)}, true, noon)
	takesOver := func(want int) {
		t.Helper()
		takes := w.takesOver(v, 6)
		if len(takes) != want || slices.ContainsFunc(takes, func(partition int32) bool { return partition > 1 }) {
			t.Errorf("b takes over %v, want %d of partitions 0 and 1", takes, want)
		}
	}
	takesOver(0)
	w.draining["id-a"] = noon.Add(drainingFor)
	takesOver(1)
	now = noon.Add(drainingFor + time.Second)
	takesOver(0)
	w.draining["id-a"] = now.Add(drainingFor)
	takesOver(1)
	v.update([]stream.Member{of("b", 2, 3), of("c", 4, 5)}, true, now)
	takesOver(0)
	again := of("a", 0, 1)
	again.ID = "id-a-again"
	v.update([]stream.Member{again, of("b", 2, 3), of("c", 4, 5)}, true, now) // its next process
	takesOver(0)
}

// TestHandoffCopiesOneCommittedState, over TLS, while the owner keeps writing.
func TestHandoffCopiesOneCommittedState(t *testing.T) {
	authority := certs.New(t)
	security, client := mustLoad(t, filesOf(t, authority, "127.0.0.1"))
	open := func() (*Node, *GroupWatcher) {
		store, err := persistence.OpenStore(t.TempDir(), persistence.Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		n := &Node{config: Config{Log: slog.New(slog.DiscardHandler), Now: time.Now}, exports: make(chan struct{}, exportsAtOnce),
			client: newClient(client, new(net.Dialer).DialContext)}
		n.watchers = []*GroupWatcher{{node: n, name: "d", store: store}}
		return n, n.watchers[0]
	}
	owner, from := open()
	_, to := open()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := http.Server{Handler: owner.handler(), TLSConfig: security}
	go server.ServeTLS(listener, "", "")
	defer server.Close()

	states := make(chan []byte, 1000) // a snapshot after each checkpoint
	written, stop := make(chan error, 1), make(chan struct{})
	go func() { written <- write(from.store, states, stop) }()
	first := <-states
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	wanted := actors.Wanted{Partition: 0, Least: 1, Most: math.MaxInt64}
	imported, err := to.fetchFrom(ctx, listener.Addr().String(), wanted, persistence.Check{Head: func(persistence.Snapshot) error { return nil }})
	if err == nil {
		err = to.store.Adopt("d", imported)
	}
	if err != nil {
		t.Fatal(err)
	}
	close(stop)
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if _, err := to.store.Export("d", 0, &got); err != nil {
		t.Fatal(err)
	}
	same := bytes.Equal(got.Bytes(), first)
	for len(states) > 0 {
		state := <-states
		same = same || bytes.Equal(got.Bytes(), state)
	}
	if !same {
		t.Error("the windows that arrived are those of no checkpoint of the owner")
	}
}

// write makes checkpoints with a point of each of some entities until stop is closed.
func write(store *persistence.Store, states chan<- []byte, stop <-chan struct{}) error {
	p, err := store.Partition("d", 0)
	if err != nil {
		return err
	}
	defer p.Close()
	windows := make(map[string][]persistence.Point)
	tail := func(e *persistence.Entity, n int) ([]persistence.Point, int) {
		window := windows[e.Key()]
		return window[max(0, len(window)-n):], len(window)
	}
	var entities []*persistence.Entity
	for i := range 300 {
		e, _, _, err := p.Load(fmt.Sprintf("64500,%d", i))
		if err != nil {
			return err
		}
		entities = append(entities, e)
	}
	head := persistence.Head{Source: "in", History: math.MaxInt32}
	for round := range cap(states) {
		for i, e := range entities {
			point := persistence.Point{At: int64(round), Value: float64(i) / 7}
			windows[e.Key()] = append(windows[e.Key()], point)
			p.Append(e, point.At, point.Value)
			head.Offset++
		}
		p.Commit()
		if err := p.Checkpoint(head, tail, nil); err != nil {
			return err
		}
		var state bytes.Buffer
		if _, err := store.Export("d", 0, &state); err != nil {
			return err
		}
		states <- state.Bytes()
		select {
		case <-stop:
			return nil
		default:
		}
	}
	return nil
}
