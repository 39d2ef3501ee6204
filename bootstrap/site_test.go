package bootstrap

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// url waits until the program has logged its URL.
func (o *outside) url(t *testing.T) string {
	t.Helper()
	told := regexp.MustCompile(`health over HTTP" url=(\S+)|health over HTTP url=(\S+)`)
	var url string
	until(t, "the URL is in the log", func() bool {
		found := told.FindStringSubmatch(o.output.String())
		if found != nil {
			url = found[1] + found[2]
		}
		return found != nil
	})
	return url
}

func (o *outside) stop(t *testing.T, exit <-chan int) {
	t.Helper()
	o.signals <- syscall.SIGTERM
	if code := exits(t, exit, o); code != exitClean {
		t.Errorf("exit code %d; it printed:\n%s", code, o.output)
	}
}

// fetch gets a page, and waits until it is there.
func fetch(url string) (status int, body string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err.Error()
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	content, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(content)
}

// sample is the value of a metric; -1 if it is missing.
func sample(metrics, name string) float64 {
	for line := range strings.Lines(metrics) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			value, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err == nil {
				return value
			}
		}
	}
	return -1
}

// occupy listens on a loopback address until the test ends.
func occupy(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// nobody is an address without a broker.
const nobody = "127.0.0.1:1"

// TestMetricsOfARunAgreeWithItsGoldenCase; the program becomes ready, and the health command says so.
func TestMetricsOfARunAgreeWithItsGoldenCase(t *testing.T) {
	const name = "hegemony_mean"
	b := newBroker(t, name)
	dir := t.TempDir()
	address := freeAddress(t)
	conf := b.conf(t, dir, name, "\n[http]\nlisten = "+address+"\n[output]\ndead_letter_topic = "+name+".bad\n")
	must(t, b.client.ProduceSync(context.Background(), &kgo.Record{Topic: name + ".in", Value: nil}).FirstErr())
	o := newOutside(t, map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": filepath.Join(dir, "data"), "DETECTOR_HTTP": ""})
	exit := o.run(conf)
	if url := o.url(t); url != "http://"+address+"/" {
		t.Errorf("the URL is %s", url)
	}
	b.untilRead(t, name)
	url := "http://" + address
	until(t, "it is ready", func() bool { status, _ := fetch(url + "/readyz"); return status == http.StatusOK })
	if status, body := fetch(url + "/"); status != http.StatusOK || !strings.Contains(body, "<title>Now · "+name+" · anomalydetector</title>") {
		t.Errorf("the page is %d: %.300s", status, body)
	}
	want := b.cases[name]
	detector := `{detector="` + name + `"`
	session := `{client="session",detector="` + name + `"`
	var metrics string
	until(t, "the last commit is counted and stored", func() bool {
		_, metrics = fetch(url + "/metrics")
		return sample(metrics, "anomalydetector_checkpoints_total"+detector+`,result="stored"}`) > 0 && sample(metrics, "anomalydetector_records_total"+detector+"}") == float64(len(want.Records)+1)
	})
	got := sample(metrics, "anomalydetector_anomalies_total"+detector+`,direction="above"}`) + sample(metrics, "anomalydetector_anomalies_total"+detector+`,direction="below"}`)
	if got != float64(len(want.Expected)) {
		t.Errorf("%v anomalies are counted, want %d", got, len(want.Expected))
	}
	for metric, value := range map[string]float64{
		"bad_records_total" + detector + `,reason="tombstone"}`:          1,
		"dead_letters_total" + detector + "}":                            1,
		"granularity_seconds" + detector + "}":                           900,
		"partitions" + detector + `,phase="ready",role="assigned"}`:      float64(want.Partitions),
		"nodes" + detector + "}":                                         1,
		"transactions_total" + detector + `,result="aborted"}`:           0,
		"actor_panics_total" + detector + "}":                            0,
		"intake_paused" + detector + `,reason="no_space"}`:               0,
		"kafka_fetch_records_total" + session + "}":                      -2,
		"kafka_produce_records_total" + session + "}":                    -2,
		"joined" + detector + "}":                                        1,
		"last_report_timestamp_seconds" + detector + "}":                 -2,
		"lag_records" + detector + `,partition="0"}`:                     0,
		"replay_remaining_records" + detector + `,partition="0"}`:        0,
		"rebalances_total" + detector + "}":                              -2,
		"transactions_total" + detector + `,result="committed"}`:         -2,
		"transaction_duration_seconds_count" + detector + "}":            -2,
		"detection_duration_seconds_count" + detector + "}":              -2,
		"checkpoints_total" + detector + `,result="stored"}`:             -2,
		"checkpoint_duration_seconds_count" + detector + "}":             -2,
		"points_unscored_total" + detector + `,reason="too_few_points"}`: -2,
		"entities" + detector + `,partition="0"}`:                        -2,
		"cached_entities" + detector + `,partition="0"}`:                 -2,
		"last_record_timestamp_seconds" + detector + `,partition="0"}`:   -2,
		"last_commit_timestamp_seconds" + detector + "}":                 -2,
		"store_size_bytes" + detector + "}":                              -2,
		"disk_free_bytes" + detector + "}":                               -2,
		"disk_free_floor_bytes" + detector + "}":                         -2,
		`http_request_duration_seconds_count{result="answered"}`:         -2,
	} {
		got := sample(metrics, "anomalydetector_"+metric)
		if value == -2 && got <= 0 || value != -2 && got != value {
			t.Errorf("%s is %v", metric, got)
		}
	}
	for _, arguments := range [][]string{{"health", conf}, {"health", "--ready", conf}} {
		asked := newOutside(t, map[string]string{"DETECTOR_HTTP": ""})
		if code := exits(t, asked.run(arguments...), asked); code != exitClean || asked.output.String() != "ok\n" {
			t.Errorf("%v exits with %d and prints %q", arguments, code, asked.output)
		}
	}
	o.stop(t, exit)
	if status, _ := fetch(url + "/healthz"); status != 0 {
		t.Error("it answers after its end")
	}
	asked := newOutside(t, map[string]string{"DETECTOR_HTTP": ""})
	if code := exits(t, asked.run("health", conf), asked); code != exitFailure || !strings.Contains(asked.output.String(), address) {
		t.Errorf("the command exits with %d without a process, and prints %q", code, asked.output)
	}
}

// TestWithoutABrokerItIsAliveAndNotReady: an orchestrator must not restart it, which would not help.
func TestWithoutABrokerItIsAliveAndNotReady(t *testing.T) {
	address, health := freeAddress(t), freeAddress(t)
	dir := t.TempDir()
	conf := filepath.Join(dir, "d.conf")
	content, err := os.ReadFile("../configs/hegemonydetector.conf")
	must(t, err)
	must(t, os.WriteFile(conf, []byte(string(content[:strings.Index(string(content), "[http]")])+"[http]\nlisten = "+address+"\nhealth_listen = "+health+"\n"), 0o644))
	o := newOutside(t, map[string]string{"KAFKA_HOST": nobody, "DETECTOR_DATA_DIR": filepath.Join(dir, "data"), "DETECTOR_HTTP": "", "DETECTOR_LOG": "stdout"})
	exit := o.run(conf)
	for _, at := range []string{address, health} {
		until(t, "it tells why it is not ready", func() bool {
			status, body := fetch("http://" + at + "/readyz?verbose")
			var answer struct {
				Reasons []struct{ Detector, Reason string }
			}
			return status == http.StatusServiceUnavailable && json.Unmarshal([]byte(body), &answer) == nil &&
				len(answer.Reasons) == 1 && answer.Reasons[0].Detector == "d" && answer.Reasons[0].Reason == "joining"
		})
		if status, body := fetch("http://" + at + "/healthz"); status != http.StatusOK {
			t.Errorf("it is not alive: %s", body)
		}
	}
	if status, _ := fetch("http://" + health + "/metrics"); status != http.StatusNotFound {
		t.Errorf("metrics are at health_listen, too: %d", status)
	}
	for arguments, want := range map[string]int{"health": exitClean, "health --ready": exitFailure} {
		asked := newOutside(t, map[string]string{"DETECTOR_HTTP": ""})
		if code := exits(t, asked.run(append(strings.Fields(arguments), conf)...), asked); code != want {
			t.Errorf("%s exits with %d: %s", arguments, code, asked.output)
		}
	}
	o.stop(t, exit)
}

// TestHealthOfTheImageNeedsNoPassword: HEALTHCHECK knows the environment only, and the page may ask for one.
func TestHealthOfTheImageNeedsNoPassword(t *testing.T) {
	page, dir := freeAddress(t), t.TempDir()
	secret := filepath.Join(dir, "web.yml")
	must(t, os.WriteFile(secret, []byte("basic_auth_users: {me: $2y$10$6xeVZ8kN1tdJ6VeqZDd8OuvUqbmNnAF0UmxdvSsyqwzVQnYGwr4gK}\n"), 0o600))
	content, err := os.ReadFile("../configs/hegemonydetector.conf")
	must(t, err)
	conf := filepath.Join(dir, "d.conf")
	must(t, os.WriteFile(conf, []byte(strings.Replace(string(content), "[http]\n", "[http]\nweb_config_file = "+secret+"\n", 1)), 0o644))
	env := map[string]string{"KAFKA_HOST": nobody, "DETECTOR_DATA_DIR": filepath.Join(dir, "data"), "DETECTOR_LOG": "stdout",
		"DETECTOR_HTTP": page, "DETECTOR_HTTP_INSECURE": "yes", "DETECTOR_HEALTH": freeAddress(t)}
	o := newOutside(t, env)
	exit := o.run(conf)
	until(t, "the page asks for a password", func() bool {
		status, _ := fetch("http://" + page + "/healthz")
		return status == http.StatusUnauthorized
	})
	for arguments, want := range map[string]int{"health": exitClean, "health --ready": exitFailure, "health " + conf: exitClean} {
		asked := newOutside(t, env)
		if code := exits(t, asked.run(strings.Fields(arguments)...), asked); code != want {
			t.Errorf("%s exits with %d: %s", arguments, code, asked.output)
		}
	}
	o.stop(t, exit)
}

func TestConfiguredPortThatIsTakenIsAnError(t *testing.T) {
	taken := occupy(t)
	names := map[string]string{"listen": "[http] listen", "health_listen": "[http] health_listen", "health": "DETECTOR_HEALTH"}
	for key, env := range map[string]map[string]string{
		"listen":        {"DETECTOR_HTTP": taken},
		"health_listen": {"DETECTOR_HTTP": "off"},
		"health":        {"DETECTOR_HTTP": "off", "DETECTOR_HEALTH": taken},
	} {
		dir := t.TempDir()
		content, err := os.ReadFile("../configs/hegemonydetector.conf")
		must(t, err)
		text := string(content)
		if key == "health_listen" {
			text = strings.Replace(text, "[http]\n", "[http]\nhealth_listen = "+taken+"\n", 1)
		}
		conf := filepath.Join(dir, "d.conf")
		must(t, os.WriteFile(conf, []byte(text), 0o644))
		env["KAFKA_HOST"], env["DETECTOR_DATA_DIR"] = nobody, filepath.Join(dir, "data")
		o := newOutside(t, env)
		if code := exits(t, o.run(conf), o); code != exitFailure {
			t.Errorf("%s that is taken: exit code %d", key, code)
		}
		if text := o.output.String(); !strings.Contains(text, names[key]+": ") || !strings.Contains(text, "address already in use") || !strings.Contains(text, taken) {
			t.Errorf("%s that is taken: it prints %q", key, text)
		}
		if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
			t.Errorf("%s that is taken: the data directory was made before", key)
		}
	}
}

// TestTakenDefaultPortGivesTheNextOne: two processes without a configured port do not disturb each
// other, and the health command finds each by its detector.
func TestTakenDefaultPortGivesTheNextOne(t *testing.T) {
	urls := make(map[string]bool)
	for _, name := range []string{"hegemonydetector.conf", "atlasdelaydetector.conf"} {
		env := map[string]string{"KAFKA_HOST": nobody, "DETECTOR_DATA_DIR": filepath.Join(t.TempDir(), "data"), "DETECTOR_HTTP": "", "DETECTOR_LOG": "stdout"}
		o := newOutside(t, env)
		exit := o.run(name)
		t.Cleanup(func() { o.stop(t, exit) })
		url := o.url(t)
		urls[url] = true
		if status, body := fetch(url + "healthz"); status != http.StatusOK {
			t.Errorf("%s answers %d: %s", url, status, body)
		}
	}
	if len(urls) != 2 {
		t.Errorf("the two are at %v", urls)
	}
	for _, name := range []string{"hegemonydetector.conf", "atlasdelaydetector.conf"} {
		until(t, "the command finds "+name, func() bool {
			asked := newOutside(t, map[string]string{"DETECTOR_HTTP": ""})
			return exits(t, asked.run("health", name), asked) == exitClean
		})
	}
	asked := newOutside(t, map[string]string{"DETECTOR_HTTP": ""})
	if code := exits(t, asked.run("health", "hegemonydetector_v6.conf"), asked); code != exitFailure {
		t.Errorf("a detector that does not run is well: %d, %s", code, asked.output)
	}
}

func TestConfsOfAProcessAgreeOnHTTP(t *testing.T) {
	dir := t.TempDir()
	var confs []string
	for name, more := range map[string]string{"a": "listen = 127.0.0.1:18080\n", "b": "listen = 127.0.0.1:18081\n"} {
		content, err := os.ReadFile("../configs/hegemonydetector.conf")
		must(t, err)
		confs = append(confs, filepath.Join(dir, name+".conf"))
		must(t, os.WriteFile(confs[len(confs)-1], []byte(strings.Replace(string(content), "[http]\n", "[http]\n"+more, 1)), 0o644))
	}
	o := newOutside(t, map[string]string{"KAFKA_HOST": nobody, "DETECTOR_DATA_DIR": filepath.Join(dir, "data"), "DETECTOR_HTTP": ""})
	if code := exits(t, o.run(confs...), o); code != exitUsage || !strings.Contains(o.output.String(), "[http]: it differs from that of") {
		t.Errorf("exit code %d: %s", code, o.output)
	}
}

func TestWrongHTTPSettingsAreUsageErrors(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "web.yml")
	must(t, os.WriteFile(bad, []byte("nonsense: 1\n"), 0o600))
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"beyond loopback": {map[string]string{"DETECTOR_HTTP": "0.0.0.0:18080"}, "nothing protects it"},
		"no address":      {map[string]string{"DETECTOR_HTTP": "18080"}, "want host:port"},
		"no yes or no":    {map[string]string{"DETECTOR_HTTP_INSECURE": "maybe"}, "want yes or no"},
	} {
		o := newOutside(t, c.env)
		if code := exits(t, o.run("check", "hegemonydetector.conf"), o); code != exitUsage || !strings.Contains(o.output.String(), c.want) {
			t.Errorf("%s: exit code %d: %s", name, code, o.output)
		}
	}
	dir := t.TempDir()
	content, err := os.ReadFile("../configs/hegemonydetector.conf")
	must(t, err)
	conf := filepath.Join(dir, "d.conf")
	must(t, os.WriteFile(conf, []byte(strings.Replace(string(content), "[http]\n", "[http]\nweb_config_file = "+bad+"\n", 1)), 0o644))
	o := newOutside(t, map[string]string{"KAFKA_HOST": nobody, "DETECTOR_DATA_DIR": filepath.Join(dir, "data"), "DETECTOR_HTTP": "0.0.0.0:18080"})
	if code := exits(t, o.run(conf), o); code != exitUsage || !strings.Contains(o.output.String(), "web_config_file") {
		t.Errorf("a wrong web configuration file: exit code %d: %s", code, o.output)
	}
}
