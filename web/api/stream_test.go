package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"anomalydetector/web/answers"
	"anomalydetector/web/answers/madeup"
)

var contextDeadline = context.DeadlineExceeded

// pipes is a listener within a synctest bubble. The server cannot write what a client does not read.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// host serves an API with the timeouts of the real server, until the test ends.
type host struct {
	*API
	source *madeup.Source
	pipes  *pipes
	server *http.Server
}

func newHost(t *testing.T) *host {
	h := &host{source: madeup.New(), pipes: &pipes{make(chan net.Conn), make(chan struct{})}}
	h.API = newAPI(t, h.source)
	h.server = &http.Server{Handler: h.API, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go h.server.Serve(h.pipes)
	return h
}

// connect asks for a path of the API. The client reads as much of the answer as it wants.
func (h *host) connect(t *testing.T, path string, headers ...string) (net.Conn, *bufio.Reader) {
	client, server := net.Pipe()
	h.pipes.conns <- server
	fmt.Fprintf(client, "GET %s%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", Root, path, strings.Join(headers, ""))
	return client, bufio.NewReader(client)
}

// open reads the header of an answer, whose body is not chunked then.
func (h *host) open(t *testing.T, path string, headers ...string) (net.Conn, *http.Response) {
	t.Helper()
	client, reader := h.connect(t, path, headers...)
	answer, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	return client, answer
}

// next reads an event, up to the empty line.
func next(t *testing.T, from *bufio.Reader) string {
	t.Helper()
	var event strings.Builder
	for {
		line, err := from.ReadString('\n')
		if err != nil {
			t.Fatalf("after %q: %v", event.String(), err)
		}
		if line == "\n" {
			return event.String()
		}
		event.WriteString(line)
	}
}

// Events come in order, each kind under its name, with its id.
func TestStreamSendsWhatHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		defer h.server.Close()
		h.source.Following = func(ctx context.Context, _ answers.FollowQuery, event func(answers.Event) error) error {
			gap := answers.Gap{Detector: "hegemony", Missing: 3, Reason: "slow"}
			for i, e := range []answers.Event{{Gap: &gap}, {Anomaly: &h.source.Anomalous.Items[1]}, {Episode: &h.source.Runs.Items[0]}, {Status: &h.source.All}, {}} {
				e.ID = fmt.Sprintf("1.%d", i)
				if err := event(e); err != nil {
					return err
				}
			}
			bad := answers.Event{ID: "a\nb", Gap: &gap}
			if err := event(bad); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		}
		client, answer := h.open(t, "/stream")
		defer client.Close()
		if answer.Header.Get("Content-Type") != "text/event-stream" || answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("the headers are %v", answer.Header)
		}
		body := bufio.NewReader(answer.Body)
		for _, want := range []string{
			"retry: 3000\n",
			"event: gap\nid: 1.0\ndata: " + `{"detector":"hegemony","missing":3,"reason":"slow"}` + "\n",
			"event: anomaly\nid: 1.1\ndata: " + string(Encode(h.source.Anomalous.Items[1])),
			"event: episode\nid: 1.2\ndata: " + string(Encode(h.source.Runs.Items[0])),
			"event: status\nid: 1.3\ndata: " + string(Encode(h.source.All)),
			"id: 1.4\n", // nothing has happened
			"event: gap\ndata: " + `{"detector":"hegemony","missing":3,"reason":"slow"}` + "\n", // its id cannot be sent
		} {
			if got := next(t, body); got != want {
				t.Errorf("the event is\n%swant\n%s", got, want)
			}
		}
	})
}

// The header that the browser sends takes precedence over the URL, which has the cursor of the first
// connection.
func TestStreamGoesOnFromTheLastEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		defer h.server.Close()
		for _, headers := range [][]string{nil, {"Last-Event-ID: 1.7\r\n"}} {
			client, answer := h.open(t, "/stream?cursor=1.2&asn=64510&min_deviation=20", headers...)
			next(t, bufio.NewReader(answer.Body))
			client.Close()
			synctest.Wait()
		}
		filter := answers.Filter{Fields: map[string]string{"asn": "64510"}, MinDeviation: 20}
		want := []any{answers.FollowQuery{Filter: filter, Cursor: "1.2"}, answers.FollowQuery{Filter: filter, Cursor: "1.7"}}
		if got := h.source.Asked(); !reflect.DeepEqual(got, want) {
			t.Errorf("asked was %+v, want %+v", got, want)
		}
	})
}

// A comment every 15 s keeps the stream open past all timeouts of the server.
func TestQuietStreamStaysOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		defer h.server.Close()
		client, answer := h.open(t, "/stream")
		defer client.Close()
		begun := time.Now()
		body := bufio.NewReader(answer.Body)
		next(t, body)
		for range 20 {
			if got := next(t, body); got != ": all is quiet\n" {
				t.Fatalf("the comment is %q", got)
			}
		}
		// The first comment counts from the request; the retry line came a moment after it.
		if took := time.Since(begun); took > 5*time.Minute || took < 5*time.Minute-firstPatience {
			t.Errorf("20 comments took %s", took)
		}
		if open, dropped := h.Streams(); open != 1 || dropped != 0 {
			t.Errorf("%d streams are open, %d were cut", open, dropped)
		}
	})
}

// The client is cut once an event has waited for 10 s. It is counted, and disturbs no other client.
func TestSlowClientIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		defer h.server.Close()
		followed := make(chan error, 1)
		h.source.Following = func(_ context.Context, _ answers.FollowQuery, event func(answers.Event) error) (err error) {
			for err == nil {
				err = event(answers.Event{ID: "1", Gap: &answers.Gap{Reason: strings.Repeat("x", 2000)}})
			}
			followed <- err
			return err
		}
		client, answer := h.open(t, "/stream")
		next(t, bufio.NewReaderSize(answer.Body, 16))
		before := time.Now()
		<-followed // the client reads no more
		if took := time.Since(before); took != writePatience {
			t.Errorf("it was cut after %s", took)
		}
		synctest.Wait()
		if open, dropped := h.Streams(); open != 0 || dropped != 1 {
			t.Errorf("%d streams are open, %d were cut, want 0 and 1", open, dropped)
		}
		if rest, err := io.ReadAll(client); len(rest) > 8000 || err != nil {
			t.Errorf("the client still gets %d bytes, error %v", len(rest), err)
		}
	})
}

// A client that does not take the last event is counted, too.
func TestClientThatLeavesTheProblemIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		defer h.server.Close()
		h.source.Following = func(context.Context, answers.FollowQuery, func(answers.Event) error) error {
			time.Sleep(time.Second) // of virtual time: the answer has begun, and no heartbeat is due
			return &answers.Problem{Status: 404, Detail: "the topic is another one"}
		}
		client, answer := h.open(t, "/stream")
		defer client.Close()
		next(t, bufio.NewReader(answer.Body))
		time.Sleep(time.Second + writePatience)
		synctest.Wait()
		if open, dropped := h.Streams(); open != 0 || dropped != 1 {
			t.Errorf("%d streams are open, %d were cut, want 0 and 1", open, dropped)
		}
	})
}

// The client is not counted as slow.
func TestClientThatGoesEndsItsStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		defer h.server.Close()
		client, answer := h.open(t, "/stream")
		next(t, bufio.NewReader(answer.Body))
		if open, _ := h.Streams(); open != 1 {
			t.Errorf("%d streams are open", open)
		}
		client.Close()
		synctest.Wait()
		if open, dropped := h.Streams(); open != 0 || dropped != 0 {
			t.Errorf("%d streams are open, %d were cut", open, dropped)
		}
	})
}

// Streams do not take the places of questions. A stream beyond the limit is refused until another one has
// ended.
func TestStreamsAreLimitedAndAskNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		defer h.server.Close()
		asking := 0
		h.config.Begin = func() (func(), bool) { asking++; return func() { asking-- }, true }
		var clients []net.Conn
		for range mostStreams {
			client, answer := h.open(t, "/stream")
			next(t, bufio.NewReader(answer.Body))
			clients = append(clients, client)
		}
		if asking != 0 {
			t.Errorf("%d questions are being answered", asking)
		}
		client, answer := h.open(t, "/stream")
		if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "1" || answer.Header.Get("Content-Type") != problemType {
			t.Errorf("one more is answered with %s, %v", answer.Status, answer.Header)
		}
		client.Close()
		clients[0].Close()
		synctest.Wait()
		client, answer = h.open(t, "/stream")
		if answer.StatusCode != http.StatusOK {
			t.Errorf("after the end of one it is %s", answer.Status)
		}
		for _, c := range append(clients, client) {
			c.Close()
		}
	})
}

// A refusal is a problem document as long as nothing has been sent.
func TestRefusalIsAnAnswerOrAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		defer h.server.Close()
		refusal := &answers.Problem{Status: 400, Detail: "cursor is of another topic", Parameter: "cursor", Value: "x"}
		h.source.Err = refusal
		client, answer := h.open(t, "/stream?cursor=x")
		if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Content-Type") != problemType {
			t.Errorf("it is answered with %s, %v", answer.Status, answer.Header)
		}
		client.Close()
		h.source.Err = nil
		h.source.Following = func(_ context.Context, _ answers.FollowQuery, event func(answers.Event) error) error {
			if err := event(answers.Event{ID: "1", Gap: &answers.Gap{}}); err != nil {
				return err
			}
			time.Sleep(time.Second) // of virtual time: the event is sent, and no heartbeat is due
			return refusal
		}
		client, answer = h.open(t, "/stream")
		defer client.Close()
		body := bufio.NewReader(answer.Body)
		next(t, body)
		next(t, body)
		want := "event: problem\ndata: " + `{"type":"about:blank","title":"Bad Request","status":400,"detail":"cursor is of another topic","parameter":"cursor","value":"x"}` + "\n"
		if got := next(t, body); got != want {
			t.Errorf("the event is %q, want %q", got, want)
		}
		if rest, err := io.ReadAll(body); len(rest) != 0 || err != nil {
			t.Errorf("then there is %q, error %v", rest, err)
		}
	})
}

// TestLastEventComesBeforeTheEnd, also where the Source ends right after it. Which of two goroutines runs first
// is chance. Only the scheduler of the race detector, which picks at random, has shown the fault.
func TestLastEventComesBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		defer h.server.Close()
		h.source.Following = func(_ context.Context, _ answers.FollowQuery, event func(answers.Event) error) error {
			_ = event(answers.Event{ID: "1.1", Gap: &answers.Gap{}})
			return &answers.Problem{Status: 404, Detail: "the topic is another one"}
		}
		for range 200 {
			client, answer := h.open(t, "/stream")
			events, err := io.ReadAll(answer.Body)
			client.Close()
			if got := string(events); err != nil || strings.Count(got, "event: gap") != 1 || strings.Count(got, "event: problem") != 1 {
				t.Fatalf("it is answered with %s, %q, error %v", answer.Status, got, err)
			}
		}
	})
}

// The process need not wait for the streams.
func TestCloseEndsAllStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		defer h.server.Close()
		client, answer := h.open(t, "/stream")
		defer client.Close()
		body := bufio.NewReader(answer.Body)
		next(t, body)
		h.API.Close()
		if rest, err := io.ReadAll(body); len(rest) != 0 || err != nil {
			t.Errorf("then there is %q, error %v", rest, err)
		}
		synctest.Wait()
		if open, dropped := h.Streams(); open != 0 || dropped != 0 {
			t.Errorf("%d streams are open, %d were cut", open, dropped)
		}
	})
}

// A stream begins before it ends. Browsers come back to a stream that ends, and not to an answer that is no stream.
func TestStreamThatHasNotBegunBeginsAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		defer h.server.Close()
		h.source.Following = func(ctx context.Context, _ answers.FollowQuery, _ func(answers.Event) error) error {
			<-ctx.Done()
			return ctx.Err()
		}
		client, reader := h.connect(t, "/stream")
		defer client.Close()
		synctest.Wait() // less than firstPatience
		h.API.Close()
		answer, err := http.ReadResponse(reader, nil)
		if err != nil || answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != eventType {
			t.Fatalf("it is answered with %v, error %v", answer, err)
		}
		if events, err := io.ReadAll(answer.Body); string(events) != "retry: 3000\n\n" || err != nil {
			t.Errorf("the events are %q, error %v", events, err)
		}
	})
}

// deadlines is an answer that remembers the last deadline.
type deadlines struct {
	httptest.ResponseRecorder
	all []time.Time
}

func (d *deadlines) SetWriteDeadline(at time.Time) error { d.all = append(d.all, at); return nil }

// HTTP/2 would end the stream when a deadline passes.
func TestNoDeadlinePassesBetweenEvents(t *testing.T) {
	w := &deadlines{}
	out := newEvents(w, new(written))
	for _, send := range []func() error{out.begin, out.comment} {
		w.all = nil
		if err := send(); err != nil || len(w.all) != 2 || w.all[0].IsZero() || !w.all[1].IsZero() {
			t.Errorf("error %v, deadlines %v, want one and then none", err, w.all)
		}
	}
}

func TestHeadOfAStreamHasNoEvents(t *testing.T) {
	a := newAPI(t, madeup.New())
	answer := ask(a, http.MethodHead, Root+"/stream")
	if open, _ := a.Streams(); answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != eventType || open != 0 {
		t.Errorf("it is %d, %v, and %d streams are open", answer.Code, answer.Header(), open)
	}
}

// The process goes on.
func TestSourceThatPanicsEndsItsStreamOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		defer h.server.Close()
		h.source.Following = func(context.Context, answers.FollowQuery, func(answers.Event) error) error { panic("a fault") }
		client, answer := h.open(t, "/stream")
		defer client.Close()
		if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusInternalServerError || strings.Contains(string(text), "a fault") {
			t.Errorf("it is answered with %s: %s", answer.Status, text)
		}
	})
}

// A web configuration file with TLS brings HTTP/2.
func TestStreamGoesOverHTTP2(t *testing.T) {
	a := newAPI(t, madeup.New())
	server := httptest.NewUnstartedServer(a)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	defer a.Close()
	answer, err := server.Client().Get(server.URL + Root + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if got := next(t, bufio.NewReader(answer.Body)); got != "retry: 3000\n" || answer.ProtoMajor != 2 {
		t.Errorf("over %s it begins with %q", answer.Proto, got)
	}
}
