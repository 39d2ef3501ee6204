package kafka_test

import (
	"cmp"
	"context"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/configs"
	"anomalydetector/synthetic"
	"anomalydetector/test/golden"
	"anomalydetector/test/naive"
)

// What happens to processes, disks, nodes and the broker while episodes are published: the episodes topic must hold the events
// of one uninterrupted run, each once and in order.

const (
	// eventful is a stream whose episodes are of all kinds: entities that vanish, holes of the input, and changes of levels.
	eventful = "eventful"
	// eventfulConf is the golden case whose configuration it has, but for the history: the naive detector is slow.
	eventfulConf = "hegemony_median"
)

// newEventful makes the stream as a case. The naive detector knows its anomalies.
func newEventful(t *testing.T, conf *configs.Config) *golden.Case {
	t.Helper()
	conf.Detection.HistoryHours = 12
	stream, err := synthetic.New(synthetic.Options{
		Seed: 1, Entities: 60, Start: time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC), Bin: 15 * time.Minute, HistoryBins: 50, LiveBins: 200,
		Events: 30, Hard: true, Kinds: []synthetic.Kind{synthetic.Vanish, synthetic.Hole, synthetic.Vanish, synthetic.Shift, synthetic.Outage, synthetic.Spike},
	})
	must(t, err)
	const partitions = 4
	c := &golden.Case{Expected: make(map[int]float64), Conf: conf, ValueField: conf.IO.ValueField, Partitions: partitions}
	judge := naive.New(rulesOf(conf))
	for bin := range stream.Bins() {
		for _, point := range stream.Bin(bin) {
			scope, _, _ := strings.Cut(point.Entity, ",")
			c.Records = append(c.Records, &kgo.Record{Partition: int32(crc32.ChecksumIEEE([]byte(scope)) % partitions), Key: []byte(scope),
				Value: point.Payload, Timestamp: time.UnixMilli(point.At)})
			if deviation, anomalous := judge.Decide(point.Entity, point.At, point.Value); anomalous {
				c.Expected[len(c.Records)-1] = deviation
			}
		}
	}
	return c
}

func rulesOf(conf *configs.Config) naive.Rules {
	return naive.Rules{
		GranularityMinutes: conf.IO.GranularityMinutes, HistoryHours: conf.Detection.HistoryHours, MinRatio: conf.Detection.MinRatio,
		Threshold: conf.Detection.Threshold, MinDeviation: conf.Detection.MinDeviation, Median: conf.Detection.Metric == "median",
	}
}

// createEpisodes makes the episodes topic, in which the broker compacts nothing: the test wants to see all events.
func (w *world) createEpisodes() {
	w.Helper()
	never := map[string]*string{"cleanup.policy": kadm.StringPtr("compact"), "min.compaction.lag.ms": kadm.StringPtr("9223372036854775807")}
	_, err := w.admin.CreateTopic(context.Background(), w.golden.Partitions, 1, never, w.episodes())
	must(w.T, err)
}

// episodic are the lines of the configuration that publish episodes. Commits are frequent, so that many can be interrupted.
func (w *world) episodic() []string {
	return []string{"[persistence]", "commit_interval = 0.2", "[episodes]", "output_topic = " + w.episodes()}
}

// TestEpisodesAreCommittedOnceWhateverIsLost kills a process while it has work, with and without its disk.
func TestEpisodesAreCommittedOnceWhateverIsLost(t *testing.T) {
	w := newWorld(t, eventful)
	w.createInput()
	w.createEpisodes()
	w.conf(w.episodic()...)
	process := w.start("detector.conf")
	w.feedTo(50)
	w.untilCommitted()
	for round, lost := range []bool{false, true, false, true} {
		w.feedTo(60 + 10*round)
		process.signal(syscall.SIGKILL)
		process.ends()
		if lost {
			must(t, os.RemoveAll(filepath.Join(w.home, "data")))
		}
		w.feedTo(65 + 10*round)
		process = w.start("detector.conf")
	}
	w.feedTo(100)
	w.untilCommitted()
	process.stop()
	w.verify()
	w.verifyEpisodes()
}

// TestEpisodesAreCommittedOnceWhereverPartitionsMove: of three nodes one is cut off from the broker, with an open transaction,
// until the others own all partitions. Then another one is killed, and then the third one leaves.
func TestEpisodesAreCommittedOnceWhereverPartitionsMove(t *testing.T) {
	w := newTeam(t, eventful, 1)
	w.createEpisodes()
	w.conf = w.world.conf(append([]string{"[cluster]", "standbys = 1"}, w.episodic()...)...)
	w.start()
	w.feedTo(55)
	w.untilSteady()
	// A partition may have no records, and the node to be cut off must write.
	read := w.nodes[0].status().read()
	nodes := slices.SortedFunc(slices.Values(w.nodes), func(a, b *node) int { return cmp.Compare(read[b.peers.address], read[a.peers.address]) })
	away, killed, leaves := nodes[0], nodes[1], nodes[2]
	away.cutOff(drop, writing)
	w.meanwhile(70, "the others own all partitions", func() bool {
		return killed.status().shared(w.golden.Partitions, killed, leaves)
	})
	away.broker.mend()
	w.meanwhile(75, "it has its share again", func() bool {
		return away.status().shared(w.golden.Partitions, w.nodes...)
	})
	w.feedTo(80)
	killed.kill()
	w.feedTo(85)
	leaves.stop()
	w.feedTo(90)
	killed.start()
	leaves.start()
	w.finish()
	w.verifyEpisodes()
}

// TestEpisodesAreCommittedOnceWhileTheBrokerRestarts: a broker of its own stops, and is killed.
func TestEpisodesAreCommittedOnceWhileTheBrokerRestarts(t *testing.T) {
	if os.Getenv("KAFKA_TEST_BROKER") == "" {
		t.Skip("no broker: run this with `make test-kafka`")
	}
	home, port := filepath.Join(t.TempDir(), "broker"), twoPorts(t)
	t.Cleanup(func() { _ = exec.Command("./broker", "kill", home).Run() })
	brokerDoes(t, "start", home, "1", port)
	t.Setenv("KAFKA_TEST_BROKER", "127.0.0.1:"+port)
	w := newWorld(t, eventful)
	w.createInput()
	w.createEpisodes()
	w.conf(w.episodic()...)
	process := w.start("detector.conf")
	w.feedTo(50)
	w.untilCommitted()
	for round, how := range []string{"stop", "kill"} {
		w.feedTo(65 + 15*round)
		brokerDoes(t, how, home)
		brokerDoes(t, "node", home, "1")
		w.feedTo(70 + 15*round) // waits until the broker is back
	}
	w.feedTo(100)
	w.untilCommitted()
	process.stop()
	w.verify()
	w.verifyEpisodes()
}

// brokerDoes runs the script that has the broker. Its output goes to a file, because a broker that it starts keeps it open.
func brokerDoes(t *testing.T, arguments ...string) {
	t.Helper()
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	must(t, err)
	defer said.Close()
	command := exec.Command("./broker", arguments...)
	command.Env = append(os.Environ(), "KAFKA_HEAP=512m", "KAFKA_DOORS=0")
	command.Stdout, command.Stderr = said, said
	if err := command.Run(); err != nil {
		text, _ := os.ReadFile(said.Name())
		t.Fatalf("broker %v: %v\n%s", arguments, err, text)
	}
}
