// Package kafka_test runs the built binary against a real Apache Kafka: what only a real broker, real
// processes, killed processes and a cut network can show. test/kafka/run starts the broker and runs the
// tests, which skip without one. The package never calls the program's code: it imports nothing of ours
// but the golden cases and the certificates of the tests.
package kafka_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/test/golden"
)

// patience is how long a test waits for a condition before it fails.
const patience = 3 * time.Minute

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a golden case on the real broker, with topics of its own.
type world struct {
	*testing.T
	golden *golden.Case
	broker string
	client *kgo.Client
	admin  *kadm.Client
	name   string // of the topics and the group
	home   string
	folder string // of the golden case
	fed    int
}

func newWorld(t *testing.T, name string) *world {
	t.Helper()
	broker := os.Getenv("KAFKA_TEST_BROKER")
	if broker == "" {
		t.Skip("no broker: run this with `make test-kafka`")
	}
	folder := filepath.Join("..", "..", "testdata", "golden", name)
	if name == eventful {
		folder = filepath.Join(filepath.Dir(folder), eventfulConf)
	}
	c, err := golden.Load(folder)
	must(t, err)
	if name == eventful {
		c = newEventful(t, c.Conf)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.AlwaysRetryEOF(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	t.Cleanup(client.Close)
	w := &world{T: t, golden: c, broker: broker, client: client, admin: kadm.NewClient(client), home: t.TempDir(), folder: folder,
		name: fmt.Sprintf("%s.%d", name, time.Now().UnixNano())}
	return w
}

func (w *world) input() string  { return w.name + ".in" }
func (w *world) output() string { return w.name + ".out" }
func (w *world) letter() string { return w.name + ".bad" }
func (w *world) life() string   { return w.name + ".life" }

// createInput makes the input topic, which keeps records that are years old.
func (w *world) createInput() {
	w.Helper()
	for _, topic := range []string{w.input(), w.output(), w.letter()} {
		forever := map[string]*string{"retention.ms": kadm.StringPtr("-1")}
		_, err := w.admin.CreateTopic(context.Background(), w.golden.Partitions, 1, forever, topic)
		must(w.T, err)
	}
}

// conf writes the case's configuration for this world's topics.
func (w *world) conf(changes ...string) string {
	w.Helper()
	content, err := os.ReadFile(filepath.Join(w.folder, "detector.conf"))
	must(w.T, err)
	var lines []string
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "input_topic"):
			line = "input_topic = " + w.input()
		case strings.HasPrefix(line, "output_topic"):
			line = "output_topic = " + w.output()
		case strings.HasPrefix(line, "consumer_group"):
			line = "consumer_group = " + w.name
		case strings.HasPrefix(line, "history_hours"):
			line = fmt.Sprint("history_hours = ", w.golden.Conf.Detection.HistoryHours)
		case strings.HasPrefix(line, "duration"):
			continue
		}
		lines = append(lines, line)
		if line == "[job]" && !strings.Contains(strings.Join(changes, ""), "duration") {
			lines = append(lines, "duration = 0")
		}
	}
	path := filepath.Join(w.home, "detector.conf")
	must(w.T, os.WriteFile(path, []byte(strings.Join(append(lines, changes...), "\n")+"\n"), 0o644))
	return path
}

func (w *world) feed(count int) {
	w.Helper()
	end := min(w.fed+count, len(w.golden.Records))
	for _, r := range w.golden.Records[w.fed:end] {
		r.Topic = w.input()
	}
	must(w.T, w.client.ProduceSync(context.Background(), w.golden.Records[w.fed:end]...).FirstErr())
	w.fed = end
}

func (w *world) until(what string, condition func() bool) {
	w.Helper()
	deadline := time.Now().Add(patience)
	for !condition() {
		if time.Now().After(deadline) {
			w.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// untilCommitted waits until the group has read the input to its end.
func (w *world) untilCommitted() {
	w.Helper()
	ends, err := w.admin.ListEndOffsets(context.Background(), w.input())
	must(w.T, err)
	w.until("all input is committed", func() bool {
		committed, err := w.admin.FetchOffsets(context.Background(), w.name)
		all := err == nil
		ends.Each(func(o kadm.ListedOffset) {
			at, ok := committed.Lookup(o.Topic, o.Partition)
			all = all && (o.Offset == 0 || ok && at.At == o.Offset)
		})
		return all
	})
}

// process is the running binary.
type process struct {
	world   *world
	command *exec.Cmd
	output  *safeBuffer
	exited  chan struct{}
}

// safeBuffer may be written and read at the same time.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (w *world) start(arguments ...string) *process {
	w.Helper()
	return w.startWith([]string{"KAFKA_HOST=" + w.broker, "DETECTOR_DATA_DIR=" + filepath.Join(w.home, "data")}, arguments...)
}

// command is the binary with more environment variables.
func (w *world) command(variables []string, arguments ...string) *exec.Cmd {
	command := exec.Command(os.Getenv("DETECTOR_BINARY"), arguments...)
	command.Env = append(append(os.Environ(), "DETECTOR_HTTP=off"), variables...)
	command.Dir = w.home
	return command
}

func (w *world) startWith(variables []string, arguments ...string) *process {
	w.Helper()
	p := &process{world: w, command: w.command(variables, arguments...), output: &safeBuffer{}, exited: make(chan struct{})}
	p.command.Stdout, p.command.Stderr = p.output, p.output
	must(w.T, p.command.Start())
	go func() {
		_ = p.command.Wait() // ends checks the exit code
		close(p.exited)
	}()
	w.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		<-p.exited
		if w.Failed() {
			w.Logf("output of the detector with %s:\n%s", strings.Join(variables, " "), p.output)
		}
	})
	return p
}

func (p *process) signal(s syscall.Signal) { _ = p.command.Process.Signal(s) } // it may have ended

// ends waits for the exit code.
func (p *process) ends() int {
	p.world.Helper()
	select {
	case <-p.exited:
		return p.command.ProcessState.ExitCode()
	case <-time.After(patience):
		p.world.Fatal("the process did not end")
		return -1
	}
}

func (p *process) stop() {
	p.world.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.ends(); code != 0 {
		p.world.Errorf("exit code %d after SIGTERM, want 0", code)
	}
}

// says waits for a text in the output of the process.
func (p *process) says(text string, count int) {
	p.world.Helper()
	p.world.until(fmt.Sprintf("the detector says %q %d times", text, count), func() bool {
		return strings.Count(p.output.String(), text) >= count
	})
}

// read returns all committed records of a topic.
func (w *world) read(topic string) []*kgo.Record {
	w.Helper()
	records, err := golden.Read(topic, kgo.SeedBrokers(w.broker))
	must(w.T, err)
	return records
}

func (w *world) verify() {
	w.Helper()
	for _, problem := range w.golden.Verify(w.read(w.output()), w.fed) {
		w.Error(problem)
	}
}
