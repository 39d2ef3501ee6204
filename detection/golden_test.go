package detection

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
	"gopkg.in/ini.v1"
)

type goldenRecord struct {
	Timestamp int64
	Value     []byte
}

type goldenAnomaly struct {
	Record    int
	Deviation float64
}

// The verdicts equal what the original program reported on these streams, to the last bit.
func TestVerdictsEqualTheOriginalProgram(t *testing.T) {
	confs, _ := filepath.Glob(filepath.Join("..", "testdata", "golden", "*", "detector.conf"))
	if len(confs) == 0 {
		t.Fatal("no golden streams in testdata/golden")
	}
	for _, conf := range confs {
		folder := filepath.Dir(conf)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			settings, keys, field := goldenSettings(t, conf)
			scorer := NewScorer(NewRules(settings))
			records := readLines[goldenRecord](t, filepath.Join(folder, "input.jsonl.gz"))
			want := readLines[goldenAnomaly](t, filepath.Join(folder, "expected.jsonl.gz"))
			windows := map[string]*Window{}
			var got []goldenAnomaly
			for i, record := range records {
				entity, value := decode(t, record.Value, keys, field)
				w := windows[entity]
				if w == nil {
					w = new(Window)
					windows[entity] = w
				}
				if v := w.Add(scorer, uint64(i/1000), record.Timestamp, value); v.Reason == Anomalous {
					if again := (value - v.Median) / v.Scale; math.Float64bits(again) != math.Float64bits(v.Deviation) {
						t.Fatalf("anomaly %d: (%v - %v) / %v is %v, the deviation %v", i, value, v.Median, v.Scale, again, v.Deviation)
					}
					got = append(got, goldenAnomaly{i, v.Deviation})
				}
			}
			if len(got) != len(want) || len(want) == 0 {
				t.Fatalf("%d anomalies, the original has %d", len(got), len(want))
			}
			for i := range want {
				if got[i].Record != want[i].Record ||
					math.Float64bits(got[i].Deviation) != math.Float64bits(want[i].Deviation) {
					t.Fatalf("anomaly %d is %v, the original has %v", i, got[i], want[i])
				}
			}
			t.Logf("%d points of %d entities, %d anomalies", len(records), len(windows), len(want))
		})
	}
}

func goldenSettings(t *testing.T, conf string) (s Settings, keys []string, field string) {
	t.Helper()
	file, err := ini.Load(conf)
	if err != nil {
		t.Fatal(err)
	}
	io, section := file.Section("io"), file.Section("detection")
	s = Settings{
		GranularityMinutes: io.Key("time_granularity_min").MustFloat64(),
		HistoryHours:       section.Key("history_hours").MustFloat64(),
		MinRatio:           section.Key("history_min_ratio").MustFloat64(),
		Threshold:          section.Key("threshold").MustFloat64(),
		MinDeviation:       section.Key("min_dev").MustFloat64(),
	}
	if section.Key("dev_metric").String() == MedianDeviation.String() {
		s.Metric = MedianDeviation
	}
	return s, io.Key("key_field").Strings(","), io.Key("value_field").String()
}

func decode(t *testing.T, datapoint []byte, keys []string, field string) (entity string, value float64) {
	t.Helper()
	fields, _, err := msgp.ReadMapStrIntfBytes(datapoint, nil)
	if err != nil {
		t.Fatal(err)
	}
	parts := make([]string, len(keys))
	for i, key := range keys {
		parts[i] = fmt.Sprint(fields[key])
	}
	switch x := fields[field].(type) {
	case float64:
		value = x
	case float32:
		value = float64(x)
	case int64:
		value = float64(x)
	case uint64:
		value = float64(x)
	default:
		t.Fatalf("%s is a %T", field, x)
	}
	return strings.Join(parts, ","), value
}

func readLines[T any](t *testing.T, name string) (rows []T) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row T
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}
