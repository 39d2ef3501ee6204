package backtest

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"anomalydetector/backtest/source"
	"anomalydetector/datapoint"
	"anomalydetector/detection"
	"anomalydetector/episode"
)

// row is a row of a stream that a test has made up.
type row struct {
	input string
	line  int
	at    int64
	key   string
	value float64
	text  string // as it stands in the file
	bad   string // why it holds no datapoint; empty: it holds one
}

// stream is some rows in files.
type stream struct {
	options source.Options
	files   []string
	rows    []row
}

var hegemony = source.Options{ValueField: "hege", KeyFields: []string{"scope", "asn"}, Time: "timestamp"}

const (
	quarter = 15 * 60 * 1000 // milliseconds
	badly   = "value_not_a_number"
)

// notNumber is what the detector says of a bad value.
var notNumber = (&datapoint.BadRecord{Reason: datapoint.ValueNotNumber, Field: "hege"}).Error()

// random makes a stream of several files in different formats, with entities that come and go, late rows and bad ones.
func random(t testing.TB, seed uint64, files, bins int) *stream {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 19))
	s, dir, now := &stream{options: hegemony}, t.TempDir(), int64(1_600_000_200_000)
	const entities = 14
	level, gone := make([]float64, entities), make([]int, entities)
	for e := range level {
		level[e], gone[e] = r.Float64(), r.IntN(bins)/2
	}
	for number := range files {
		format := []string{source.CSV, source.JSON, source.Msgpack}[(number+int(seed))%3]
		path := filepath.Join(dir, fmt.Sprintf("%d.%s", number, format))
		var content bytes.Buffer
		line := 1
		if format == source.CSV {
			content.WriteString("timestamp,scope,asn,hege\n")
			line++
		}
		for range bins {
			now += quarter
			for e := range entities {
				if gone[e]--; gone[e] >= 0 || r.IntN(20) == 0 {
					continue
				}
				if r.IntN(400) == 0 {
					gone[e] = r.IntN(200)
				}
				one := row{input: path, line: line, at: now, key: fmt.Sprintf("%d,as%d", e%5, e), value: level[e]}
				switch r.IntN(60) {
				case 0:
					one.at -= r.Int64N(20) * quarter
				case 1:
					one.value += r.NormFloat64()
				case 2:
					one.bad = notNumber
				case 3:
					one.bad = source.NoTime
				case 4:
					level[e] += 0.05
				default:
					if e == 0 {
						break // its window has no deviation, and that of others is infinite
					}
					one.value += r.NormFloat64() / 100
				}
				content.WriteString(one.write(format))
				s.rows = append(s.rows, one)
				line++
			}
		}
		if err := os.WriteFile(path, content.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		s.files = append(s.files, path)
	}
	return s
}

// write writes the row in a format.
func (o *row) write(format string) string {
	scope, asn, _ := strings.Cut(o.key, ",")
	at, value := any(o.at/1000), any(o.value)
	switch o.bad {
	case notNumber:
		value = "none"
	case source.NoTime:
		at = "yesterday"
	}
	switch format {
	case source.CSV:
		o.text = fmt.Sprintf("%v,%s,%s,%v", at, scope, asn, value)
	case source.JSON:
		o.text = fmt.Sprintf(`{"timestamp": %s, "scope": %q, "asn": %q, "hege": %s}`, quoted(at), scope, asn, quoted(value))
	default:
		packed := msgp.AppendMapHeader(nil, 4)
		for _, field := range []struct {
			name  string
			value any
		}{{"timestamp", at}, {"scope", scope}, {"asn", asn}, {"hege", value}} {
			packed, _ = msgp.AppendIntf(msgp.AppendString(packed, field.name), field.value) // only kinds that it knows
		}
		o.text = string(packed)
		return o.text
	}
	return o.text + "\n"
}

func quoted(value any) string {
	if text, is := value.(string); is {
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprint(value)
}

// write writes a file into a folder of the test.
func write(t testing.TB, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// open opens the stream's files.
func (s *stream) open(t testing.TB) source.Source {
	t.Helper()
	from, err := source.Open(s.files, s.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = from.Close() }) // a second one changes nothing
	return from
}

// some are settings of which some share their windows.
func some() []Setting {
	var all []Setting
	for i, rules := range []detection.Settings{
		{HistoryHours: 6, MinRatio: 0.5, Threshold: 3, MinDeviation: 0.001},
		{HistoryHours: 6, MinRatio: 0.5, Threshold: 2, MinDeviation: 0.001},
		{HistoryHours: 6, MinRatio: 0.9, Threshold: 3, MinDeviation: 0.01},
		{HistoryHours: 6, MinRatio: 0.5, Threshold: 3, Metric: detection.MedianDeviation},
		{HistoryHours: 12, MinRatio: 0.2, Threshold: 8, Metric: detection.MedianDeviation},
	} {
		rules.GranularityMinutes = 15
		episodes := episode.DefaultRules(15*time.Minute, rules.Threshold)
		episodes.EveryPoint = true
		all = append(all, Setting{Name: fmt.Sprint("number ", i), Rules: rules, Episodes: episodes})
	}
	return all
}

// options are those of a run at some settings.
func (s *stream) run() Options {
	return Options{Settings: some(), Bin: 15 * time.Minute, Decoder: func() source.Decoder { return source.NewDecoder(s.options) }}
}

// recut cuts the blocks of text of another source into smaller ones, of random size.
type recut struct {
	source.Source
	random *rand.Rand
	most   int
	rest   *source.Block
}

func (c *recut) Next(ctx context.Context) (*source.Block, error) {
	if c.rest == nil {
		b, err := c.Source.Next(ctx)
		if err != nil || bytes.HasPrefix(b.Data, []byte{0x84}) { // msgpack, which keeps to itself where its rows are
			return b, err
		}
		c.rest = &source.Block{Input: b.Input, Line: b.Line, Data: bytes.Clone(b.Data)}
		c.Source.Release(b)
	}
	size := min(len(c.rest.Data), 1+c.random.IntN(c.most))
	size += bytes.IndexByte(c.rest.Data[size-1:], '\n')
	part := &source.Block{Input: c.rest.Input, Line: c.rest.Line, Data: c.rest.Data[:size]}
	if c.random.IntN(2) == 0 {
		part.Data = bytes.Clone(part.Data) // with a capacity of its own
	}
	c.rest.Data, c.rest.Line = c.rest.Data[size:], c.rest.Line+bytes.Count(part.Data, []byte{'\n'})
	if len(c.rest.Data) == 0 {
		c.rest = nil
	}
	return part, nil
}

func (c *recut) Release(*source.Block) {}

func (c *recut) Rewind() error {
	c.rest = nil
	return c.Source.Rewind()
}

// comparable replaces what is never equal, and drops what differs from run to run.
func comparable(r *Result) *Result {
	r.Took = 0
	for _, trace := range r.Traces {
		for _, p := range trace.Points {
			for k := range p.Settings {
				if v := &p.Settings[k]; math.IsNaN(v.Usual) && math.IsNaN(v.Scale) {
					v.Usual, v.Scale = -1, -1
				}
			}
		}
	}
	return r
}

// must is what a run returns that must not fail.
func must(t testing.TB, from source.Source, o Options) *Result {
	t.Helper()
	r, err := Run(context.Background(), from, o)
	if err != nil {
		t.Fatal(err)
	}
	return comparable(r)
}

// failing fails instead of its n-th block.
type failing struct {
	source.Source
	blocks int
	err    error
	before func()
}

func (f *failing) Next(ctx context.Context) (*source.Block, error) {
	if f.blocks--; f.blocks == 0 {
		if f.before != nil {
			f.before()
		}
		if f.err != nil {
			return nil, f.err
		}
	}
	return f.Source.Next(ctx)
}
