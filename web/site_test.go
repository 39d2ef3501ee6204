package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"anomalydetector/actors"
	"anomalydetector/messages"
)

// now is the time of these tests.
var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// disk is a store.
type disk struct {
	size        int64
	free, floor uint64
	err         error
}

func (d *disk) Size() (int64, error)                   { return d.size, d.err }
func (d *disk) Space() (free, floor uint64, err error) { return d.free, d.floor, d.err }

// shown is a detector whose report a test writes.
type shown struct {
	Detector
	report *actors.Report
	disk   *disk
	lost   LostLines // by the process
	reload Reload    // of the process
}

// healthy is a detector of one partition that does its work.
func healthy(name string) *shown {
	d := &shown{reload: Reload{Successful: true, Succeeded: now}, disk: &disk{size: 1, free: 2 << 20, floor: 1 << 20}, report: &actors.Report{
		At: now, Joined: true, Committed: now, Publishes: true,
		Status: messages.DetectorStatus{Detector: name, State: messages.StateLive,
			Partitions: []messages.PartitionStatus{{Partition: 7, Role: messages.RoleAssigned, Phase: messages.Ready}}},
		Partitions: []actors.PartitionReport{{Partition: 7, StreamTime: 1}},
	}}
	d.Detector = Detector{
		Name: name, Granularity: 15 * time.Minute, Counts: &actors.Counts{}, Store: d.disk,
		Report: func() *actors.Report { return d.report }, Rebalances: func() uint64 { return 0 },
	}
	return d
}

func newSite(all ...*shown) *Site {
	config := Config{Version: "1.2.3", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }}
	if len(all) > 0 {
		config.Lost, config.Reload = func() LostLines { return all[0].lost }, func() Reload { return all[0].reload }
	}
	s := New(config)
	var detectors []*Detector
	for _, d := range all {
		detectors = append(detectors, &d.Detector)
	}
	s.Begin(detectors)
	return s
}

// get asks a handler as a browser on this machine does.
func get(handler http.Handler, path string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodGet, path, nil)
	request.Host = "localhost:8080"
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

func problemOf(t *testing.T, answer *httptest.ResponseRecorder, status int) (p problem) {
	t.Helper()
	if answer.Code != status || answer.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("status %d of type %s, want a problem document with %d: %s", answer.Code, answer.Header().Get("Content-Type"), status, answer.Body)
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &p); err != nil || p.Status != status || p.Title == "" || p.Detail == "" {
		t.Errorf("problem %+v, error %v: %s", p, err, answer.Body)
	}
	return p
}

func TestEveryAnswerHasTheStrictHeaders(t *testing.T) {
	s := newSite(healthy("d"))
	for _, path := range []string{"/", "/metrics", "/healthz", "/readyz", "/readyz?verbose", "/nothing"} {
		answer := get(s.Handler(true), path)
		for name, want := range headers {
			if got := answer.Header().Get(name); got != want {
				t.Errorf("%s: header %s is %q, want %q", path, name, got, want)
			}
		}
		if answer.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may be read by other sites", path)
		}
	}
	if csp := headers["Content-Security-Policy"]; !strings.Contains(csp, "default-src 'self'") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("the content security policy is %q", csp)
	}
}

func TestOnlyGetAndHeadAreAnswered(t *testing.T) {
	handler := newSite(healthy("d")).Handler(true)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch, "BREW"} {
		for _, path := range []string{"/", "/metrics", "/healthz", "/readyz", "/nothing"} {
			request := httptest.NewRequest(method, path, nil)
			request.Host = "127.0.0.1"
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, request)
			problemOf(t, answer, http.StatusMethodNotAllowed)
			if answer.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s allows %q", method, path, answer.Header().Get("Allow"))
			}
		}
	}
	request := httptest.NewRequest(http.MethodHead, "/healthz", nil)
	request.Host = "127.0.0.1"
	answer := httptest.NewRecorder()
	if handler.ServeHTTP(answer, request); answer.Code != http.StatusOK {
		t.Errorf("HEAD is answered with %d", answer.Code)
	}
}

func TestRequestWithABodyIsRefused(t *testing.T) {
	request := httptest.NewRequest(http.MethodGet, "/healthz", strings.NewReader("a body"))
	request.Host = "127.0.0.1"
	answer := httptest.NewRecorder()
	newSite(healthy("d")).Handler(true).ServeHTTP(answer, request)
	problemOf(t, answer, http.StatusRequestEntityTooLarge)
}

func TestUnknownPathIsNotFound(t *testing.T) {
	s := newSite(healthy("d"))
	for _, path := range []string{"/nothing", "/metrics/", "/healthz/x", "/api/v1"} {
		problemOf(t, get(s.Handler(true), path), http.StatusNotFound)
	}
	for _, path := range []string{"/", "/metrics"} { // on the handler for probes
		problemOf(t, get(s.HealthHandler(true), path), http.StatusNotFound)
	}
}

// A page of another site can let its name point to loopback, to read what is answered there. Then its name is
// in the Host header.
func TestForeignHostIsMisdirectedOnLoopback(t *testing.T) {
	s := newSite(healthy("d"))
	for host, ours := range map[string]bool{
		"localhost": true, "localhost:8080": true, "LOCALHOST.": true, "127.0.0.1:1": true, "127.8.8.8": true, "[::1]:8080": true, "[::1]": true, "": true,
		"[::ffff:127.0.0.1]": true, "evil.example": false, "evil.example:8080": false, "localhost.evil.example": false, "10.0.0.1": false,
		"0.0.0.0": false, "127.0.0.1.evil.example": false, "[::2]": false, "notlocalhost": false,
	} {
		for _, handler := range []http.Handler{s.Handler(true), s.HealthHandler(true)} {
			request := httptest.NewRequest(http.MethodGet, "/healthz", nil)
			request.Host = host
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, request)
			if ours && answer.Code != http.StatusOK {
				t.Errorf("host %q is answered with %d", host, answer.Code)
			} else if !ours {
				problemOf(t, answer, http.StatusMisdirectedRequest)
			}
		}
		request := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		request.Host = host
		answer := httptest.NewRecorder()
		if s.Handler(false).ServeHTTP(answer, request); answer.Code != http.StatusOK {
			t.Errorf("host %q is answered with %d beyond loopback", host, answer.Code)
		}
	}
}

func TestPanicOfAnAnswerIsAProblem(t *testing.T) {
	s := newSite()
	handler := s.guarded(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a fault") }), false)
	if p := problemOf(t, get(handler, "/"), http.StatusInternalServerError); strings.Contains(p.Detail, "a fault") {
		t.Errorf("the answer tells of the program's inside: %+v", p)
	}
}

// reasonsOf asks for the verbose health.
func reasonsOf(t *testing.T, handler http.Handler, path string) (status int, words []string) {
	t.Helper()
	answer := get(handler, path+"?verbose")
	var h health
	if err := json.Unmarshal(answer.Body.Bytes(), &h); err != nil || answer.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%s: %v: %s", path, err, answer.Body)
	}
	if h.OK != (len(h.Reasons) == 0) || h.Reasons == nil || h.Detectors == nil {
		t.Errorf("%s: %+v", path, h)
	}
	for _, r := range h.Reasons {
		if r.Detail == "" {
			t.Errorf("the reason %s says nothing", r.Reason)
		}
		words = append(words, r.Reason)
	}
	return answer.Code, words
}

func TestHealthNamesWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*shown)
		dead    bool
		unready []string
	}{
		"all is well":    {change: func(*shown) {}},
		"not begun":      {change: func(d *shown) { d.report = nil }, unready: []string{"starting"}},
		"stuck":          {change: func(d *shown) { d.report.At = now.Add(-answersWithin - time.Second) }, dead: true, unready: []string{"stuck"}},
		"slow":           {change: func(d *shown) { d.report.At = now.Add(-answersWithin) }},
		"joining":        {change: func(d *shown) { d.report.Joined = false }, unready: []string{"joining"}},
		"replaying":      {change: func(d *shown) { d.report.Status.Partitions[0].Phase = messages.Replaying }, unready: []string{"replaying"}},
		"taking windows": {change: func(d *shown) { d.report.Status.Partitions[0].Phase = messages.Importing }, unready: []string{"replaying"}},
		"standby replaying": {change: func(d *shown) {
			d.report.Status.Partitions[0].Phase, d.report.Status.Partitions[0].Role = messages.Replaying, messages.RoleStandby
		}},
		"no partitions": {change: func(d *shown) { d.report.Status.Partitions, d.report.Partitions = nil, nil }},
		"no space": {change: func(d *shown) { d.report.Paused, d.report.Status.State = actors.NoSpace, messages.StateStopped },
			unready: []string{"no_space"}},
		"store fails": {change: func(d *shown) { d.report.Paused, d.report.Status.State = actors.StoreFails, messages.StateStopped },
			unready: []string{"store_fails"}},
		"no space, not noticed yet": {change: func(d *shown) { d.disk.free = 0 }, unready: []string{"no_space"}},
		"no word of the disk":       {change: func(d *shown) { d.disk.err = errors.New("input/output error") }, unready: []string{"disk_unknown"}},
		"without a store":           {change: func(d *shown) { d.Store = nil }},
		"stopping":                  {change: func(d *shown) { d.report.Status.State = messages.StateStopped }, unready: []string{"stopped"}},
		"ended":                     {change: func(d *shown) { d.report.Ended, d.report.At = true, now.Add(-time.Hour) }, unready: []string{"stopped"}},
		"two at once": {change: func(d *shown) {
			d.report.Joined, d.report.Status.Partitions[0].Phase = false, messages.Replaying
		}, unready: []string{"joining", "replaying"}},
	} {
		sick, other := healthy("sick"), healthy("other")
		c.change(sick)
		for _, handler := range []http.Handler{newSite(other, sick).Handler(true), newSite(other, sick).HealthHandler(true)} {
			for path, bad := range map[string]bool{"/healthz": c.dead, "/readyz": len(c.unready) > 0} {
				want := map[bool]int{false: http.StatusOK, true: http.StatusServiceUnavailable}[bad]
				answer := get(handler, path)
				if answer.Code != want {
					t.Errorf("%s: %s is answered with %d: %s", name, path, answer.Code, answer.Body)
				}
				if bad {
					if p := problemOf(t, answer, want); !strings.Contains(p.Detail, "sick: ") || strings.Contains(p.Detail, "other: ") {
						t.Errorf("%s: %s says %q", name, path, p.Detail)
					}
				}
			}
			if status, words := reasonsOf(t, handler, "/readyz"); !slices.Equal(words, c.unready) || (status == 200) != (len(words) == 0) {
				t.Errorf("%s: not ready for %v with %d, want %v", name, words, status, c.unready)
			}
			if status, words := reasonsOf(t, handler, "/healthz"); (len(words) > 0) != c.dead || (status == 200) == c.dead {
				t.Errorf("%s: dead for %v with %d, want %v", name, words, status, c.dead)
			}
		}
	}
}

func TestProcessThatStartsIsAliveAndNotReady(t *testing.T) {
	s := New(Config{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
	if answer := get(s.Handler(true), "/healthz"); answer.Code != http.StatusOK {
		t.Errorf("it is not alive: %s", answer.Body)
	}
	if _, words := reasonsOf(t, s.Handler(true), "/readyz"); !slices.Equal(words, []string{"starting"}) {
		t.Errorf("not ready for %v", words)
	}
}

// serve starts a server on loopback that has the site.
func serve(t *testing.T, configFile string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := Serve(listener, newSite(healthy("d")).Handler(true), configFile, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
			t.Error("it still listens")
		}
	})
	return listener.Addr().String()
}

// exchange sends text that no client of the library would send, and returns the answer.
func exchange(t *testing.T, address, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go io.WriteString(conn, text)
	answer, _ := io.ReadAll(conn) // to its end, or until it is reset
	return string(answer)
}

func TestHeaderThatIsTooLargeIsRefused(t *testing.T) {
	answer := exchange(t, serve(t, ""), "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Large: "+strings.Repeat("x", 2*mostHeader)+"\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 431 ") {
		t.Errorf("the answer is %q", answer)
	}
}

// pipes is a listener in memory, which works in virtual time.
type pipes struct {
	dialed chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{dialed: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.dialed:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial returns the client's end, once the server has accepted it.
func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.dialed <- theirs
	return ours
}

// A client that never ends its header, never reads its answer or asks for nothing more holds its connection
// for a limited time.
func TestSlowClientIsCut(t *testing.T) {
	for name, c := range map[string]struct {
		sends string
		reads bool
		limit time.Duration
	}{
		"never ends its header":     {"GET /healthz HTTP/1.1\r\nHost: local", true, headerTimeout},
		"never reads":               {"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n", false, writeTimeout},
		"asks for nothing any more": {"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", true, idleTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener := newPipes()
				gone := make(chan time.Time, 1)
				server := Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/large" {
						return
					}
					for {
						if _, err := w.Write(make([]byte, 1<<16)); err != nil {
							gone <- time.Now()
							return
						}
					}
				}), "", slog.New(slog.DiscardHandler))
				begun := time.Now()
				conn := listener.dial()
				if _, err := io.WriteString(conn, c.sends); err != nil {
					t.Fatal(err)
				}
				if c.reads {
					_, _ = io.Copy(io.Discard, conn) // to its end
					gone <- time.Now()
				}
				if held := (<-gone).Sub(begun); held < c.limit || held > c.limit+time.Second {
					t.Errorf("the connection was held for %s, want %s", held, c.limit)
				}
				conn.Close()
				if err := server.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipes()
		server := Serve(listener, http.NotFoundHandler(), "", slog.New(slog.DiscardHandler))
		begun := time.Now()
		var all []net.Conn
		for range mostOpen {
			all = append(all, listener.dial())
		}
		if waited := time.Since(begun); waited > 0 {
			t.Errorf("%d connections took %s", mostOpen, waited)
		}
		go func(all []net.Conn) { // a pipe ends only if somebody reads it
			for _, conn := range all {
				_, _ = io.Copy(io.Discard, conn)
			}
		}(slices.Clone(all))
		all = append(all, listener.dial())
		if waited := time.Since(begun); waited < headerTimeout {
			t.Errorf("one more was accepted after %s, while all others were open", waited)
		}
		for _, conn := range all {
			conn.Close()
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestWebConfigFileAsksForItsPassword(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yml")
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, "basic_auth_users:\n  reader: %s\n", hash), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := CheckConfigFile(file); err != nil {
		t.Fatal(err)
	}
	if SpeaksTLS(file) {
		t.Error("it is taken for TLS")
	}
	address := serve(t, file)
	for password, want := range map[string]int{"": http.StatusUnauthorized, "wrong": http.StatusUnauthorized, "secret": http.StatusOK} {
		request, err := http.NewRequest(http.MethodGet, "http://"+address+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			request.SetBasicAuth("reader", password)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("with the password %q it answers %s", password, answer.Status)
		}
	}
	if err := os.WriteFile(file, []byte("basic_auth_users: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if CheckConfigFile(file) == nil {
		t.Error("a wrong file is accepted")
	}
}
