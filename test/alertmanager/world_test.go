package alertmanager

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"anomalydetector/episode"
	"anomalydetector/loopback"
	"anomalydetector/notify"
)

// patience is how long a test waits for a condition before it fails.
const patience = time.Minute

// resend is the notifiers' interval. An alert that is not sent again ends after four of them.
const resend = 2 * time.Second

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("gave up waiting until %s", what)
		}
	}
}

// example is the configuration that the page shows.
func example(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/alerting.md")
	must(t, err)
	_, rest, found := strings.Cut(string(page), "```yaml\n")
	text, _, ends := strings.Cut(rest, "\n```")
	if !found || !ends {
		t.Fatal("docs/alerting.md has no block of yaml")
	}
	return text + "\n"
}

// message is what Alertmanager posts to a webhook.
type message struct {
	Status      string
	GroupLabels map[string]string
	Alerts      []struct {
		Status              string
		Labels, Annotations map[string]string
		StartsAt, EndsAt    time.Time
	}
}

func (m message) String() string {
	return fmt.Sprintf("%s %s %s: %d", m.Status, m.GroupLabels["alertname"], m.GroupLabels["asn"], len(m.Alerts))
}

// world is a real Alertmanager with a receiver.
type world struct {
	t       *testing.T
	dir     string
	address string
	command *exec.Cmd
	ended   chan struct{} // of command

	mu       sync.Mutex
	messages []message
}

// newWorld starts an Alertmanager with the page's example, and shorter times.
func newWorld(t *testing.T) *world {
	t.Helper()
	if os.Getenv("ALERTMANAGER") == "" {
		t.Skip("ALERTMANAGER is not set: run make test-alertmanager")
	}
	w := &world{t: t, dir: t.TempDir()}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Errorf("the receiver got: %v", err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.messages = append(w.messages, m)
	}))
	t.Cleanup(receiver.Close)
	text := example(t)
	for name, value := range map[string]string{"group_wait": "1500ms", "group_interval": "1s", "repeat_interval": "1h"} {
		text = regexp.MustCompile(name+`: \w+`).ReplaceAllString(text, name+": "+value)
	}
	text = strings.Replace(text, "http://receiver.example.net/routing", receiver.URL, 1)
	// Nothing is sent to the hosts of the example.
	text = regexp.MustCompile(`(?s)    slack_configs:.*?  - name: operators\n.*$`).ReplaceAllString(text, "  - name: operators\n")
	must(t, os.WriteFile(filepath.Join(w.dir, "alertmanager.yml"), []byte(text), 0o644))
	var err error
	w.address, err = loopback.FreeAddress()
	must(t, err)
	w.start()
	t.Cleanup(w.stop)
	return w
}

// start starts the program, and waits until it is ready.
func (w *world) start() {
	w.t.Helper()
	log := new(bytes.Buffer)
	w.command = exec.Command(os.Getenv("ALERTMANAGER"), "--config.file="+filepath.Join(w.dir, "alertmanager.yml"),
		"--storage.path="+filepath.Join(w.dir, "data"), "--web.listen-address="+w.address, "--cluster.listen-address=")
	w.command.Stdout, w.command.Stderr = log, log
	must(w.t, w.command.Start())
	ended := make(chan struct{})
	w.ended = ended
	command := w.command
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	until(w.t, "Alertmanager is ready", func() bool {
		select {
		case <-ended:
			w.t.Fatalf("Alertmanager has ended:\n%s", log)
		default:
		}
		answer, err := http.Get("http://" + w.address + "/-/ready")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// stop ends the program as its service manager does.
func (w *world) stop() {
	if w.command == nil {
		return
	}
	_ = w.command.Process.Signal(syscall.SIGTERM)
	<-w.ended
	w.command = nil
}

// got are the messages so far.
func (w *world) got() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, m := range w.messages {
		all = append(all, m.String())
	}
	return all
}

// receives waits for messages, in any order, and then for some time in which there must be no others.
func (w *world) receives(want ...string) {
	w.t.Helper()
	slices.Sort(want)
	same := func() bool {
		got := w.got()
		slices.Sort(got)
		return slices.Equal(got, want)
	}
	for deadline := time.Now().Add(patience); !same(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("the receiver got %q, want %q", w.got(), want)
		}
	}
	time.Sleep(3 * time.Second) // no condition shows that no other message comes
	if !same() {
		w.t.Fatalf("the receiver got %q, want %q", w.got(), want)
	}
}

// ask asks the API of Alertmanager.
func (w *world) ask(method, path string, body, answer any) {
	w.t.Helper()
	text, err := json.Marshal(body)
	must(w.t, err)
	request, err := http.NewRequest(method, "http://"+w.address+"/api/v2"+path, bytes.NewReader(text))
	must(w.t, err)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	must(w.t, err)
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	must(w.t, err)
	if response.StatusCode != http.StatusOK {
		w.t.Fatalf("%s %s: %s: %s", method, path, response.Status, said)
	}
	if answer != nil {
		must(w.t, json.Unmarshal(said, answer))
	}
}

// alert is one that Alertmanager knows to be open.
type alert struct {
	Labels map[string]string
	Status struct{ State string }
}

func (w *world) alerts() (all []alert) {
	w.ask(http.MethodGet, "/alerts", nil, &all)
	return all
}

// detector is a process that tells of episodes.
type detector struct {
	*notify.Notifier
	stop  func()
	ahead atomic.Int64 // how far its clock is
}

// detector starts a process that has read the topic: these events.
func (w *world) detector(topic ...notify.Event) *detector {
	w.t.Helper()
	d := new(detector)
	client, err := notify.NewClient(notify.Files{})
	must(w.t, err)
	d.Notifier, err = notify.New(notify.Config{Detector: "hegemonydetector", KeyFields: []string{"scope", "asn"},
		Alertmanagers: []string{"http://" + w.address}, Page: "http://page/", Resend: resend, Timeout: 5 * time.Second, Client: client,
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Now().Add(time.Duration(d.ahead.Load())) }})
	must(w.t, err)
	d.Add(topic)
	d.Live()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	d.stop = func() { cancel(); running.Wait() }
	w.t.Cleanup(d.stop)
	return d
}

// absent is an event of an AS that a scope has lost, at the present time.
func absent(scope int, asn, event string) notify.Event {
	entity := fmt.Sprintf("%d,%s", scope, asn)
	at := time.Now().UnixMilli()
	r := episode.Record{ID: "id-" + entity, Event: event, Kind: "absence", Entity: entity, Fields: map[string]string{"scope": fmt.Sprint(scope), "asn": asn},
		OpenedAt: at - 3_600_000, At: at, Usual: episode.NumberOf(0.5)}
	if event == "resolved" {
		r.Resolved, r.Outcome = at, "returned"
	}
	return notify.Event{Record: r}
}

// lost are the events of an AS that many scopes have lost.
func lost(scopes int, asn, event string) (all []notify.Event) {
	for scope := range scopes {
		all = append(all, absent(scope, asn, event))
	}
	return all
}
