package bootstrap

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/test/formats"
)

// storedFormats are the directories and archives that the store's tests read, too.
func storedFormats(t *testing.T) []*formats.Format {
	t.Helper()
	return formats.All(t, filepath.Join("..", "persistence", "testdata"))
}

func in(dir string) map[string]string { return map[string]string{"DETECTOR_DATA_DIR": dir} }

// TestStateOfEachFormatIsShownAsUsable: with the settings that are built in.
func TestStateOfEachFormatIsShownAsUsable(t *testing.T) {
	for _, f := range storedFormats(t) {
		for _, directory := range []string{formats.Closed, formats.Killed} {
			t.Run(filepath.Base(f.Path)+"/"+directory, func(t *testing.T) {
				said := did(t, in(f.Unpack(t, directory)), exitClean, "state", "--json", "hegemonydetector.conf", "atlasdelaydetector.conf")
				var found []stateDirectory
				must(t, json.Unmarshal([]byte(said), &found))
				wanted := f.Of(directory)
				if len(found) != 1 || len(found[0].Partitions) != len(wanted) {
					t.Fatalf("it shows\n%s", said)
				}
				for i, want := range wanted {
					got := found[0].Partitions[i]
					if got.StreamTime == nil || *got.StreamTime != want.Head.StreamTime || got.Bytes == 0 {
						t.Errorf("%s/%d: stream time %v, %d bytes", want.Detector, want.Number, got.StreamTime, got.Bytes)
					}
					got.StreamTime, got.Bytes = nil, 0
					if got != (statePartition{Detector: want.Detector, Partition: want.Number, Offset: want.Head.Offset, Entities: len(want.Windows),
						Points: want.Points(), Journaled: want.Journal, Chunks: want.Chunks, Format: f.Number, Usable: true}) {
						t.Errorf("%s/%d is shown as %+v", want.Detector, want.Number, got)
					}
				}
			})
		}
	}
}

// TestStateOfEachFormatIsMoved: what a directory is exported as, and what an import of the
// committed archive is exported as, is that archive.
func TestStateOfEachFormatIsMoved(t *testing.T) {
	for _, f := range storedFormats(t) {
		for _, detector := range []string{"atlasdelaydetector", "hegemonydetector"} {
			t.Run(filepath.Base(f.Path)+"/"+detector, func(t *testing.T) {
				conf, archive := detector+".conf", filepath.Join(f.Path, detector+formats.Archive)
				imported, dir := t.TempDir(), t.TempDir()
				did(t, in(imported), exitClean, "state", "import", conf, archive)
				first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
				did(t, in(f.Unpack(t, formats.Closed)), exitClean, "state", "export", conf, first)
				did(t, in(imported), exitClean, "state", "export", conf, second)
				same(t, first, second)
				if sameVersion(t, first, archive) {
					same(t, first, archive)
				}
			})
		}
	}
}

// sameVersion tells whether archives begin with the same version. Others have the same
// content in other bytes.
func sameVersion(t *testing.T, first, second string) bool {
	t.Helper()
	a, err := os.ReadFile(first)
	must(t, err)
	b, err := os.ReadFile(second)
	must(t, err)
	const begin = len("adetect-archive-") + 1
	return len(a) > begin && len(b) > begin && bytes.Equal(a[:begin], b[:begin])
}

// TestDetectorGoesOnWithEachFormat: it replays nothing of a partition whose group is where the
// stored windows are, and has nothing to warn of.
func TestDetectorGoesOnWithEachFormat(t *testing.T) {
	for _, f := range storedFormats(t) {
		for _, directory := range []string{formats.Closed, formats.Killed} {
			t.Run(filepath.Base(f.Path)+"/"+directory, func(t *testing.T) {
				b := newBroker(t)
				b.commitUpTo(t, f, directory, "atlasdelaydetector")
				env := in(f.Unpack(t, directory))
				env["KAFKA_HOST"] = b.address()
				o := newOutside(t, env)
				o.Container = "none, but the log goes to stdout"
				exit := o.run("atlasdelaydetector.conf")
				for deadline := time.Now().Add(patience); strings.Count(o.output.String(), "partition ready") < 3; time.Sleep(10 * time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatalf("the partitions were not ready:\n%s", o.output)
					}
				}
				o.signals <- syscall.SIGTERM
				code, said := exits(t, exit, o), o.output.String()
				if code != exitClean || strings.Count(said, "replayed=0") != 3 || !strings.Contains(said, "partition=2 entities=5 replayed=0") {
					t.Errorf("exit code %d, and not all was used of what is stored:\n%s", code, said)
				}
				if strings.Contains(said, " WRN ") || strings.Contains(said, " ERR ") {
					t.Errorf("it has something to warn of:\n%s", said)
				}
			})
		}
	}
}

// commitUpTo has a detector's topic reach up to the stored offsets, and its group, too.
func (b *broker) commitUpTo(t *testing.T, f *formats.Format, directory, detector string) {
	t.Helper()
	var offsets kadm.Offsets
	var group string
	for _, p := range f.Of(directory) {
		if p.Detector != detector {
			continue
		}
		source := strings.Split(p.Head.Source, "\x00")
		topic := source[0]
		group = source[1]
		must(t, b.cluster.CreateTopic(topic, p.Number+1, nil))
		record := &kgo.Record{Topic: topic, Partition: p.Number, Timestamp: time.UnixMilli(p.Head.StreamTime)}
		for range p.Head.Offset {
			next := *record
			must(t, b.client.ProduceSync(context.Background(), &next).FirstErr())
		}
		offsets.AddOffset(topic, p.Number, p.Head.Offset, -1)
	}
	_, err := kadm.NewClient(b.client).CommitOffsets(context.Background(), group, offsets)
	must(t, err)
}
