package persistence_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"log/slog"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"anomalydetector/persistence"
	"anomalydetector/test/formats"
)

var writeFormat = flag.Bool("write-format", false, "write testdata/format-N-outlines for the present storage format, which must not exist")

const (
	hour  = int64(3_600_000)
	begin = int64(1_600_000_000_000)
	// A window has 37 points that are a step apart.
	step = 2 * hour
	// Entities without a point for 48 rounds are removed; see the package actors. In the
	// round firstRun the process starts again.
	rounds   = 70
	firstRun = 55
	// farAway is in the year 2100.
	farAway = int64(4_102_444_800_000)
)

// formatOptions keep the journal short, so that there are chunks. Files and the value log take small
// values, too, so that some blocks are in each of them.
var formatOptions = persistence.Options{Journal: 60, Large: 150, File: 40, Outline: 1, Seen: true, Log: slog.New(slog.DiscardHandler)}

var errKilled = errors.New("killed")

// special are values that a decoder may get wrong.
var special = []float64{0, math.Copysign(0, -1), math.SmallestNonzeroFloat64, math.MaxFloat64, -math.MaxFloat64, 0.1, 1.0 / 3, math.Pi, 1 << 53, -1e-300}

// round gives the entities of hegemonydetector's partition 0 their points.
func (a *author) round(i int) {
	at := begin + int64(i)*step
	for n, key := range []string{"64496,1", "64497,2", "Zürich 🗻,9"} {
		a.point(key, at+int64(n), special[(i+n)%len(special)])
	}
	if i%3 == 0 {
		a.point("64498,3", at, float64(i)/7)
	}
	if i%10 == 5 { // a late record, and the next one in time
		a.point("64503,8", at-9*hour, float64(i))
		a.point("64503,8", at, float64(-i))
	}
	if i < 5 {
		a.point("64501,6", at, 1)
		a.point("64505,10", at, 2)
	}
	if i > rounds-20 && i < rounds-10 {
		a.point("64500,5", at, 0.5+float64(i))
	}
	if i >= rounds-2 {
		a.point("64499,4", at, 1e9+float64(i))
		a.point(strings.Repeat("long ", 300), at, float64(i))
	}
	a.head.StreamTime = at + 2
}

// TestWriteFormat writes the directories and archives of the present format; see
// testdata/format-1/README.md.
func TestWriteFormat(t *testing.T) {
	if !*writeFormat {
		t.Skip("without -write-format nothing is written")
	}
	dir := t.TempDir()
	f := &formats.Format{Node: "node-of-a-format"}
	node, err := persistence.OpenNode(dir, f.Node)
	if err != nil {
		t.Fatal(err)
	}
	one, far, delay := writeClosed(t, dir)
	authors := []*author{delay, one, far}
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	f.Number = conclude(t, f, dir, formats.Closed, authors)

	f.Path = filepath.Join("testdata", fmt.Sprintf("format-%d-outlines", f.Number))
	if err := os.Mkdir(f.Path, 0o755); err != nil {
		t.Fatalf("a format that was written stays as it is: %v", err)
	}
	pack(t, dir, f, formats.Closed)
	for _, detector := range []string{"atlasdelaydetector", "hegemonydetector"} {
		archive, err := filepath.Abs(filepath.Join(f.Path, detector+formats.Archive))
		if err != nil {
			t.Fatal(err)
		}
		export := exec.Command("go", "run", "anomalydetector", "state", "export", detector+".conf", archive)
		export.Env = append(os.Environ(), "DETECTOR_DATA_DIR="+dir)
		if said, err := export.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
	}

	killed := filepath.Join(t.TempDir(), "data")
	writeKilled(t, dir, killed, one, far, delay)
	pack(t, killed, f, formats.Killed)
	conclude(t, f, killed, formats.Killed, authors)
	f.Write(t)
}

// writeClosed writes three partitions in two runs of a process.
func writeClosed(t *testing.T, dir string) (one, far, delay *author) {
	const complete = math.MinInt64 // nothing is missing
	hegemony := persistence.Head{Source: "ihr_hegemony\x00ihr_hegemony_anomaly_detection_ipv4\x00hege\x00scope\x00asn",
		Cluster: "a-cluster-of-format", Topic: "abcdefghijklmnopqrstuv", History: 72 * hour, CompleteFrom: complete, NewCompleteFrom: complete}
	one = &author{t: t, want: formats.Partition{Detector: "hegemonydetector"}, head: hegemony, memory: make(windows)}
	far = &author{t: t, want: formats.Partition{Detector: "hegemonydetector", Number: 7}, head: hegemony, memory: make(windows)}
	delay = &author{t: t, want: formats.Partition{Detector: "atlasdelaydetector", Number: 2}, memory: make(windows), head: persistence.Head{
		// A broker before Kafka 2.8 gives no ids. The partition was not read from its first record on.
		Source:  "ihr_raclette_diffrtt\x00ihr_raclette_diffrtt_anomaly_detection\x00median\x00startpoint\x00endpoint",
		History: 72 * hour, CompleteFrom: begin + hour, NewCompleteFrom: complete, Lateness: 26 * hour}}

	first := open(t, dir, formatOptions)
	for _, a := range []*author{one, far, delay} {
		a.take(first)
	}
	for i := range firstRun {
		one.round(i)
		switch i {
		case 12:
			one.checkpoint("64505,10")
		case firstRun - 1:
			one.remove("64501,6")
			one.head.NewCompleteFrom = begin + 4*step + one.head.History + 1
			one.checkpoint()
		default:
			one.checkpoint()
		}
	}
	for i := range 30 {
		delay.head.StreamTime = begin + int64(i)*hour/2
		delay.point("LM0123AS64496,LM64497", delay.head.StreamTime, 20+float64(i)/3)
		delay.point(fmt.Sprintf("LM0124AS64498,IP192.0.2.%d", i%4), delay.head.StreamTime, -0.25)
		delay.checkpoint()
	}
	far.point("64510,1", begin, 1)
	far.point("64511,2", begin, 2)
	far.checkpoint("64511,2")
	adopt(t, first, delay)
	closeAll(t, first, one, far, delay)

	second := open(t, dir, formatOptions)
	for _, a := range []*author{one, far, delay} {
		a.take(second)
	}
	for i := firstRun; i < rounds; i++ {
		one.round(i)
		switch i {
		case firstRun + 3:
			one.sweep("64505,10", begin+4*step)
			one.checkpoint()
		case rounds - 8:
			one.checkpoint("64500,5")
		case rounds - 5:
			one.head.Lateness = 9 * hour
			one.checkpoint("64503,8", "64498,3")
		default:
			one.checkpoint()
		}
	}
	for i := range 30 {
		far.head.StreamTime = farAway + int64(i)*hour
		far.point("64510,1", far.head.StreamTime, float64(i))
		far.checkpoint()
	}
	// What was not committed is not stored.
	e, _, _ := load(t, far.p, "64512,3")
	far.p.Append(e, farAway, 3)
	far.p.RollBack()
	far.gone("64512,3")
	// The last checkpoint removes an entity: the head says that some of it may be left.
	far.sweep("64511,2", begin)
	far.checkpoint()
	for i := range 3 {
		delay.head.StreamTime = begin + int64(i+30)*hour/2
		delay.point("LM0123AS64496,LM64497", delay.head.StreamTime, 30)
		delay.checkpoint()
	}
	closeAll(t, second, one, far, delay)
	return one, far, delay
}

// adopt has a partition go on from a snapshot of its own.
func adopt(t *testing.T, store *persistence.Store, a *author) {
	t.Helper()
	var snapshot bytes.Buffer
	_, err := store.Export(a.want.Detector, a.want.Number, &snapshot)
	if err != nil {
		t.Fatal(err)
	}
	imported, err := store.Import(&snapshot, unchecked)
	if err != nil {
		t.Fatal(err)
	}
	a.p.Close()
	if err := store.Adopt(a.want.Detector, imported); err != nil {
		t.Fatal(err)
	}
	a.take(store)
}

// writeKilled goes on in the closed directory, and copies it while a checkpoint of several
// transactions is being written: all but the last, which has the head, have come through, so
// nothing of it counts.
func writeKilled(t *testing.T, dir, killed string, one, far, delay *author) {
	options, transactions := formatOptions, -1
	options.Split = 3
	options.BeforeWrite = func() error {
		if transactions--; transactions == 0 {
			return errors.Join(errKilled, os.CopyFS(killed, os.DirFS(dir)))
		}
		return nil
	}
	store := open(t, dir, options)
	for _, a := range []*author{one, far, delay} {
		a.take(store)
	}
	for i := rounds; i < rounds+5; i++ {
		one.round(i)
		one.checkpoint()
	}
	far.point("64510,1", farAway+31*hour, math.Pi)
	far.head.StreamTime = farAway + 31*hour
	far.checkpoint("64510,1")

	// A snapshot that came from another node, and is not adopted yet.
	var snapshot bytes.Buffer
	if _, err := store.Export("hegemonydetector", 7, &snapshot); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Import(&snapshot, unchecked); err != nil {
		t.Fatal(err)
	}

	head, memory, state := one.head, maps.Clone(one.memory), one.want.State
	one.round(rounds + 5)
	for i := range 13 {
		one.point(fmt.Sprintf("64520,%d", i), one.head.StreamTime, 5)
		one.want.Gone = append(one.want.Gone, fmt.Sprintf("64520,%d", i))
	}
	// One announces the checkpoint, four have three entities each, the sixth has one, a part of
	// the owner's state and a block, and the seventh would have the head.
	transactions = 7
	if err := one.try(); !errors.Is(err, errKilled) || !strings.Contains(err.Error(), "write checkpoint") {
		t.Fatalf("the checkpoint ended with %v, want an error for the head", err)
	}
	one.head, one.memory, one.want.State = head, memory, state
	closeAll(t, store, one, far, delay)
}

func closeAll(t *testing.T, store *persistence.Store, authors ...*author) {
	t.Helper()
	for _, a := range authors {
		a.p.Close()
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// conclude notes what must be found in a directory. Only the numbers of chunks and of
// points in the journal are read from it; the rest comes from the authors.
func conclude(t *testing.T, f *formats.Format, dir, directory string, authors []*author) (format int) {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	options := formatOptions
	options.ReadOnly = true
	store := open(t, copied, options)
	summaries, err := store.Summaries()
	if err == nil {
		err = store.Close()
	}
	if err != nil || len(summaries) != len(authors) {
		t.Fatalf("%d partitions, %v", len(summaries), err)
	}
	for i, a := range authors {
		want := a.want
		want.Directory, want.Head, want.Windows = directory, headOf(a.head), make(map[string]formats.Window)
		want.Journal, want.Chunks, want.Gone = summaries[i].Journaled, summaries[i].Chunks, slices.Clone(want.Gone)
		for key, points := range a.memory {
			want.Windows[key] = windowOf(points)
		}
		f.Partitions = append(f.Partitions, &want)
	}
	return summaries[0].Format
}

// pack packs a directory. VERIFIED has an id of the machine, which is replaced.
func pack(t *testing.T, dir string, f *formats.Format, directory string) {
	t.Helper()
	verified := filepath.Join(dir, "state", "VERIFIED")
	if content, err := os.ReadFile(verified); err == nil {
		const header = 5 // the format and a checksum
		body := regexp.MustCompile(`"Boot":"[^"]*"`).ReplaceAll(content[header:], []byte(`"Boot":"00000000-0000-0000-0000-000000000000"`))
		value := append(content[:1:1], make([]byte, 4)...)
		binary.LittleEndian.PutUint32(value[1:], crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
		if err := os.WriteFile(verified, append(value, body...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := formats.Pack(dir, filepath.Join(f.Path, directory+".tar.gz")); err != nil {
		t.Fatal(err)
	}
}
