package bootstrap

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"anomalydetector/web"
	"anomalydetector/web/answers"
	"anomalydetector/web/answers/madeup"
)

// within is a network inside of a synctest bubble.
type within struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (w *within) Accept() (net.Conn, error) {
	select {
	case conn := <-w.conns:
		return conn, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}
func (w *within) Close() error   { w.once.Do(func() { close(w.closed) }); return nil }
func (w *within) Addr() net.Addr { return &net.TCPAddr{} }
func (w *within) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case w.conns <- server:
		return client, nil
	case <-w.closed:
		return nil, syscall.ECONNREFUSED
	}
}

// followed is a process inside of a bubble, and a reader of its API.
func followed(t *testing.T, source *madeup.Source) (reader *siteReader, server *http.Server, lost *[]string) {
	network := &within{conns: make(chan net.Conn), closed: make(chan struct{})}
	site := web.New(web.Config{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	site.Show(source)
	server = &http.Server{Handler: site.Handler(true), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go server.Serve(network)
	lost = new([]string)
	return &siteReader{
		address: "localhost", timeout: 2 * time.Second, find: func(context.Context) (string, error) { return "localhost", nil },
		lost:   func(why error) { *lost = append(*lost, why.Error()) },
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: network.dial}},
	}, server, lost
}

// TestStreamResumesAfterTheLastEvent whenever the connection ends, until the server refuses it.
func TestStreamResumesAfterTheLastEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := madeup.New()
		var cursors []string
		source.Following = func(_ context.Context, q answers.FollowQuery, event func(answers.Event) error) error {
			// A real source sends a cursor at once; this first connection does not.
			cursors = append(cursors, q.Cursor)
			switch len(cursors) {
			case 1: // ends before any event
				time.Sleep(time.Minute)
				return nil
			case 2:
				_ = event(answers.Event{ID: "1.1", Anomaly: &source.Anomalous.Items[0]})
				return event(answers.Event{ID: "1.2", Anomaly: &source.Anomalous.Items[1]})
			case 3:
				return &answers.Problem{Status: 503, Detail: "it is joining"}
			}
			_ = event(answers.Event{ID: "1.3", Status: &source.All})
			return &answers.Problem{Status: 404, Detail: "the topic is another one"}
		}
		reader, server, lost := followed(t, source)
		defer server.Close()
		var got []answers.Event
		err := reader.Follow(t.Context(), answers.FollowQuery{Filter: answers.Filter{Detector: "hegemony"}}, func(event answers.Event) error {
			got = append(got, event)
			return nil
		})
		want := []answers.Event{
			{Gap: &answers.Gap{Detector: "hegemony", Reason: "the connection ended before the first event"}},
			{ID: "1.1", Anomaly: &source.Anomalous.Items[0]}, {ID: "1.2", Anomaly: &source.Anomalous.Items[1]},
		}
		if len(got) != 4 || !reflect.DeepEqual(got[:3], want) || got[3].ID != "1.3" || got[3].Status == nil {
			t.Errorf("it told %+v", got)
		}
		if err == nil || err.Error() != "the topic is another one" {
			t.Errorf("the error is %v", err)
		}
		if want := []string{"", "", "1.2", "1.2"}; !reflect.DeepEqual(cursors, want) {
			t.Errorf("it went on from %q, want %q", cursors, want)
		}
		if len(*lost) != 2 { // the second outage takes two attempts
			t.Errorf("told was %q", *lost)
		}
	})
}

// TestSilentConnectionIsGivenUp: its other end may be gone without closing it.
func TestSilentConnectionIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &within{conns: make(chan net.Conn), closed: make(chan struct{})}
		reader, server, lost := followed(t, madeup.New())
		server.Close()
		reader.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: network.dial}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- reader.Follow(ctx, answers.FollowQuery{}, func(answers.Event) error { return nil })
		}()
		begun := time.Now()
		for range 2 {
			conn := <-network.conns
			request := bufio.NewReader(conn)
			if _, err := http.ReadRequest(request); err != nil { // a client drops an answer that comes before its request
				t.Fatal(err)
			}
			go io.Copy(io.Discard, request)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 1\n\n")
			defer conn.Close()
		}
		if took := time.Since(begun); took != quietStream+firstWait {
			t.Errorf("it came back after %s, want %s", took, quietStream+firstWait)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) || len(*lost) != 1 {
			t.Errorf("the error is %v, told was %q", err, *lost)
		}
	})
}

// TestFirstAttemptThatFailsIsAnError: the process may never be there.
func TestFirstAttemptThatFailsIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, server, _ := followed(t, madeup.New())
		server.Close()
		synctest.Wait()
		err := reader.Follow(t.Context(), answers.FollowQuery{}, func(answers.Event) error { return nil })
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("the error is %v", err)
		}
	})
}

// TestNothingFallsBetweenListAndStream: an anomaly in both is printed once, and one that comes while the
// list is read is printed after it.
func TestNothingFallsBetweenListAndStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := madeup.New()
		newer := source.Anomalous.Items[0]
		newer.ID, newer.Time, newer.Entity = "aa02", newer.Time.Add(15*time.Minute), "-1,64511"
		end := &answers.Problem{Status: 400, Detail: "that is all"}
		source.Following = func(_ context.Context, _ answers.FollowQuery, event func(answers.Event) error) error {
			for _, e := range []answers.Event{{Status: &source.All}, {Anomaly: &source.Anomalous.Items[0]}, {Gap: &answers.Gap{Missing: 3, Reason: "slow\x1b"}}, {Anomaly: &newer}} {
				if err := event(e); err != nil {
					return err
				}
			}
			return end
		}
		var out bytes.Buffer
		world := &World{Stdout: &out, Stderr: &out, Env: func(string) string { return "" }}
		c := &anomaliesCommand{reading: reading{Limit: 100}, Follow: true}
		if err := c.follow(t.Context(), source, answers.Filter{}, c.printer(world)); !errors.Is(err, error(end)) {
			t.Errorf("the error is %v", err)
		}
		want := anomaliesTable + `Anomalies may be missing here (3 offsets): slow\x1b` + "\n" +
			"2026-01-02T03:30:00Z      -20.5         0.1         0.3  0.25 to 0.35             -1,64511\n"
		if out.String() != want {
			t.Errorf("it printed\n%s\nwant\n%s", &out, want)
		}
	})
}

// few fails writes after a number of lines.
type few struct{ left int }

func (f *few) Write(text []byte) (int, error) {
	if f.left -= bytes.Count(text, []byte("\n")); f.left < 0 {
		return 0, syscall.EPIPE
	}
	return len(text), nil
}

// TestFollowEndsWithItsReader: head closes its input.
func TestFollowEndsWithItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := madeup.New()
		source.Following = func(ctx context.Context, _ answers.FollowQuery, event func(answers.Event) error) (err error) {
			for id := 'a'; err == nil; id++ {
				anomaly := source.Anomalous.Items[0]
				anomaly.ID = string(id)
				err = event(answers.Event{Anomaly: &anomaly})
			}
			return err
		}
		c := &anomaliesCommand{reading: reading{Limit: 100, JSON: true}, Follow: true}
		world := &World{Stdout: &few{5}, Stderr: io.Discard, Env: func(string) string { return "" }}
		if err := c.follow(t.Context(), source, answers.Filter{}, c.printer(world)); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("the error is %v", err)
		}
	})
}

// TestEventsAreReadAsTheyAreWritten, also events of several lines, and comments.
func TestEventsAreReadAsTheyAreWritten(t *testing.T) {
	var got []string
	lines := 0
	text := "retry: 5\n\n: a comment\n\nevent: a\nid: 1\ndata: x\ndata:y\n\nevent: none\n\ndata: z\r\n\r\nid: 2\n\nevent: cut\ndata: w\n"
	err := readEvents(strings.NewReader(text), func() { lines++ }, func(name, id string, data []byte) error {
		got = append(got, name+"|"+id+"|"+string(data))
		return nil
	})
	if want := []string{"a|1|x\ny", "||z", "|2|"}; err != nil || !reflect.DeepEqual(got, want) || lines != 17 {
		t.Errorf("error %v, %d lines, events %q, want %q", err, lines, got, want)
	}
	if err := readEvents(strings.NewReader(strings.Repeat("x", mostEvent+1)), func() {}, nil); err == nil {
		t.Error("a line without end is no error")
	}
}
