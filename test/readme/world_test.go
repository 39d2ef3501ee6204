package readme

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/loopback"
	"anomalydetector/stream"
	"anomalydetector/test/golden"
)

// world is what the commands need: a program, a broker with a stream, and a detector that runs.
type world struct {
	home     string // the working directory of the detector, with its data directory
	page     string // host:port of the detector's page
	brokers  string
	env      []string
	detector *exec.Cmd
	log      string

	directories map[string]string
	temporary   func(*testing.T) string // a directory that outlives a subtest
}

// start builds the program, and starts a detector on an embedded broker with a golden stream.
func start(t *testing.T) *world {
	t.Helper()
	w := &world{home: t.TempDir(), directories: map[string]string{}, temporary: func(*testing.T) string { return t.TempDir() }}
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "anomalydetector"), ".")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cluster, err := stream.Embedded(kfake.SeedTopics(10, "ihr_hegemony", "ihr_raclette_diffrtt"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	w.brokers = strings.Join(cluster.ListenAddrs(), ",")
	feed(t, w.brokers)
	if w.page, err = loopback.FreeAddress(); err != nil {
		t.Fatal(err)
	}
	w.env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "KAFKA_HOST=" + w.brokers, "DETECTOR_HTTP=" + w.page, "NO_COLOR=1"}

	w.log = filepath.Join(w.home, "detector.out")
	log, err := os.Create(w.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	w.detector = exec.Command(filepath.Join(bin, "anomalydetector"), "hegemonydetector.conf")
	w.detector.Dir, w.detector.Env, w.detector.Stdout, w.detector.Stderr = w.home, append(os.Environ(), w.env...), log, log
	if err := w.detector.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.stop(t) })
	w.awaitAnomaly(t)
	return w
}

// feed writes a golden stream to the topic of hegemonydetector.conf.
func feed(t *testing.T, brokers string) {
	t.Helper()
	streams, err := golden.Load(filepath.Join(root, "testdata", "golden", "hegemony_mean"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(brokers, ",")...), kgo.DefaultProduceTopic("ihr_hegemony"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), streams.Records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// awaitAnomaly waits until the detector answers with an anomaly of the entity that the pages ask for.
func (w *world) awaitAnomaly(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		if answer(ctx, "http://"+w.page+"/api/v1/anomalies?limit=1&format=ndjson&asn="+known) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	out, _ := os.ReadFile(w.log)
	t.Fatalf("the detector shows no anomaly:\n%s", out)
}

func answer(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	first := make([]byte, 1)
	n, _ := response.Body.Read(first)
	return response.StatusCode == http.StatusOK && n > 0
}

// stop ends the detector as an operator does.
func (w *world) stop(t *testing.T) {
	if w.detector == nil {
		return
	}
	detector := w.detector
	w.detector = nil
	if err := detector.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := detector.Wait(); err != nil {
		out, _ := os.ReadFile(w.log)
		t.Errorf("the detector ended with %v:\n%s", err, out)
	}
}
