package export

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"anomalydetector/synthetic"
)

// varied is a stream with events and entities of all kinds, of several pieces.
func varied(t testing.TB) *synthetic.Stream {
	t.Helper()
	o := synthetic.Default()
	o.Entities, o.LiveBins, o.Events, o.Hard = 120, 400, 14, true
	for _, name := range synthetic.KindNames() {
		kind, _ := synthetic.ParseKind(name)
		o.Kinds = append(o.Kinds, kind)
	}
	for _, name := range synthetic.EntityKindNames() {
		kind, _ := synthetic.ParseEntityKind(name)
		o.EntityKinds = append(o.EntityKinds, kind)
	}
	s, err := synthetic.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func written(t testing.TB, s *synthetic.Stream, f Format, c Compression) (string, Written) {
	t.Helper()
	var out bytes.Buffer
	w, err := Write(&out, s, f, c)
	if err != nil {
		t.Fatal(err)
	}
	if w.Bytes != int64(out.Len()) {
		t.Errorf("%d bytes are told of, %d were written", w.Bytes, out.Len())
	}
	return out.String(), w
}

// each calls check with each datapoint of the stream and the line that has it.
func each(t *testing.T, s *synthetic.Stream, text string, check func(p synthetic.Datapoint, line string)) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := range s.Bins() {
		for _, p := range s.Bin(i) {
			if len(lines) == 0 {
				t.Fatal("lines are missing")
			}
			check(p, lines[0])
			lines = lines[1:]
		}
	}
	if len(lines) > 0 {
		t.Errorf("%d lines too many", len(lines))
	}
}

func TestCSVHasEachDatapointInItsColumns(t *testing.T) {
	s := varied(t)
	text, w := written(t, s, CSV, Plain)
	text, is := strings.CutPrefix(text, "timestamp,scope,asn,hege,nb_peers\n")
	if !is {
		t.Fatal("the header is missing")
	}
	n := int64(0)
	each(t, s, text, func(p synthetic.Datapoint, line string) {
		n++
		row, err := csv.NewReader(strings.NewReader(line)).Read()
		if err != nil || len(row) != 5 {
			t.Fatalf("%q: %v", line, err)
		}
		value, err := strconv.ParseFloat(row[3], 64)
		if row[0] != strconv.FormatInt(p.At/1000, 10) || row[1]+","+row[2] != p.Entity || err != nil || value != p.Value {
			t.Fatalf("%q is not %+v", line, p)
		}
	})
	last := s.Bin(s.Bins() - 1)
	if first := s.Bin(0)[0].At; w.Datapoints != n || w.From != first || w.Until != last[0].At {
		t.Errorf("it tells %+v of %d datapoints", w, n)
	}
}

func TestJSONLHasEachDatapointAsAnObject(t *testing.T) {
	s := varied(t)
	text, _ := written(t, s, JSONL, Plain)
	each(t, s, text, func(p synthetic.Datapoint, line string) {
		var o struct {
			Timestamp  int64
			Scope, ASN string
			Hege       float64
			NBPeers    int `json:"nb_peers"`
		}
		in := json.NewDecoder(strings.NewReader(line))
		in.DisallowUnknownFields()
		if err := in.Decode(&o); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if o.Timestamp*1000 != p.At || o.Scope+","+o.ASN != p.Entity || o.Hege != p.Value || o.NBPeers < 60 {
			t.Fatalf("%q is not %+v", line, p)
		}
	})
}

func TestGoldenHasEachDatapointAsKafkaHasIt(t *testing.T) {
	s := varied(t)
	text, _ := written(t, s, Golden, Plain)
	partitions := make(map[string]int)
	used := make(map[int]bool)
	each(t, s, text, func(p synthetic.Datapoint, line string) {
		var o struct {
			Partition  int
			Timestamp  int64
			Key, Value string
		}
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		payload, err := base64.StdEncoding.DecodeString(o.Value)
		if err != nil || !bytes.Equal(payload, p.Payload) || o.Timestamp != p.At || !strings.HasPrefix(p.Entity, o.Key+",") {
			t.Fatalf("%q is not %+v", line, p)
		}
		if other, known := partitions[o.Key]; known && other != o.Partition || o.Partition < 0 || o.Partition >= goldenPartitions {
			t.Fatalf("%s is in the partitions %d and %d", o.Key, other, o.Partition)
		}
		partitions[o.Key] = o.Partition
		used[o.Partition] = true
	})
	if len(used) < 2 {
		t.Error("all scopes are in one partition")
	}
}

func TestCompressedFilesHoldTheSame(t *testing.T) {
	s := varied(t)
	want, plain := written(t, s, CSV, Plain)
	for c, open := range map[Compression]func(io.Reader) (io.Reader, error){
		Gzip: func(in io.Reader) (io.Reader, error) { return gzip.NewReader(in) },
		Zstd: func(in io.Reader) (io.Reader, error) { return zstd.NewReader(in) },
	} {
		text, w := written(t, s, CSV, c)
		in, err := open(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(in)
		if err != nil || string(got) != want {
			t.Errorf("compression %d: it holds something else, error %v", c, err)
		}
		w.Bytes = plain.Bytes
		if w != plain || len(text) > len(want)/2 {
			t.Errorf("compression %d: %d bytes, and it tells %+v", c, len(text), w)
		}
	}
}

func TestTheBytesDoNotDependOnTheProcessors(t *testing.T) {
	s := varied(t)
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	for _, c := range []Compression{Gzip, Zstd} {
		one, _ := written(t, s, JSONL, c)
		runtime.GOMAXPROCS(4)
		if four, _ := written(t, s, JSONL, c); one != four {
			t.Errorf("compression %d: one and four processors write different files", c)
		}
		runtime.GOMAXPROCS(1)
	}
}

func TestAStreamWithoutDatapointsHasAHeader(t *testing.T) {
	s, err := synthetic.New(synthetic.Options{Entities: 1, Start: time.Unix(0, 0), Bin: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []Compression{Plain, Gzip, Zstd} {
		if text, w := written(t, s, CSV, c); w.Datapoints != 0 || c == Plain && text != header {
			t.Errorf("compression %d: %q, and it tells %+v", c, text, w)
		}
	}
}

// full fails a write.
type full struct{ left int }

var errFull = errors.New("full")

func (f *full) Write(content []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errFull
	}
	return len(content), nil
}

func TestAFailedWriteEndsAll(t *testing.T) {
	s := varied(t)
	before := runtime.NumGoroutine()
	for left := range 4 {
		if _, err := Write(&full{left}, s, CSV, Gzip); !errors.Is(err, errFull) {
			t.Errorf("after %d writes it returns %v", left, err)
		}
	}
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines are left, there were %d", runtime.NumGoroutine(), before)
		}
	}
}

func TestNamesSayTheFormat(t *testing.T) {
	for name, want := range map[string]struct {
		f Format
		c Compression
	}{
		"a.csv": {CSV, Plain}, "a.csv.gz": {CSV, Gzip}, "b/a.b.csv.zst": {CSV, Zstd},
		"a.jsonl": {JSONL, Plain}, "a.golden.jsonl.gz": {Golden, Gzip}, "golden.jsonl.zst": {JSONL, Zstd},
	} {
		if f, c, err := FormatOf(name); f != want.f || c != want.c || err != nil {
			t.Errorf("%s is %v, %d, error %v", name, f, c, err)
		}
	}
	for _, name := range []string{"", "a", "a.txt", "a.gz", "a.csv.bz2", "a.json"} {
		if f, _, err := FormatOf(name); err == nil || !strings.Contains(err.Error(), ".golden.jsonl") {
			t.Errorf("%q is %v, error %v", name, f, err)
		}
	}
	for _, f := range []Format{CSV, JSONL, Golden} {
		if got, known := ParseFormat(f.String()); got != f || !known {
			t.Errorf("%v is read as %v", f, got)
		}
	}
	if _, known := ParseFormat("xml"); known {
		t.Error("xml is a format")
	}
}

func TestLabelsAreTheEvents(t *testing.T) {
	events := varied(t).Events()
	var table, objects bytes.Buffer
	if err := errors.Join(LabelsCSV(&table, events), LabelsJSON(&objects, events)); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil || len(rows) != len(events)+1 || strings.Join(rows[0], ",") != "entity,from,until,kind" {
		t.Fatalf("%d rows, error %v", len(rows), err)
	}
	var all []map[string]string
	if err := json.Unmarshal(objects.Bytes(), &all); err != nil || len(all) != len(events) {
		t.Fatalf("%d objects, error %v", len(all), err)
	}
	for i, e := range events {
		for column, want := range map[string]string{"entity": e.Entity, "kind": e.Kind.String(),
			"from": time.UnixMilli(e.From).UTC().Format(time.RFC3339), "until": time.UnixMilli(e.Until).UTC().Format(time.RFC3339)} {
			at := map[string]int{"entity": 0, "from": 1, "until": 2, "kind": 3}[column]
			if rows[i+1][at] != want || all[i][column] != want {
				t.Errorf("event %d: %s is %q and %q, want %q", i, column, rows[i+1][at], all[i][column], want)
			}
		}
	}
	if err := LabelsCSV(&full{}, events); !errors.Is(err, errFull) {
		t.Errorf("a full disk gives %v", err)
	}
	objects.Reset()
	if err := LabelsJSON(&objects, nil); err != nil || strings.TrimSpace(objects.String()) != "[]" {
		t.Errorf("no events are %q, error %v", objects.String(), err)
	}
}

func BenchmarkWrite(b *testing.B) {
	o := synthetic.Default()
	o.Entities = 10_000
	s, err := synthetic.New(o)
	if err != nil {
		b.Fatal(err)
	}
	points := int64(0)
	for b.Loop() {
		w, err := Write(io.Discard, s, CSV, Zstd)
		if err != nil {
			b.Fatal(err)
		}
		points += w.Datapoints
	}
	b.ReportMetric(float64(points)/b.Elapsed().Seconds(), "points/s")
}
