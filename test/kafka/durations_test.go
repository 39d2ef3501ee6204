package kafka_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestDurationsOfStartAndStop measures how long the binary takes to begin reading and to end. It fails only
// if something hangs: figures depend on the machine. KAFKA_TEST_DURATIONS is how often each is measured.
func TestDurationsOfStartAndStop(t *testing.T) {
	runs, err := strconv.Atoi(cmp.Or(os.Getenv("KAFKA_TEST_DURATIONS"), "0"))
	must(t, err)
	if runs == 0 {
		t.Skip("it only measures: set KAFKA_TEST_DURATIONS to the number of runs")
	}
	for name, measure := range map[string]func(*testing.T) map[string]time.Duration{
		"new group, then idle":    measureNewGroup,
		"existing state":          measureRestart,
		"busy":                    measureBusy,
		"replaying":               measureReplaying,
		"seed opened later":       measureLaterSeed,
		"waiting for the broker":  measureWaiting,
		"waiting for the topic":   measureTopicLater,
		"broker process restarts": measureLaterBroker,
	} {
		t.Run(name, func(t *testing.T) {
			took := make(map[string][]time.Duration)
			for run := range runs {
				t.Run(strconv.Itoa(run), func(t *testing.T) {
					for what, duration := range measure(t) {
						took[what] = append(took[what], duration)
					}
				})
			}
			for what, all := range took {
				slices.Sort(all)
				at := func(share float64) time.Duration { return all[int(share*float64(len(all)-1))].Round(time.Millisecond) }
				t.Logf("%s: %d runs, least %s, median %s, 90 %% %s, most %s", what, len(all), at(0), at(0.5), at(0.9), at(1))
			}
		})
	}
}

const small = "short_window_median"

// since waits for a line of the log, and returns how long ago begun was when it came.
func (p *process) since(begun time.Time, line string) time.Duration {
	p.world.Helper()
	p.says(line, 1)
	return time.Since(begun)
}

// ended is how long the process takes to end after a SIGTERM.
func (p *process) ended() time.Duration {
	p.world.Helper()
	begun := time.Now()
	p.stop()
	return time.Since(begun)
}

const ready = "partition ready"

// measureNewGroup: neither the output topic nor the group exists.
func measureNewGroup(t *testing.T) map[string]time.Duration {
	w := newWorld(t, small)
	must(t, w.create(w.input(), w.golden.Partitions))
	w.feed(len(w.golden.Records))
	took := make(map[string]time.Duration)
	begun := time.Now()
	p := w.start(w.conf())
	took["start to ready"] = p.since(begun, ready)
	w.untilCommitted()
	took["start to all committed"] = time.Since(begun)
	took["stop"] = p.ended()
	return took
}

func measureRestart(t *testing.T) map[string]time.Duration {
	w := newWorld(t, small)
	w.createInput()
	w.feed(len(w.golden.Records) / 2)
	first := w.start(w.conf())
	w.untilCommitted()
	first.stop()
	w.feed(len(w.golden.Records))
	took := make(map[string]time.Duration)
	begun := time.Now()
	p := w.start(w.conf())
	took["start to ready"] = p.since(begun, ready)
	w.untilCommitted()
	took["start to all committed"] = time.Since(begun)
	took["stop"] = p.ended()
	return took
}

// bulk feeds records of many entities.
func (w *world) bulk(count int) {
	w.Helper()
	begun := w.golden.Records[0].Timestamp
	for i := range count {
		// {"timestamp": 0, "scope": number, "asn": 1, "hege": 0.5, "nb_peers": 9}: keys and value of the case
		value := []byte("\x85\xa9timestamp\x00\xa5scope\xce")
		value = binary.BigEndian.AppendUint32(value, uint32(i%20000))
		value = append(value, "\xa3asn\x01\xa4hege\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00\xa8nb_peers\x09"...)
		w.client.Produce(context.Background(), &kgo.Record{Topic: w.input(), Value: value, Timestamp: begun.Add(time.Duration(i/20000) * 15 * time.Minute)}, func(_ *kgo.Record, err error) {
			if err != nil {
				w.Error(err)
			}
		})
	}
	must(w.T, w.client.Flush(context.Background()))
}

const bulky = "hegemony_mean"

func measureBusy(t *testing.T) map[string]time.Duration {
	w := newWorld(t, bulky)
	w.createInput()
	w.bulk(3_000_000)
	p := w.start(w.conf())
	p.says(ready, 1)
	w.until("it has committed something", func() bool { return w.committed() > 100_000 })
	return map[string]time.Duration{"stop": p.ended()}
}

func (w *world) committed() (sum int64) {
	offsets, err := w.admin.FetchOffsets(context.Background(), w.name)
	if err == nil {
		for _, partition := range offsets[w.input()] {
			sum += max(partition.At, 0)
		}
	}
	return sum
}

func measureReplaying(t *testing.T) map[string]time.Duration {
	w := newWorld(t, bulky)
	w.createInput()
	w.bulk(2_000_000)
	first := w.start(w.conf())
	w.untilCommitted()
	first.stop()
	must(t, os.RemoveAll(filepath.Join(w.home, "data")))
	p := w.start(w.conf())
	p.says("replay", 1)
	return map[string]time.Duration{"stop": p.ended()}
}

// measureWaiting stops a process that waits for a broker that refuses, and for one that never answers.
func measureWaiting(t *testing.T) map[string]time.Duration {
	took := make(map[string]time.Duration)
	for name, how := range map[string]cutting{"refused": reset, "silent": drop} {
		w := newWorld(t, small)
		front := newProxy(t, freeAddress(t), w.broker)
		front.cut(how)
		p := w.startWith([]string{"KAFKA_HOST=" + front.address, "DETECTOR_DATA_DIR=" + filepath.Join(w.home, "data")}, w.conf())
		if how == reset {
			p.says("cannot start reading", 1)
		} else {
			p.says("detector starts", 1)
			time.Sleep(time.Second)
		}
		took["stop, "+name] = p.ended()
		front.mend()
	}
	return took
}

// measureLaterSeed: the seed refuses connections for some seconds.
func measureLaterSeed(t *testing.T) map[string]time.Duration {
	w := newWorld(t, small)
	w.createInput()
	w.feed(len(w.golden.Records))
	front := newProxy(t, freeAddress(t), w.broker)
	front.cut(reset)
	p := w.startWith([]string{"KAFKA_HOST=" + front.address, "DETECTOR_DATA_DIR=" + filepath.Join(w.home, "data")}, w.conf())
	return p.waitsFor("broker", front.mend)
}

// waitsFor measures how long a process that waits for something reads after it is there. The pause is a part of what
// is measured: the longer the process has waited, the longer it may pause between two tries.
func (p *process) waitsFor(what string, provide func()) map[string]time.Duration {
	p.world.Helper()
	p.says("cannot start reading", 1)
	time.Sleep(time.Duration(3000+time.Now().UnixNano()%8000) * time.Millisecond)
	begun := time.Now()
	provide()
	took := map[string]time.Duration{what + " there to ready": p.since(begun, ready)}
	took["stop"] = p.ended()
	return took
}

func measureTopicLater(t *testing.T) map[string]time.Duration {
	w := newWorld(t, small)
	return w.start(w.conf()).waitsFor("topic", w.createInput)
}

// measureLaterBroker kills the broker and starts it again. It needs the broker's folder.
func measureLaterBroker(t *testing.T) map[string]time.Duration {
	home := os.Getenv("KAFKA_TEST_HOME")
	if home == "" {
		t.Skip("KAFKA_TEST_HOME is not set: the broker's folder")
	}
	w := newWorld(t, small)
	w.createInput()
	w.feed(len(w.golden.Records))
	must(t, exec.Command("./broker", "stop", home).Run())
	p := w.start(w.conf())
	p.says("cannot start reading", 1)
	must(t, exec.Command("./broker", "node", home, "1").Run())
	w.until("the broker listens", func() bool {
		connection, err := net.Dial("tcp", w.broker)
		if err == nil {
			_ = connection.Close()
		}
		return err == nil
	})
	listens := time.Now()
	asking, err := kgo.NewClient(kgo.SeedBrokers(w.broker), kgo.RequestRetries(0))
	must(t, err)
	defer asking.Close()
	admin := kadm.NewClient(asking)
	// A broker answers before it has loaded its groups.
	w.until("the broker serves groups", func() bool {
		offsets, err := admin.FetchOffsets(context.Background(), w.name)
		return err == nil && offsets.Error() == nil
	})
	serves := time.Now()
	p.says(ready, 1)
	took := map[string]time.Duration{"broker listens to ready": time.Since(listens), "broker serves groups to ready": time.Since(serves)}
	took["stop"] = p.ended()
	return took
}

// create makes a topic that keeps records that are years old.
func (w *world) create(topic string, partitions int32) error {
	forever := "-1"
	_, err := w.admin.CreateTopic(context.Background(), partitions, 1, map[string]*string{"retention.ms": &forever}, topic)
	return err
}
