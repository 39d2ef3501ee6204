package bootstrap

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/episode"
)

// alertmanager is a fake one.
type alertmanager struct {
	mu     sync.Mutex
	logins []string // users with their passwords, once each
	known  map[string]map[string]any
}

func (k *alertmanager) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if user, password, ok := r.BasicAuth(); ok && (len(k.logins) == 0 || k.logins[len(k.logins)-1] != user+":"+password) {
		k.logins = append(k.logins, user+":"+password)
	}
	var alerts []map[string]any
	if json.NewDecoder(r.Body).Decode(&alerts) != nil || r.URL.Path != "/api/v2/alerts" {
		return
	}
	for _, alert := range alerts {
		labels, _ := json.Marshal(alert["labels"])
		k.known[string(labels)] = alert
	}
}

// ends are the times at which the alerts end, by their entity.
func (k *alertmanager) ends() map[string]time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make(map[string]time.Time)
	for _, alert := range k.known {
		end, _ := time.Parse(time.RFC3339, alert["endsAt"].(string))
		all[alert["labels"].(map[string]any)["entity"].(string)] = end
	}
	return all
}

// TestAlertmanagersAreToldOfEpisodes that the topic holds, of those that follow, and of the detector's own. The password is read again.
func TestAlertmanagersAreToldOfEpisodes(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t, name)
	must(t, b.cluster.CreateTopic("episodes", b.cases[name].Partitions, map[string]string{"cleanup.policy": "compact"}))
	write := func(entity, event string, at time.Time) {
		value, err := json.Marshal(episode.Record{ID: entity, Event: event, Kind: "absence", Entity: entity, OpenedAt: 1000, At: at.UnixMilli()})
		must(t, err)
		must(t, b.client.ProduceSync(context.Background(), &kgo.Record{Topic: "episodes", Key: []byte(entity), Value: value}).FirstErr())
	}
	write("open", "opened", time.UnixMilli(1000))
	write("ended", "resolved", time.UnixMilli(2000))
	known := &alertmanager{known: make(map[string]map[string]any)}
	server := httptest.NewServer(known)
	defer server.Close()
	dir := t.TempDir()
	password := filepath.Join(dir, "password")
	must(t, os.WriteFile(password, []byte("hunter1\n"), 0o600))
	conf := b.conf(t, dir, name, "\n[episodes]\noutput_topic = episodes\n[notify]\nalertmanager = "+server.URL+
		"\nresend_interval = 1s\nusername = user\npassword_file = "+password+"\n")
	o := newOutside(t, map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": filepath.Join(dir, "data"), "DETECTOR_HTTP": freeAddress(t)})
	exit := o.run(conf)
	until(t, "the open episode is told", func() bool { return known.ends()["open"].After(time.Now()) })
	must(t, os.WriteFile(password, []byte("hunter2\n"), 0o600))
	write("new", "opened", time.Now())
	write("open", "resolved", time.Now())
	until(t, "the events are told", func() bool {
		ends := known.ends()
		return ends["new"].After(time.Now()) && ends["open"].Before(time.Now())
	})
	until(t, "the detector's own episodes are told", func() bool { return len(known.ends()) > 2 })
	until(t, "the other password is used", func() bool {
		known.mu.Lock()
		defer known.mu.Unlock()
		return strings.Join(known.logins, " ") == "user:hunter1 user:hunter2"
	})
	if _, found := known.ends()["ended"]; found {
		t.Error("an episode is told that was resolved long ago")
	}
	o.signals <- syscall.SIGTERM
	if code := exits(t, exit, o); code != exitClean {
		t.Errorf("exit code %d; it printed:\n%s", code, o.output)
	}
	for _, alert := range known.known {
		if link, _ := alert["generatorURL"].(string); !strings.HasPrefix(link, "http://") || strings.Contains(link, "127.0.0.1") || !strings.Contains(link, "/entity?") || !strings.Contains(link, "detector="+name) {
			t.Errorf("the link is %q", link)
		}
	}
	if text := o.output.String(); strings.Contains(text, "hunter") || strings.Contains(text, "password=") {
		t.Errorf("it printed:\n%s", text)
	}
}

func TestNotifyNeedsEpisodesAndAReadableCA(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t)
	for more, want := range map[string]string{
		"[notify]\nalertmanager = http://localhost:1\n":                                                         "want [episodes] output_topic, too",
		"[episodes]\noutput_topic = e\n[notify]\nalertmanager = https://localhost:1\ntls_ca = notify_test.go\n": "[notify]: ",
	} {
		dir := t.TempDir()
		o := newOutside(t, map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": filepath.Join(dir, "data")})
		if code := exits(t, o.run(b.conf(t, dir, name, "\n"+more)), o); code == exitClean || !strings.Contains(o.output.String(), want) {
			t.Errorf("exit code %d; it printed:\n%s", code, o.output)
		}
	}
}
