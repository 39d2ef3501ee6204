package notify

import (
	"context"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// asked is what a server was asked with.
type asked struct {
	mu      sync.Mutex
	headers []string // Authorization of each request
}

func (a *asked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.headers = append(a.headers, r.Header.Get("Authorization"))
	if strings.HasPrefix(r.URL.Path, "/elsewhere") {
		http.Redirect(w, r, "/api/v2/alerts", http.StatusTemporaryRedirect)
	}
}

// sends sends an alert with these files, and returns the status after the first request.
func sends(t *testing.T, url string, files Files) (Status, string) {
	t.Helper()
	client, err := NewClient(files)
	if err != nil {
		t.Fatal(err)
	}
	log := new(log)
	n, err := New(Config{Alertmanagers: []string{url}, Resend: time.Hour, Timeout: time.Minute, Client: client, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() { n.Run(ctx) })
	n.Live()
	n.Add(events(opened("1", "1")))
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if s := n.Status()[0]; s.Sent+s.Errors > 0 {
			cancel()
			running.Wait()
			return s, strings.Join(log.lines(), "\n")
		}
	}
	t.Fatal("nothing is sent")
	return Status{}, ""
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestServerIsCheckedAgainstTheCA(t *testing.T) {
	to := new(asked)
	server := httptest.NewTLSServer(to)
	defer server.Close()
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	if status, said := sends(t, server.URL, Files{CA: file(t, ca)}); status.Sent != 1 {
		t.Errorf("with its CA: %+v: %s", status, said)
	}
	if status, said := sends(t, server.URL, Files{}); status.Errors != 1 || !strings.Contains(said, "certificate") {
		t.Errorf("with the CAs of the system: %+v: %s", status, said)
	}
	if _, err := NewClient(Files{CA: file(t, "none")}); err == nil {
		t.Error("a CA that is none is taken")
	}
}

// A redirect is not followed, so no other server gets the secret.
func TestSecretsGoToTheAlertmanagerOnly(t *testing.T) {
	for name, files := range map[string]Files{
		"Basic dXNlcjp0b3BzZWNyZXQ=": {Username: "user", PasswordFile: file(t, "topsecret\n")},
		"Bearer topsecret":           {TokenFile: file(t, "topsecret\n")},
	} {
		to := new(asked)
		server := httptest.NewServer(to)
		if status, _ := sends(t, server.URL, files); status.Sent != 1 || to.headers[0] != name {
			t.Errorf("%+v with %q, want %q", status, to.headers, name)
		}
		status, said := sends(t, server.URL+"/elsewhere", files)
		if status.Errors != 1 || len(to.headers) != 2 || strings.Contains(said, "topsecret") || !strings.Contains(said, "307") {
			t.Errorf("redirected: %+v after %d requests: %s", status, len(to.headers), said)
		}
		server.Close()
		if status, said := sends(t, server.URL, files); status.Errors != 1 || strings.Contains(said, "topsecret") || strings.Contains(said, "dXNlcj") {
			t.Errorf("away: %+v: %s", status, said)
		}
	}
	if status, said := sends(t, "http://127.0.0.1:1", Files{TokenFile: "/nowhere"}); status.Errors != 1 {
		t.Errorf("a missing file: %+v: %s", status, said)
	}
}

func TestPanicHoldsUpNothing(t *testing.T) {
	start(t, nil, func(s *started) {
		s.Live()
		s.to.problem = func(_ *http.Request, alerts []wire) (int, error) {
			if alerts[0].Labels["asn"] == "bad" {
				panic("shaken")
			}
			return http.StatusOK, nil
		}
		s.Add(events(opened("1", "bad")))
		time.Sleep(time.Second)
		s.Add(events(opened("1", "1")))
		time.Sleep(time.Second)
		if open, _ := s.to.counts(); open != 1 || !strings.Contains(s.log.lines()[0], "level=ERROR msg=panic") {
			t.Errorf("%d open; logged %q", open, s.log.lines())
		}
	})
}
