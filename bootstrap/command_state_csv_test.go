package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/test/golden"
)

const archived = "hegemony_mean"

// archiveWorld is a topic that has lost the older part of a golden case, and an empty data directory.
type archiveWorld struct {
	*broker
	dir, conf string
	c         *golden.Case
	begins    time.Time // the topic has most records from this time on
	data      string    // the data directory
}

// newArchiveWorld deletes two thirds of the records from the topic, in the middle of a bin.
func newArchiveWorld(t *testing.T, before ...func(*archiveWorld)) *archiveWorld {
	t.Helper()
	b := newBroker(t, archived)
	w := &archiveWorld{broker: b, dir: t.TempDir(), data: "data", c: b.cases[archived]}
	w.conf = b.conf(t, w.dir, archived, "")
	for _, do := range before {
		do(w)
	}
	w.begins = w.c.Records[len(w.c.Records)*2/3].Timestamp
	until := make(kadm.Offsets)
	for i := range w.c.Partitions {
		var bin []int64
		for _, r := range w.c.Records {
			if r.Partition == i && r.Timestamp.Equal(w.begins) {
				bin = append(bin, r.Offset)
			}
		}
		if len(bin) == 0 {
			t.Fatalf("partition %d has no record at %s", i, w.begins)
		}
		until.Add(kadm.Offset{Topic: archived + ".in", Partition: i, At: bin[len(bin)/2], LeaderEpoch: -1})
	}
	_, err := kadm.NewClient(b.client).DeleteRecords(t.Context(), until)
	must(t, err)
	for i, r := range w.c.Records {
		if first, _ := until.Lookup(r.Topic, r.Partition); r.Offset < first.At {
			delete(w.c.Expected, i) // nobody can find it any more
		}
	}
	if len(w.c.Expected) < 10 {
		t.Fatalf("only %d anomalies are left", len(w.c.Expected))
	}
	return w
}

// rows writes the records up to a time as a CSV. Change may change a row, or drop it by returning "".
func (w *archiveWorld) rows(t *testing.T, name string, from, until time.Time, change func(i int, row string) string) string {
	t.Helper()
	var text strings.Builder
	text.WriteString("originasn,asn,hege,timebin\n")
	for i, r := range w.c.Records {
		if r.Timestamp.Before(from) || r.Timestamp.After(until) {
			continue
		}
		fields, _, err := msgp.ReadMapStrIntfBytes(r.Value, nil)
		must(t, err)
		hege := fmt.Sprint(fields["hege"])
		if float, is := fields["hege"].(float64); is {
			hege = strconv.FormatFloat(float, 'g', -1, 64)
		}
		row := fmt.Sprintf("%v,%v,%s,%s", fields["scope"], fields["asn"], hege, r.Timestamp.UTC().Format("2006-01-02 15:04:05"))
		if change != nil {
			row = change(i, row)
		}
		if row != "" {
			text.WriteString(row + "\n")
		}
	}
	path := filepath.Join(w.dir, name)
	must(t, os.WriteFile(path, []byte(text.String()), 0o600))
	return path
}

// fill imports files, and returns the exit code.
func (w *archiveWorld) fill(t *testing.T, files ...string) (code int, said string) {
	t.Helper()
	o := w.outside(t)
	code = exits(t, o.run(append([]string{"state", "import", w.conf, "--csv", "--map", "scope=originasn"}, files...)...), o)
	return code, o.output.String()
}

func (w *archiveWorld) env() map[string]string {
	return map[string]string{"KAFKA_HOST": w.address(), "DETECTOR_DATA_DIR": filepath.Join(w.dir, w.data)}
}

func (w *archiveWorld) outside(t *testing.T) *outside { return newOutside(t, w.env()) }

// detects runs a detector over all of the topic.
func (w *archiveWorld) detects(t *testing.T) (log string) {
	t.Helper()
	o := w.outside(t)
	exit := o.run(w.conf)
	w.untilRead(t, archived)
	o.signals <- syscall.SIGTERM
	exits(t, exit, o)
	return o.output.String()
}

// TestImportedArchiveGivesTheVerdictsOfOneThatHasReadAll: a detector with the windows of an archive finds what one that has read
// everything finds, from the topic's first record on.
func TestImportedArchiveGivesTheVerdictsOfOneThatHasReadAll(t *testing.T) {
	w := newArchiveWorld(t)
	middle := w.c.Records[len(w.c.Records)/3].Timestamp
	code, said := w.fill(t, w.rows(t, "1.csv", time.Time{}, middle, nil), w.rows(t, "2.csv", middle.Add(time.Second), w.begins.Add(2*time.Hour), nil))
	if code != exitClean || strings.Count(said, "filled partition") != int(w.c.Partitions) {
		t.Fatalf("exit code %d: %s", code, said)
	}
	w.detects(t)
	w.verify(t, archived)
}

// TestWithoutAnImportTheBeginningIsNotScored shows that the test above can fail.
func TestWithoutAnImportTheBeginningIsNotScored(t *testing.T) {
	w := newArchiveWorld(t)
	w.detects(t)
	anomalies, err := golden.Read(archived+".out", kgo.SeedBrokers(w.cluster.ListenAddrs()...))
	must(t, err)
	if problems := w.c.Verify(anomalies, len(w.c.Records)); len(problems) < len(w.c.Expected)/2 {
		t.Errorf("a detector without windows finds nearly the same: %q", problems)
	}
}

// TestImportedWindowsEqualStoredOnes: what a daemon stores after an import is what one stores that has read all, byte by byte.
func TestImportedWindowsEqualStoredOnes(t *testing.T) {
	w := newArchiveWorld(t, func(w *archiveWorld) { // before the topic loses its beginning
		w.data = "whole"
		w.detects(t)
		_, err := kadm.NewClient(w.client).DeleteGroups(t.Context(), archived)
		must(t, err)
	})
	w.data = "filled"
	code, said := w.fill(t, w.rows(t, "all.csv", time.Time{}, w.begins.Add(2*time.Hour), nil))
	if code != exitClean || strings.Contains(said, "are not in the topic") {
		t.Fatalf("exit code %d: %s", code, said)
	}
	w.detects(t)
	same(t, w.export(t, "whole"), w.export(t, "filled"))
}

// export exports the windows of a data directory.
func (w *archiveWorld) export(t *testing.T, data string) (file string) {
	t.Helper()
	w.data = data
	file = filepath.Join(w.dir, data+".archive")
	did(t, w.env(), exitClean, "state", "export", w.conf, file)
	return file
}

func TestArchiveThatDiffersIsRefused(t *testing.T) {
	w := newArchiveWorld(t)
	end := w.begins.Add(2 * time.Hour)
	inOverlap := -1
	for i, r := range w.c.Records {
		if r.Timestamp.Equal(w.begins.Add(15 * time.Minute)) {
			inOverlap = i
			break
		}
	}
	for _, c := range []struct {
		name, says string
		code       int
		files      func() []string
	}{
		{"a value differs", "the archive lacks 1 of the", exitFailure, func() []string {
			return []string{w.rows(t, "a.csv", time.Time{}, end, func(i int, row string) string {
				if i == inOverlap {
					parts := strings.Split(row, ",")
					parts[2] = "0.123"
					return strings.Join(parts, ",")
				}
				return row
			})}
		}},
		{"a row is missing", "the archive lacks 1 of the", exitFailure, func() []string {
			return []string{w.rows(t, "b.csv", time.Time{}, end, func(i int, row string) string {
				if i == inOverlap {
					return ""
				}
				return row
			})}
		}},
		{"a row is there twice", "lacks 1 points that the archive has", exitFailure, func() []string {
			return []string{w.rows(t, "c.csv", time.Time{}, end, func(i int, row string) string {
				if i == inOverlap {
					return row + "\n" + row
				}
				return row
			})}
		}},
		{"it ends too early", "has lost what came before", exitFailure, func() []string {
			return []string{w.rows(t, "d.csv", time.Time{}, w.begins.Add(-time.Hour), nil)}
		}},
		{"its files are in another order", "want the inputs in the order of time", exitFailure, func() []string {
			middle := w.c.Records[len(w.c.Records)/3].Timestamp
			return []string{w.rows(t, "e2.csv", middle, end, nil), w.rows(t, "e1.csv", time.Time{}, middle.Add(-time.Second), nil)}
		}},
		{"it has no rows", "there is no datapoint in", exitUsage, func() []string {
			return []string{w.rows(t, "f.csv", end, time.Time{}, nil)}
		}},
		{"it is not there", "no such file", exitUsage, func() []string { return []string{filepath.Join(w.dir, "none")} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, said := w.fill(t, c.files()...)
			if code != c.code || !strings.Contains(said, c.says) {
				t.Errorf("exit code %d: %s", code, said)
			}
		})
	}
	if code, said := w.fill(t, w.rows(t, "good.csv", time.Time{}, end, nil)); code != exitClean {
		t.Fatalf("after all that nothing should be stored: %s", said)
	}
	if code, said := w.fill(t, filepath.Join(w.dir, "good.csv")); code != exitFailure || !strings.Contains(said, "has windows of "+archived+" already") {
		t.Errorf("it is imported over other windows: exit code %d: %s", code, said)
	}
}

// TestInterruptedImportStoresNothing, says so in one line, and can be repeated.
func TestInterruptedImportStoresNothing(t *testing.T) {
	w := newArchiveWorld(t)
	fifo := filepath.Join(w.dir, "fifo")
	must(t, syscall.Mkfifo(fifo, 0o600))
	archive := w.rows(t, "good.csv", time.Time{}, w.begins.Add(2*time.Hour), nil)
	o := w.outside(t)
	exit := o.run("state", "import", w.conf, fifo, "--csv", "--map", "scope=originasn")
	writer, err := os.OpenFile(fifo, os.O_WRONLY, 0) // waits until the archive is read
	must(t, err)
	defer writer.Close()
	_, err = writer.WriteString("originasn,asn,hege,timebin\n")
	must(t, err)
	o.signals <- syscall.SIGINT
	if code := exits(t, exit, o); code != 130 || o.output.String() != "anomalydetector: interrupted before the windows were stored; nothing is stored\n" {
		t.Errorf("exit code %d: %s", code, o.output)
	}
	if code, said := w.fill(t, archive); code != exitClean {
		t.Errorf("after that it cannot be imported: exit code %d: %s", code, said)
	}
}

// TestImportEndsWhileItStores without any windows, whichever entity it is at.
func TestImportEndsWhileItStores(t *testing.T) {
	w := newArchiveWorld(t)
	archive := w.rows(t, "good.csv", time.Time{}, w.begins.Add(2*time.Hour), nil)
	o := w.outside(t)
	confs, err := loadAll([]string{w.conf}, &o.World)
	must(t, err)
	config := confs[0]
	store, closeState, err := openState(config.Persistence.Dir, confs, &o.World, false)
	must(t, err)
	options, err := fileOptions(config, []string{"scope=originasn"}, "", "")
	must(t, err)
	a := &archiveImport{config: config, world: &o.World, files: []string{archive}, options: options}
	must(t, a.read(t.Context()))
	for _, looks := range []int{0, 1, 2, 5, 20} {
		if err := a.store(&endsAfter{t.Context(), looks}, store); !errors.Is(err, context.Canceled) {
			t.Errorf("after %d looks at the context it ends with %v", looks, err)
		}
		if stored, err := store.Numbers(archived); err != nil || len(stored) > 0 {
			t.Fatalf("after %d looks at the context %v are stored (%v)", looks, stored, err)
		}
	}
	must(t, closeState())
	if code, said := w.fill(t, archive); code != exitClean {
		t.Errorf("after that it cannot be imported: exit code %d: %s", code, said)
	}
}

// endsAfter is a context that ends after some looks at it.
type endsAfter struct {
	context.Context
	looks int
}

func (e *endsAfter) Err() error {
	if e.looks--; e.looks < 0 {
		return context.Canceled
	}
	return nil
}

// TestArchiveGoesOverIntoANewTopic: the topic begins with the bin after the archive's last one, and has lost nothing.
func TestArchiveGoesOverIntoANewTopic(t *testing.T) {
	c, err := golden.Load(filepath.Join("..", "testdata", "golden", archived))
	must(t, err)
	w := &archiveWorld{broker: newBroker(t), dir: t.TempDir(), data: "data", c: c}
	w.cases[archived] = c
	w.conf = w.broker.conf(t, w.dir, archived, "")
	must(t, w.cluster.CreateTopic(archived+".in", c.Partitions, nil))
	if code, said := w.fill(t, w.rows(t, "any.csv", time.Time{}, c.Records[0].Timestamp, nil)); code != exitFailure || !strings.Contains(said, "has no records yet") {
		t.Errorf("an empty topic is taken: exit code %d: %s", code, said)
	}
	end := c.Records[len(c.Records)*2/3].Timestamp
	var newer []*kgo.Record
	for i, r := range c.Records {
		if r.Timestamp.After(end) {
			r.Topic = archived + ".in"
			newer = append(newer, r)
		} else {
			delete(c.Expected, i)
		}
	}
	must(t, w.client.ProduceSync(t.Context(), newer...).FirstErr())
	if code, said := w.fill(t, w.rows(t, "early.csv", time.Time{}, end.Add(-time.Hour), nil)); code != exitFailure || !strings.Contains(said, "want an archive that goes on up to there") {
		t.Errorf("an archive with a gap after it is taken: exit code %d: %s", code, said)
	}
	if code, said := w.fill(t, w.rows(t, "good.csv", time.Time{}, end, nil)); code != exitClean {
		t.Fatalf("exit code %d: %s", code, said)
	}
	w.detects(t)
	w.verify(t, archived)
}
