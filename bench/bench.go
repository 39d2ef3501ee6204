package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/procfs"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/bench/report"
)

// Settings are the flags of all parts.
type Settings struct {
	Out        string        `default:"bench/results" help:"Folder for latest.json, benchmark.svg and what is built; untracked (default ${default})."`
	Publish    bool          `help:"Write docs/benchmark.json and docs/benchmark.svg, too."`
	Work       string        `help:"Folder for the broker's and the detectors' data, which are removed at the end. Its disk is what is measured (default: a new one in --out)."`
	Port       int           `default:"39092" help:"Port of the broker on loopback (default ${default})."`
	Partitions int32         `default:"10" help:"Partitions of the topics (default ${default})."`
	Seed       uint64        `default:"1" help:"Seed of the stream (default ${default})."`
	Patience   time.Duration `default:"10m" help:"What a single run may take at most (default ${default})."`

	brokerless bool // no part needs a broker
}

// bench is a run of the program: its broker and its result.
type bench struct {
	settings *Settings
	work     string // absolute
	detector string // the binary
	brokers  string
	broker   *broker
	client   *kgo.Client
	admin    *kadm.Client
	result   report.Result
	count    int // of names; makes each new
}

// measure builds the detector, starts a broker, runs the parts, and writes the result,
// even if a part failed. It always stops the broker and removes the data.
func (s *Settings) measure(ctx context.Context, command any, parts func(*bench) error) (err error) {
	out, err := filepath.Abs(s.Out)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	b := &bench{settings: s, detector: filepath.Join(out, "anomalydetector")}
	b.result.Began, b.result.Machine, b.result.Revision = time.Now(), machine(), revision()
	b.result.Settings = map[string]string{"command line": strings.Join(os.Args[1:], " "), "settings": fmt.Sprintf("%+v", command)}
	if b.work, err = workFolder(s.Work, out); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.work)) }()
	say("building the detector")
	if err := build(ctx, ".", map[string]string{"CGO_ENABLED": "0"}, "go", "build", "-trimpath", "-o", b.detector, "."); err != nil {
		return err
	}
	if s.brokerless {
		return errors.Join(parts(b), ctx.Err(), b.write(out))
	}
	say("starting a broker on port %d", s.Port)
	broker, err := startBroker(ctx, filepath.Join(b.work, "broker"), s.Port)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.stop()) }()
	b.brokers, b.broker = broker.address, broker
	if b.client, err = newClient(b.brokers); err != nil {
		return err
	}
	defer b.client.Close()
	b.admin = kadm.NewClient(b.client)
	failed := parts(b)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(failed, b.write(out))
}

func workFolder(wanted, out string) (string, error) {
	if wanted == "" {
		return os.MkdirTemp(out, "work-")
	}
	if err := os.MkdirAll(wanted, 0o755); err != nil {
		return "", err
	}
	made, err := os.MkdirTemp(wanted, "bench-")
	if err != nil {
		return "", err
	}
	return filepath.Abs(made)
}

// write prints the result as text, and writes it as JSON and as a picture.
func (b *bench) write(out string) error {
	fmt.Print("\n" + b.result.Text())
	encoded, err := json.MarshalIndent(&b.result, "", "  ")
	if err != nil {
		return err
	}
	files := map[string][]byte{filepath.Join(out, "latest.json"): append(encoded, '\n')}
	if len(b.result.Throughput) > 0 {
		files[filepath.Join(out, "benchmark.svg")] = []byte(report.Chart(b.result.Throughput))
	}
	published := "benchmark"
	if b.result.Soak != nil {
		published = "soak"
		files[filepath.Join(out, "soak.svg")] = []byte(report.SoakChart(b.result.Soak))
	}
	if b.settings.Publish {
		for path, content := range files {
			files[filepath.Join("docs", published+filepath.Ext(path))] = content
		}
	}
	for path, content := range files {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
		say("wrote %s", path)
	}
	return nil
}

// name returns another name at each call.
func (b *bench) name(what string) string {
	b.count++
	return fmt.Sprintf("%s.%d", what, b.count)
}

func (b *bench) note(format string, values ...any) {
	note := fmt.Sprintf(format, values...)
	say("note: %s", note)
	b.result.Notes = append(b.result.Notes, note)
}

var began = time.Now()

// say reports a step on stderr.
func say(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "%6.1fs  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, values...))
}

// build runs a compiler. Its error holds the compiler's output.
func build(ctx context.Context, dir string, env map[string]string, name string, arguments ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, name, arguments...)
	alone(command)
	command.Dir, command.Env = dir, os.Environ()
	for key, value := range env {
		command.Env = append(command.Env, key+"="+value)
	}
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build with %s in %s: %w\n%s", name, dir, err, said)
	}
	return nil
}

func revision() string {
	said, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(said))
}

func machine() report.Machine {
	m := report.Machine{CPUs: runtime.NumCPU(), Go: runtime.Version()}
	if system, err := procfs.NewDefaultFS(); err == nil { // unknown values stay empty
		if cpus, err := system.CPUInfo(); err == nil && len(cpus) > 0 {
			m.Processor = cpus[0].ModelName
		}
		if memory, err := system.Meminfo(); err == nil && memory.MemTotalBytes != nil {
			m.MemoryMB = int64(*memory.MemTotalBytes >> 20)
		}
	}
	m.Kernel = strings.TrimSpace(content("/proc/sys/kernel/osrelease"))
	m.Load = strings.TrimSpace(content("/proc/loadavg"))
	return m
}
