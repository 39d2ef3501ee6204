package cluster

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"anomalydetector/persistence"
	"anomalydetector/test/certs"
)

// drainingNode answers each POST to /v1/leaving with 409 if the guard lets it through.
func drainingNode() *Node {
	n := &Node{config: Config{Advertise: "node:7100", Now: time.Now, Log: slog.New(slog.DiscardHandler)}, exports: make(chan struct{}, exportsAtOnce)}
	n.watchers = []*GroupWatcher{{node: n, name: "d", phase: draining, draining: make(map[string]time.Time), store: &persistence.Store{}}}
	return n
}

func TestOnlyNodesMayChangeState(t *testing.T) {
	const leaving = "/v1/leaving?detector=d&member=id-a"
	for name, c := range map[string]struct {
		method, path, host, header, body string
		want                             int
	}{
		"a node":                              {"POST", leaving, "127.0.0.1:7100", "Anomalydetector-Protocol: 1", "", 409},
		"a node, by the advertised host":      {"POST", leaving, "node:7100", "Anomalydetector-Protocol: 1", "", 409},
		"a form of a page":                    {"POST", leaving, "127.0.0.1:7100", "Content-Type: application/x-www-form-urlencoded", "", 403},
		"a form with the parameters":          {"POST", "/v1/leaving", "127.0.0.1:7100", "Content-Type: application/x-www-form-urlencoded", "detector=d&member=id-a", 413},
		"a page's script":                     {"POST", leaving, "127.0.0.1:7100", "Anomalydetector-Protocol: 1\r\nOrigin: http://evil.example", "", 403},
		"a page of this port":                 {"POST", leaving, "127.0.0.1:7100", "Anomalydetector-Protocol: 1\r\nSec-Fetch-Site: same-origin", "", 403},
		"a page's picture":                    {"GET", "/v1/node", "127.0.0.1:7100", "Sec-Fetch-Site: cross-site", "", 403},
		"a host name that resolves to here":   {"GET", "/v1/node", "evil.example:7100", "Anomalydetector-Protocol: 1", "", 403},
		"a body":                              {"POST", leaving, "127.0.0.1:7100", "Anomalydetector-Protocol: 1", strings.Repeat("x", 1<<20), 413},
		"another method":                      {"PUT", leaving, "127.0.0.1:7100", "Anomalydetector-Protocol: 1", "", 405},
		"a preflight request":                 {"OPTIONS", leaving, "127.0.0.1:7100", "Origin: http://evil.example", "", 403},
		"windows without the protocol header": {"GET", "/v1/windows?detector=d&partition=0&least=0&most=1", "127.0.0.1:7100", "X: y", "", 403},
		"a later protocol":                    {"POST", leaving, "127.0.0.1:7100", "Anomalydetector-Protocol: 2", "", 400},
		"a URL typed into a browser":          {"GET", "/v1/cluster?timeout=x", "localhost:7100", "Sec-Fetch-Site: none", "", 400}, // let through to the handler
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(c.method + " " + c.path + " HTTP/1.1\r\nHost: " + c.host + "\r\n" + c.header + "\r\n\r\n")))
			if err != nil {
				t.Fatal(err)
			}
			if c.body != "" {
				request.Body, request.ContentLength = io.NopCloser(strings.NewReader(c.body)), int64(len(c.body))
			}
			response := httptest.NewRecorder()
			drainingNode().handler().ServeHTTP(response, request)
			if response.Code != c.want {
				t.Errorf("answered %d %s, want %d", response.Code, response.Body, c.want)
			}
		})
	}
}

// TestRequestOfAnOlderNodeIsAccepted: this is what a node sends whose version has no guard.
func TestRequestOfAnOlderNodeIsAccepted(t *testing.T) {
	const question = "POST /v1/leaving?detector=d&member=id-a HTTP/1.1\r\nHost: 127.0.0.1:7100\r\nUser-Agent: Go-http-client/1.1\r\n" +
		"Content-Length: 0\r\nAnomalydetector-Protocol: 1\r\nAccept-Encoding: gzip\r\n\r\n"
	request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(question)))
	if err != nil {
		t.Fatal(err)
	}
	response := httptest.NewRecorder()
	drainingNode().handler().ServeHTTP(response, request)
	if response.Code != http.StatusConflict {
		t.Errorf("answered %d %s", response.Code, response.Body)
	}
}

// TestOnlyMembersAreNotedAsDraining: any other id would grow the map without bound.
func TestOnlyMembersAreNotedAsDraining(t *testing.T) {
	w := &GroupWatcher{node: &Node{config: Config{Now: func() time.Time { return noon }}}, draining: make(map[string]time.Time)}
	var v view
	v.update(nil, true, noon)
	if err := w.noteDraining("id-a", v, nil); err == nil || len(w.draining) > 0 {
		t.Errorf("noted are %v (%v)", w.draining, err)
	}
	v.members = []member{{of("a", 0)}}
	if err := w.noteDraining("id-a", v, nil); err != nil || len(w.draining) != 1 {
		t.Errorf("noted are %v (%v)", w.draining, err)
	}
}

// pipes is a listener whose connections need no network, for virtual time.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

// pipedNode is a started node whose clients connect through pipes.
func pipedNode(t *testing.T) (*Node, *pipes) {
	t.Helper()
	listener := newPipes()
	n, err := New(Config{Advertise: "node:7100", Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Listener: func(string, string) (net.Listener, error) { return listener, nil }})
	if err != nil {
		t.Fatal(err)
	}
	n.Start()
	return n, listener
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	here, there := net.Pipe()
	p.conns <- there
	return here
}

// TestSlowWritersAreCutOff: the deadline runs before the first byte of a request or of its body arrives.
func TestSlowWritersAreCutOff(t *testing.T) {
	for name, c := range map[string]struct {
		begins, goesOn string
		answer         string
		atMost         time.Duration
	}{
		"nothing":       {"", "", "", readAtMost},
		"half a header": {"GET /v1/node HTTP/1.1\r\nHost: localhost\r\nX: ", "x", "", headerAtMost},
		"a slow body": {"POST /v1/leaving HTTP/1.1\r\nHost: localhost\r\nAnomalydetector-Protocol: 1\r\nContent-Length: 100000\r\n\r\n", "x",
			"413", readAtMost + time.Second},
		"a body without an end": {"POST /v1/leaving HTTP/1.1\r\nHost: localhost\r\nAnomalydetector-Protocol: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n",
			"413", readAtMost + time.Second},
		"a long header":               {"GET /v1/entity?key=" + strings.Repeat("x", 2*mostHeader) + " HTTP/1.1\r\n\r\n", "", "431", readAtMost + time.Second},
		"a request, and then nothing": {"GET /v1/node HTTP/1.1\r\nHost: localhost\r\n\r\n", "", "200", idleAtMost + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, listener := pipedNode(t)
				began := time.Now()
				conn := listener.dial()
				var writing sync.WaitGroup
				writing.Go(func() {
					_, err := io.WriteString(conn, c.begins)
					for err == nil && c.goesOn != "" {
						time.Sleep(time.Second)
						_, err = io.WriteString(conn, c.goesOn)
					}
				})
				said, _ := io.ReadAll(conn)
				if took := time.Since(began); took > c.atMost {
					t.Errorf("the node listened for %s, want at most %s", took, c.atMost)
				}
				if c.answer != "" && !bytes.HasPrefix(said, []byte("HTTP/1.1 "+c.answer)) {
					t.Errorf("it answered %.200q, want %s", said, c.answer)
				}
				conn.Close()
				writing.Wait()
				if err := n.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestSlowReadersAreCutOff: a slow reader holds an export for seconds, not for hours. A fast one gets
// everything, but not for ever.
func TestSlowReadersAreCutOff(t *testing.T) {
	for name, c := range map[string]struct {
		each   int // bytes that the reader takes at a time
		every  time.Duration
		whole  int64
		atMost time.Duration
		gets   bool
	}{
		"takes nothing":       {0, 0, 1 << 30, chunkTimeout, false},
		"a byte at a time":    {1, time.Second, 1 << 30, 2 * chunkTimeout, false},
		"a part in 9 s":       {4096, 9 * time.Second, 1 << 30, 2 * chunkTimeout, false},
		"stops in the middle": {1 << 20, 0, 1 << 30, 2 * chunkTimeout, false},
		"fast enough":         {leastRate, time.Second, 60 * leastRate, 2 * time.Minute, true},
		"fast, for ever":      {2 * leastRate, time.Second, 1 << 40, exportAtMost, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				here, there := net.Pipe()
				var reading sync.WaitGroup
				reading.Go(func() {
					part := make([]byte, c.each)
					for i := 0; c.each > 0; i++ {
						if _, err := io.ReadFull(here, part); err != nil || c.each == 1<<20 && i == 3 {
							return
						}
						time.Sleep(c.every)
					}
				})
				began := time.Now()
				out := &pacedWriter{out: there, control: there, until: began.Add(exportAtMost)}
				var err error
				for part := make([]byte, 4096); err == nil && out.bytes < c.whole; {
					_, err = out.Write(part)
				}
				if took := time.Since(began); (err == nil) != c.gets || took > c.atMost {
					t.Errorf("it got %d bytes in %s: %v", out.bytes, took, err)
				}
				if err != nil && !strings.Contains(err.Error(), "too slowly") {
					t.Errorf("the log says %v", err)
				}
				here.Close()
				there.Close()
				reading.Wait()
			})
		})
	}
}

// TestOwnDelayDoesNotCountAsASlowReader: this node's disk may be slow.
func TestOwnDelayDoesNotCountAsASlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		go io.Copy(io.Discard, here)
		out := &pacedWriter{out: there, control: there, until: time.Now().Add(exportAtMost)}
		for range 10 {
			time.Sleep(chunkTimeout - 1)
			if _, err := out.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		here.Close()
		there.Close()
	})
}

// TestTricklingWindowsAreGivenUp: the topic is read instead.
func TestTricklingWindowsAreGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		each   int
		every  time.Duration
		atMost time.Duration
		comes  bool
	}{
		"nothing":          {0, 0, silence, false},
		"a byte at a time": {1, time.Second, 2 * chunkTimeout, false},
		"fast enough":      {leastRate, time.Second, 2 * time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				here, there := net.Pipe()
				var sending sync.WaitGroup
				sending.Go(func() {
					for range 60 * min(c.each, 1) {
						if _, err := there.Write(make([]byte, c.each)); err != nil {
							return
						}
						time.Sleep(c.every)
					}
					if c.comes {
						there.Close()
					}
				})
				began := time.Now()
				alarm := time.AfterFunc(time.Hour, func() { here.Close() })
				_, err := io.Copy(io.Discard, &watched{in: here, alarm: alarm})
				if took := time.Since(began); took > c.atMost || (err == nil) != c.comes {
					t.Errorf("the reader waited for %s, %v", took, err)
				}
				here.Close()
				there.Close()
				sending.Wait()
			})
		})
	}
}

// TestExportBeyondTheLimitIsRefusedInTime: the node that asks has not given up yet.
func TestExportBeyondTheLimitIsRefusedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := drainingNode()
		n.exports <- struct{}{}
		n.exports <- struct{}{}
		request := httptest.NewRequest(http.MethodGet, "http://localhost/v1/windows?detector=d&partition=0&least=0&most=1", nil)
		request.Header.Set(protocolHeader, "1")
		response := httptest.NewRecorder()
		n.handler().ServeHTTP(response, request)
		if response.Code != http.StatusServiceUnavailable {
			t.Errorf("answered %d %s", response.Code, response.Body)
		}
	})
}

func TestConnectionsAreLimited(t *testing.T) {
	listener := newPipes()
	l := limit(listener, 2)
	accepted := make(chan net.Conn)
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			accepted <- conn
		}
		close(accepted)
	}()
	listener.dial()
	first := <-accepted
	listener.dial()
	second := <-accepted
	if _, err := listener.dial().Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("a third connection is not closed: %v", err)
	}
	first.Close()
	first.Close()
	listener.dial()
	(<-accepted).Close()
	second.Close()
	l.Close()
	if _, more := <-accepted; more || len(l.open) != 0 {
		t.Errorf("%d connections are counted after all are closed", len(l.open))
	}
}

func TestBodiesAreRefusedOverHTTP2(t *testing.T) {
	ours := certs.New(t)
	files := filesOf(t, ours, "127.0.0.1")
	address := lonely(t, files)
	_, security := mustLoad(t, files)
	client := newClient(security, new(net.Dialer).DialContext)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	endless, stop := io.Pipe()
	go func() {
		var err error
		for part := make([]byte, 1<<16); err == nil; {
			_, err = stop.Write(part)
		}
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+address+"/v1/leaving", endless)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set(protocolHeader, "1")
	response, err := client.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge || response.ProtoMajor != 2 {
		text, _ := io.ReadAll(response.Body)
		t.Errorf("answered %s %d %s", response.Proto, response.StatusCode, text)
	}
	endless.CloseWithError(os.ErrClosed)
	client.http.CloseIdleConnections()
}
