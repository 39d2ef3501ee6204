package detection

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"hash"
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
	"anomalydetector/test/series"
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
	hours   float64 // history_hours
	ratio   float64 // history_min_ratio
	limit   float64 // threshold
	entries []entry
}

// newStream is an empty one, with the usual settings of the method.
func newStream(name string) stream {
	return stream{name: name, hours: 72, ratio: HabitMinRatio, limit: 5}
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
	_ = binary.Write(s, binary.LittleEndian, []uint64{uint64(j.Reason), uint64(j.Test)})
	for _, x := range j.numbers() {
		_ = binary.Write(s, binary.LittleEndian, math.Float64bits(x+0)) // of no sign if it is 0
	}
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

// numbers are all of a judgement.
func (j *Judgement) numbers() [7]float64 {
	return [...]float64{j.Deviation, j.Median, j.Scale, j.Low, j.High, j.Mean, j.Usual}
}

func (s *stream) settings() Settings {
	return Settings{GranularityMinutes: float64(s.step) / 60_000, HistoryHours: s.hours, MinRatio: s.ratio, Threshold: s.limit, MinDeviation: s.minDev}
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
	all = append(all, settingStreams()...)
	all = append(append(all, farStreams()...), wrongClocks()...)
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
				h.Prefetch() // of any state, for any record: it must not matter
				h.PrefetchPoints(e.at)
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
			chosen := strings.HasPrefix(s.name, "settings/") || strings.HasPrefix(s.name, "far/")
			if got.Scored < 100 || chosen && got.Anomalies == 0 {
				t.Errorf("%d points are scored, %d of them anomalies: too few to compare", got.Scored, got.Anomalies)
			}
			w, ok := want[s.name]
			if !ok {
				t.Fatal("it is not compared")
			}
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

// alike tells whether a judgement is the reference's.
func alike(j, other *Judgement) bool {
	a, b := j.numbers(), other.numbers()
	for i := range a {
		if math.Float64bits(a[i]+0) != math.Float64bits(b[i]+0) {
			return false
		}
	}
	return j.Reason == other.Reason && j.Test == other.Test
}

// ask starts the reference, and returns what it says of one point after the other.
func ask(t *testing.T, s *stream) func() *Judgement {
	t.Helper()
	command := exec.Command("python3", "testdata/habit/reference.py", *referencePath)
	var in strings.Builder
	fmt.Fprintf(&in, "stream %d %x %x %x %x\n", s.step, s.minDev, s.hours, s.ratio, s.limit)
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
		words := strings.Fields(lines.Text())
		var numbers [7]float64
		for i, word := range words[2:] {
			if numbers[i], err = strconv.ParseFloat(word, 64); err != nil {
				t.Fatal(err)
			}
		}
		j := &Judgement{Verdict: Verdict{Reason: Normal, Deviation: numbers[0], Median: numbers[1], Scale: numbers[2]}, Low: numbers[3], High: numbers[4], Mean: numbers[5], Usual: numbers[6]}
		if words[0] == "anomalous" {
			j.Reason = Anomalous
		}
		if words[1] == "mean" {
			j.Test = MeanTest
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
		s := newStream("golden/" + filepath.Base(folder))
		s.step, s.minDev = int64(c.Conf.IO.GranularityMinutes*60_000), c.Conf.Detection.MinDeviation
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
		s := newStream("nab/" + strings.TrimSuffix(filepath.Base(file), ".csv.gz"))
		rows, err := series.Rows(file)
		if err != nil {
			t.Fatal(file, err)
		}
		for _, row := range rows {
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

// randomStreams have gaps of minutes to days, late points and equal ones.
func randomStreams() (all []stream) {
	for seed := range uint64(60) {
		all = append(all, randomStream(seed))
	}
	return all
}

func randomStream(seed uint64) stream {
	r := rand.New(rand.NewPCG(seed, 22))
	s := newStream(fmt.Sprintf("random/%d", seed))
	s.step, s.minDev = []int64{1, 4, 5, 20, 2}[seed%5]*quarter/5, []float64{0.01, 1e-6, 0.5}[r.IntN(3)]
	if seed%5 == 1 {
		s.step = 4 * quarter
	}
	next := seasonal(r)
	rare := func(often int) bool { return r.IntN(often) == 0 }
	dense := int(max(1, quarter/s.step)) // gaps are by the hour rather than by the point
	at := 1_600_000_000_000 + r.Int64N(day)
	if seed%2 == 0 {
		at -= at % s.step
	}
	for range max(1500, min(6000, 20*day/s.step)) {
		switch {
		case rare(60 * dense):
			at += r.Int64N(2 * pause)
		case seed%3 == 0 && rare(150*dense):
			at += r.Int64N(4 * day)
		case seed%4 < 2 && rare(400*dense):
			at += r.Int64N(9 * day)
		case rare(10_000):
			at += 400 * day
		case seed%7 == 0 && rare(12):
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

// settingStreams have other settings than the usual ones, gaps, and late records.
func settingStreams() (all []stream) {
	for i, c := range []struct{ hours, ratio, limit, minDev float64 }{
		{24, 0.2, 5, 0.01}, {24, 0.6, 3, 0.01}, {200, 0.2, 5, 0.01}, {200, 0.6, 7.3, 1e-6}, {72, 0.6, 5, 0.01}, {72, 0.95, 5, 0.01}, {72, 0.2, 3, 0.5}, {72, 0.2, 7.3, 0.01},
		{72, 0.2, 5, 0}, {24, 0.6, 7.3, 0}, {12, 0.2, 5, 0.01}, {12, 0.6, 3, 0}, {23, 0.2, 5, 0.01}, {23, 0.6, 7.3, 0.01}, {30, 0, 5, 0.01},
	} {
		s := newStream(fmt.Sprintf("settings/%v hours, ratio %v, threshold %v, min_dev %v", c.hours, c.ratio, c.limit, c.minDev))
		s.step, s.minDev, s.hours, s.ratio, s.limit = quarter, c.minDev, c.hours, c.ratio, c.limit
		r := rand.New(rand.NewPCG(uint64(i), 34))
		next := seasonal(r)
		at := int64(1_600_000_000_000)
		for range 96 * 40 {
			at += s.step
			switch r.IntN(300) {
			case 0:
				at += r.Int64N(pause + pause/2)
			case 1:
				at += r.Int64N(day)
			case 2:
				if r.IntN(3) == 0 {
					at += r.Int64N(4 * day)
				}
			}
			this := at
			if r.IntN(40) == 0 {
				this -= r.Int64N(pause)
			}
			s.entries = append(s.entries, entry{0, point{this, next(this) + r.NormFloat64()/100}})
		}
		all = append(all, s)
	}
	// With a ratio of 1, a window needs one point more than there are steps in the history: only points of equal times make so many.
	s := newStream("settings/72 hours, ratio 1")
	s.step, s.minDev, s.ratio = quarter, 0.01, 1
	next := seasonal(rand.New(rand.NewPCG(1, 31)))
	for i := range int64(96 * 30) {
		at := i * quarter
		for range 1 + number(i%200 == 0) {
			s.entries = append(s.entries, entry{0, point{at, next(at)}})
		}
	}
	return append(all, s)
}

// farStreams have records that are days late, or far ahead of their time.
func farStreams() (all []stream) {
	for i, c := range []struct {
		name  string
		late  float64 // the part of the records
		most  int64   // days
		ahead []int64 // hours of single records, one every other day from the twentieth on
	}{
		{"5 % up to a day late", 0.05, 1, nil},
		{"5 % up to four days late", 0.05, 4, nil},
		{"a record 20 days late", 0, 0, []int64{-20 * 24}},
		{"a record 3 days ahead", 0, 0, []int64{3 * 24}},
		{"a record 7 days ahead", 0, 0, []int64{7 * 24}},
		{"a record 16 days ahead", 0, 0, []int64{16 * 24}},
		{"a record 30 days ahead", 0, 0, []int64{30 * 24}},
		{"a record 400 days ahead", 0, 0, []int64{400 * 24}},
		{"records ahead, one after the other", 0.01, 1, []int64{170, 400, 777, 2000, 29, 100, 9000}},
	} {
		for _, hours := range []float64{72, 24, 200} {
			s := newStream(fmt.Sprintf("far/%s, %v hours", c.name, hours))
			s.step, s.minDev, s.hours = quarter, 0.01, hours
			r := rand.New(rand.NewPCG(uint64(i), 32))
			next := seasonal(r)
			at := int64(1_600_000_000_000)
			for k := range int64(96 * 40) {
				at += s.step
				this := at
				if r.Float64() < c.late {
					this -= r.Int64N(c.most * day)
				}
				if n := k/96 - 20; k%96 == 50 && n >= 0 && n%2 == 0 && int(n/2) < len(c.ahead) {
					this += c.ahead[n/2] * 2 * halfHour
				}
				s.entries = append(s.entries, entry{0, point{this, next(this)}})
			}
			all = append(all, s)
		}
	}
	return all
}

// wrongClocks are streams with records whose clock was wrong where a state knows little: at its begin, and of an entity with one half hour a day.
func wrongClocks() (all []stream) {
	add := func(name string, days int64, each func(put func(at int64), at int64, n int)) {
		s := newStream("wrong clocks/" + name)
		s.step, s.minDev = quarter, 0.01
		next := seasonal(rand.New(rand.NewPCG(uint64(len(all)), 34)))
		put := func(at int64) { s.entries = append(s.entries, entry{0, point{at, next(at)}}) }
		begin := int64(1_600_000_200_000) // of a half hour
		for n := range int(days * dayBins) {
			each(put, begin+int64(n)*halfHour, n)
		}
		all = append(all, s)
	}
	for _, ahead := range []int64{1, 7} {
		add(fmt.Sprintf("the first %d half hours are 400 days ahead", ahead), 30, func(put func(int64), at int64, n int) {
			if int64(n) < ahead {
				at += 400 * day
			}
			put(at)
			put(at + quarter)
		})
	}
	add("half hours of years ago and ahead among the first ones", 30, func(put func(int64), at int64, n int) {
		if years := []int64{2, 0, 0, -1, 0, -1, 0, 2, 0, 0, 3, 0, -1, 0, 0, 4}; n < len(years) {
			at += years[n] * 400 * day
		}
		put(at)
		put(at + quarter)
	})
	add("half an hour a day, and at times 400 days ahead", 400, func(put func(int64), at int64, n int) {
		if n%dayBins == 7 {
			for i := range int64(30) {
				put(at + i*60_000)
			}
			if today := n / dayBins; today > 30 && today%20 == 0 {
				put(at + 400*day + int64(today/20)*halfHour)
			}
		}
	})
	return all
}

// seasonal makes values with a time of day, noise, incidents and levels that change.
func seasonal(r *rand.Rand) func(at int64) float64 {
	level, wave, noise := r.NormFloat64()*10, r.Float64()*5*float64(r.IntN(2)), r.Float64()
	digits := []float64{1, 10, 100, 1000, 1e4, 1e9}[r.IntN(6)] // at most 1e9, because sines differ in their last bit from one architecture to another
	incident := 0
	return func(at int64) float64 {
		if incident--; incident < -r.IntN(2000) {
			incident = r.IntN(80)
		}
		if r.IntN(1500) == 0 {
			level += float64(r.NormFloat64() * 5)
		}
		x := level + float64(wave*math.Sin(2*math.Pi*float64(at%day)/day)) + float64(noise*r.NormFloat64())
		if incident > 0 {
			x += 6
		}
		if r.IntN(200) == 0 {
			x *= 1 + r.ExpFloat64()
		}
		return math.Round(x*digits) / digits
	}
}
