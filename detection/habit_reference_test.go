package detection

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"hash"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"anomalydetector/test/golden"
)

var (
	referencePath = flag.String("reference", "", "the reference of the method habit, to compare with while the test runs")
	writeDigests  = flag.Bool("write", false, "with -reference: write testdata/habit/expected.json")
)

// stream is what a reference judges. All of its entities have the same settings.
type stream struct {
	name    string
	step    int64 // milliseconds
	minDev  float64
	entries []entry
}

type entry struct {
	entity int
	point
}

// expected is what the reference says of a stream: how many points it scores, how many are anomalies, and digests of what it
// says, one of every 500 points.
type expected struct {
	Points, Scored, Anomalies int
	Digests                   []string
}

const digested = 500

// summary makes an expected.
type summary struct {
	expected
	hash.Hash
}

func newSummary() *summary { return &summary{Hash: sha256.New()} }

// take takes what is said of the next point, bit by bit.
func (s *summary) take(j *Judgement) {
	s.Points++
	if j.Reason != TooFewPoints {
		s.Scored++
		s.Anomalies += number(j.Reason == Anomalous)
	}
	_ = binary.Write(s, binary.LittleEndian, []uint64{uint64(j.Reason), math.Float64bits(math.Abs(j.Deviation)), math.Float64bits(j.Median + 0),
		math.Float64bits(j.Low), math.Float64bits(j.High)})
	if s.Points%digested == 0 {
		s.digest()
	}
}

func (s *summary) digest() {
	s.Digests = append(s.Digests, fmt.Sprintf("%x", s.Sum(nil)[:6]))
	s.Reset()
}

func (s *summary) end() expected {
	if s.Points%digested != 0 {
		s.digest()
	}
	return s.expected
}

// settings are the usual ones of the method.
func (s *stream) settings() Settings {
	return Settings{GranularityMinutes: float64(s.step) / 60_000, HistoryHours: 72, MinRatio: HabitMinRatio, Threshold: 5, MinDeviation: s.minDev}
}

// TestHabitEqualsTheReference compares to the last bit: with what the reference has said, or with what it says now.
func TestHabitEqualsTheReference(t *testing.T) {
	const file = "testdata/habit/expected.json"
	want := map[string]expected{}
	if data, err := os.ReadFile(file); err != nil && !*writeDigests {
		t.Fatal(err)
	} else if err == nil {
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
	}
	all := append(goldenStreams(t), randomStreams()...)
	all = append(all, nabStreams(t)...)
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			said := func() *Judgement { return nil }
			if *referencePath != "" {
				said = ask(t, &s)
			}
			states := map[int]*Habit{}
			r := NewHabitRules(s.settings())
			sum, first := newSummary(), ""
			for i, e := range s.entries {
				h := states[e.entity]
				if h == nil {
					h = new(Habit)
					states[e.entity] = h
				}
				j := h.Add(&r, uint64(i/100), e.at, e.value)
				sum.take(&j)
				if other := said(); other != nil && first == "" && !alike(&j, other) {
					first = fmt.Sprintf("point %d, %v at %d: %+v, the reference says %+v", i, e.value, e.at, j, *other)
				}
			}
			if first != "" {
				t.Fatal(first)
			}
			got := sum.end()
			if *writeDigests {
				want[s.name] = got
			}
			w := want[s.name]
			if got.Points != w.Points || got.Scored != w.Scored || got.Anomalies != w.Anomalies {
				t.Errorf("of %d points %d are scored and %d anomalies, in the reference %d, %d and %d", got.Points, got.Scored, got.Anomalies, w.Points, w.Scored, w.Anomalies)
			}
			for i, digest := range got.Digests {
				if i < len(w.Digests) && digest != w.Digests[i] {
					t.Fatalf("points %d to %d differ from the reference; -args -reference PATH says how", i*digested, (i+1)*digested-1)
				}
			}
		})
	}
	if *writeDigests && *referencePath != "" && !t.Failed() {
		data, err := json.Marshal(want)
		if err == nil {
			err = os.WriteFile(file, []byte(strings.ReplaceAll(string(data), `},"`, "},\n\"")+"\n"), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// alike tells whether a judgement is the reference's, which says nothing of the sign.
func alike(j, other *Judgement) bool {
	same := func(a, b float64) bool { return math.Float64bits(a+0) == math.Float64bits(b+0) }
	return j.Reason == other.Reason && same(math.Abs(j.Deviation), other.Deviation) && same(j.Median, other.Median) && same(j.Low, other.Low) && same(j.High, other.High)
}

// ask starts the reference, and returns what it says of one point after the other.
func ask(t *testing.T, s *stream) func() *Judgement {
	t.Helper()
	command := exec.Command("python3", "testdata/habit/reference.py", *referencePath)
	var in strings.Builder
	fmt.Fprintf(&in, "stream %d %x\n", s.step, s.minDev)
	for _, e := range s.entries {
		fmt.Fprintf(&in, "%d %d %x\n", e.entity, e.at, e.value)
	}
	command.Stdin, command.Stderr = strings.NewReader(in.String()), os.Stderr
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := command.Wait(); err != nil {
			t.Error(err)
		}
	})
	lines := bufio.NewScanner(out)
	return func() *Judgement {
		if !lines.Scan() {
			t.Fatal("the reference says no more")
		}
		if lines.Text() == "." {
			return &Judgement{}
		}
		var numbers [4]float64
		for i, word := range strings.Fields(lines.Text()) {
			if numbers[i], err = strconv.ParseFloat(word, 64); err != nil {
				t.Fatal(err)
			}
		}
		j := &Judgement{Verdict: Verdict{Reason: Normal, Deviation: numbers[0], Median: numbers[1]}, Low: numbers[2], High: numbers[3]}
		if j.Deviation > 5 {
			j.Reason = Anomalous
		}
		return j
	}
}

// goldenStreams are the inputs of the golden cases, as a detector with the method's own settings sees them.
func goldenStreams(t *testing.T) (all []stream) {
	t.Helper()
	folders, _ := filepath.Glob(filepath.Join("..", "testdata", "golden", "*"))
	for _, folder := range folders {
		c, err := golden.Load(folder)
		if err != nil {
			t.Fatal(err)
		}
		s := stream{name: "golden/" + filepath.Base(folder), step: int64(c.Conf.IO.GranularityMinutes * 60_000), minDev: c.Conf.Detection.MinDeviation}
		names := map[string]int{}
		for _, record := range c.Records {
			entity, value := decode(t, c, record.Value)
			if _, known := names[entity]; !known {
				names[entity] = len(names)
			}
			s.entries = append(s.entries, entry{names[entity], point{record.Timestamp.UnixMilli(), value}})
		}
		all = append(all, s)
	}
	return all
}

// nabStreams are the real series that the project keeps, and the others if they are beside it.
func nabStreams(t *testing.T) (all []stream) {
	t.Helper()
	kept, _ := filepath.Glob("testdata/habit/nab/*.csv.gz")
	if len(kept) == 0 {
		t.Fatal("no series")
	}
	files := map[string]string{}
	for _, file := range kept {
		files[filepath.Base(file)] = file
	}
	others, _ := filepath.Glob("../../shared/nab/data/*/*.csv.gz")
	for _, file := range others {
		if files[filepath.Base(file)] == "" {
			kept = append(kept, file)
		}
	}
	for _, file := range kept {
		s := stream{name: "nab/" + strings.TrimSuffix(filepath.Base(file), ".csv.gz")}
		for _, row := range rowsOf(t, file) {
			at, err := time.Parse(time.DateTime, row[0])
			if err != nil {
				t.Fatal(err)
			}
			value, err := strconv.ParseFloat(row[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			s.entries = append(s.entries, entry{0, point{at.UnixMilli(), value}})
		}
		s.step = s.entries[1].at - s.entries[0].at
		values := make([]float64, len(s.entries))
		for i, e := range s.entries {
			values[i] = math.Abs(e.value)
		}
		s.minDev = max(medianOf(values)/100, 1e-9) // a hundredth of the level
		all = append(all, s)
	}
	return all
}

// rowsOf are the rows of a compressed CSV file, without its header.
func rowsOf(t *testing.T, file string) [][]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(io.Reader(z)).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatal(file, len(rows), err)
	}
	return rows[1:]
}

// randomStreams have gaps of minutes to days, late points and equal ones.
func randomStreams() (all []stream) {
	for seed := range uint64(60) {
		all = append(all, randomStream(seed))
	}
	return all
}

func randomStream(seed uint64) stream {
	r := rand.New(rand.NewPCG(seed, 22))
	s := stream{name: fmt.Sprintf("random/%d", seed), step: []int64{1, 4, 5, 20, 2}[seed%5] * quarter / 5, minDev: []float64{0.01, 1e-6, 0.5}[r.IntN(3)]}
	if seed%5 == 1 {
		s.step = 4 * quarter
	}
	next := seasonal(r)
	rare := func(often int) bool { return r.IntN(often) == 0 }
	at := 1_600_000_000_000 + r.Int64N(day)
	if seed%2 == 0 {
		at -= at % s.step
	}
	for range max(1500, min(6000, 20*day/s.step)) {
		switch {
		case rare(60):
			at += r.Int64N(2 * pause)
		case seed%3 == 0 && rare(150):
			at += r.Int64N(4 * day)
		case seed%4 < 2 && rare(400):
			at += r.Int64N(9 * day)
		case rare(10_000):
			at += 400 * day
		case seed%7 == 0 && rare(3):
			at += s.step * r.Int64N(20)
		}
		this := at
		switch {
		case seed%4 > 0 && rare(25):
			this -= r.Int64N(8 * s.step) // late
		case seed%4 == 3 && rare(100):
			this -= r.Int64N(3 * day)
		case seed%4 > 1 && rare(40):
			at -= s.step // two of the same time
		}
		s.entries = append(s.entries, entry{r.IntN(1 + int(seed%2)), point{max(this, 0), next(this)}})
		at += s.step
	}
	return s
}

// seasonal makes values with a time of day, noise, incidents and levels that change.
func seasonal(r *rand.Rand) func(at int64) float64 {
	level, wave, noise := r.NormFloat64()*10, r.Float64()*5*float64(r.IntN(2)), r.Float64()
	digits := math.Pow(10, float64(r.IntN(6)))
	incident := 0
	return func(at int64) float64 {
		if incident--; incident < -r.IntN(2000) {
			incident = r.IntN(80)
		}
		if r.IntN(1500) == 0 {
			level += r.NormFloat64() * 5
		}
		x := level + wave*math.Sin(2*math.Pi*float64(at%day)/day) + noise*r.NormFloat64()
		if incident > 0 {
			x += 6
		}
		if r.IntN(200) == 0 {
			x *= 1 + r.ExpFloat64()
		}
		if digits < 1e5 {
			x = math.Round(x*digits) / digits
		}
		return x
	}
}
