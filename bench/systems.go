package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"anomalydetector/bench/report"
)

// system is a program that does the detector's job or a part of it.
type system struct {
	report.Row // its name, label and runs
	make       func(job) program
	// progress is the topic whose committed offsets count the points that are done;
	// nil: the input.
	progress func(job) string
}

// job is one run of a system.
type job struct {
	name          string // of the group, and a part of the topics' names
	input, output string
	dir           string // of the process
}

func (j job) data() string { return filepath.Join(j.dir, "data") }

// conf is hegemonydetector.conf with other topics, and a log on stdout. It has all that
// the original program needs.
const conf = `[io]
input_topic = %s
value_field = hege
key_field = scope,asn
output_topic = %s
time_granularity_min = 15
consumer_group = %s
[detection]
threshold = 5
dev_metric = mean
min_dev = 0.01
history_hours = 72
history_min_ratio = 0.6
[job]
duration = 0
[loggers]
keys = root
[handlers]
keys = logfile
[formatters]
keys = plain
[logger_root]
level = INFO
handlers = logfile
[handler_logfile]
class = FileHandler
formatter = plain
args = ('detector.log',)
[formatter_plain]
format = %%(asctime)s %%(processName)s %%(levelname)s %%(message)s
`

// detectorName is the name of the configuration. State is stored under it.
const detectorName = "detector"

// detectorProgram is the binary as users run it, with more lines in its configuration.
func (b *bench) detectorProgram(j job, more ...string) program {
	path := b.writeConf(j, append([]string{"[persistence]", "dir = " + j.data()}, more...)...)
	return program{name: "the detector", dir: j.dir, command: []string{b.detector, path},
		env: []string{"KAFKA_HOST=" + b.brokers, "LOG_FORMAT=", "GODEBUG=gctrace=1", "container=bench"}} // in a container the log goes to stdout
}

func (j job) conf() string { return filepath.Join(j.dir, detectorName+".conf") }

func (b *bench) writeConf(j job, more ...string) string {
	path := j.conf()
	text := fmt.Sprintf(conf, j.input, j.output, j.name) + strings.Join(more, "\n") + "\n"
	if err := os.MkdirAll(j.dir, 0o755); err == nil {
		_ = os.WriteFile(path, []byte(text), 0o644) // the program reports a missing file
	}
	return path
}

func (b *bench) workSystem(what, label string) *system {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return &system{Row: report.Row{Name: what, Label: label}, make: func(j job) program {
		return program{name: label, dir: j.dir, countsOut: true, command: []string{self, "work", what, b.brokers, j.input}}
	}}
}

const limit = "count" // the row that no reader of the topic can beat

// ours are the limit, the parts, and the detector.
func (b *bench) ours() []*system {
	return []*system{
		b.workSystem(limit, "franz-go, counting only"),
		b.workSystem("decode", "decoding only"),
		b.workSystem("score", "scoring in memory"),
		b.detectorSystem("detector", "detector"),
		b.detectorSystem("detector-unstored", "detector, nothing stored", "enabled = no"),
	}
}

func (b *bench) detectorSystem(name, label string, more ...string) *system {
	return &system{Row: report.Row{Name: name, Label: label}, make: func(j job) program { return b.detectorProgram(j, more...) }}
}

// habits are the detector with the method habit.
func (b *bench) habits() []*system {
	return []*system{
		b.habitSystem("detector-habit", "detector, method habit"),
		b.habitSystem("detector-habit-unstored", "detector, method habit, nothing stored", "enabled = no"),
	}
}

func (b *bench) habitSystem(name, label string, more ...string) *system {
	return &system{Row: report.Row{Name: name, Label: label}, make: func(j job) program {
		p := b.detectorProgram(j, more...)
		text, err := os.ReadFile(j.conf())
		if err == nil {
			text = bytes.Replace(text, []byte("history_min_ratio = 0.6\n"), []byte("method = habit\n"), 1)
			_ = os.WriteFile(j.conf(), text, 0o644) // the program reports a missing file
		}
		return p
	}}
}

// peers builds the named peers, and leaves out those that do not build.
func (b *bench) peers(ctx context.Context, names []string, original string) (list []*system) {
	for _, name := range names {
		make, known := map[string]func(context.Context) (*system, error){
			"kafka-streams": b.kafkaStreams, "goka": b.goka,
		}[name]
		if !known {
			b.note("there is no peer %q: kafka-streams and goka there are", name)
			continue
		}
		say("building %s", name)
		peer, err := make(ctx)
		if err != nil {
			b.note("%s was left out: %v", name, err)
			continue
		}
		list = append(list, peer)
	}
	if words := strings.Fields(original); len(words) > 0 {
		for i, word := range words { // it runs in a folder of its own
			if _, err := os.Stat(word); err == nil {
				words[i], _ = filepath.Abs(word)
			}
		}
		list = append(list, &system{Row: report.Row{Name: "original", Label: "the original", Peer: true}, make: func(j job) program {
			return program{name: "the original", dir: j.dir, command: append(words[:len(words):len(words)], b.writeConf(j)),
				env: []string{"KAFKA_HOST=" + b.brokers}}
		}})
	}
	return list
}

// kafkaStreams runs with two threads, for a machine of two processors, and exactly once.
func (b *bench) kafkaStreams(ctx context.Context) (*system, error) {
	dir, err := filepath.Abs("bench/peers/kafka-streams")
	if err != nil {
		return nil, err
	}
	if err := build(ctx, dir, nil, "mvn", "-q", "-B", "-Dstyle.color=never", "package", "dependency:copy-dependencies", "-DincludeScope=runtime"); err != nil {
		return nil, err
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, err
	}
	classes := filepath.Join(dir, "target", "*") + ":" + filepath.Join(dir, "target", "dependency", "*")
	return &system{Row: report.Row{Name: "kafka-streams", Label: "Kafka Streams", Peer: true}, make: func(j job) program {
		return program{name: "Kafka Streams", dir: j.dir, command: []string{java, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
			"-cp", classes, "Detector", b.brokers, j.input, j.output, j.name, j.data(), "mean", "exactly_once_v2", "2"}}
	}}, nil
}

// goka sends each point to its own loop topic. A point is done when it has read it there.
func (b *bench) goka(ctx context.Context) (*system, error) {
	binary, err := filepath.Abs(filepath.Join(b.settings.Out, "goka-detector"))
	if err != nil {
		return nil, err
	}
	if err := build(ctx, "bench/peers/goka", nil, "go", "build", "-o", binary, "."); err != nil {
		return nil, err
	}
	return &system{Row: report.Row{Name: "goka", Label: "goka", Peer: true},
		progress: func(j job) string { return j.name + "-loop" },
		make: func(j job) program {
			return program{name: "goka", dir: j.dir, command: []string{binary, b.brokers, j.input, j.output, j.name, j.data(), "mean"}}
		}}, nil
}
