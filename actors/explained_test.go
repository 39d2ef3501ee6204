package actors_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"anomalydetector/actors"
	"anomalydetector/stream"
	"anomalydetector/test/golden"
)

// TestExplainAddsOneKeyAndChangesNothingElse: without the key, the golden cases' anomalies
// have the original's bytes. The explanation agrees with a window that the test keeps in the
// simplest way.
func TestExplainAddsOneKeyAndChangesNothingElse(t *testing.T) {
	for _, name := range golden.Names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, name)
			w.feed(len(w.golden.Records))
			n := w.start("one", func(c *actors.Config, _ *stream.Config) { c.Explain = true })
			w.untilCommitted()
			must(t, n.stop())

			windows := w.windowsBefore()
			anomalies := w.read(outputTopic)
			for _, r := range anomalies {
				fields, rest, err := msgp.ReadMapStrIntfBytes(r.Value, nil)
				must(t, err)
				explain, _ := fields["explain"].(map[string]any)
				if len(rest) != 0 || len(fields) != 3 || len(explain) != 12 {
					t.Fatalf("the payload is %v", fields)
				}
				whole := func(key string) int64 {
					if unsigned, is := explain[key].(uint64); is {
						return int64(unsigned)
					}
					return explain[key].(int64)
				}
				number := func(key string) float64 { return explain[key].(float64) }
				usual, _ := strconv.ParseFloat(headerOf(r, "usual"), 64)
				scale, _ := strconv.ParseFloat(headerOf(r, "scale"), 64)
				band := float64(w.set.rules.Threshold * scale)
				for key, want := range map[string]float64{"usual": usual, "scale": scale, "threshold": w.set.rules.Threshold,
					"low": usual - band, "high": usual + band, "history_hours": w.set.rules.HistoryHours} {
					if math.Float64bits(number(key)) != math.Float64bits(want) {
						t.Errorf("%s is %v, want %v", key, number(key), want)
					}
				}
				window := windows[headerOf(r, "partition")+"/"+headerOf(r, "offset")]
				minimum := w.set.rules.MinRatio * w.set.rules.HistoryHours * (60 / w.set.rules.GranularityMinutes)
				full := int64(w.set.rules.HistoryHours * 60 / w.set.rules.GranularityMinutes)
				if explain["id"] != headerOf(r, "id") || whole("points") != int64(len(window)) || whole("window_start") != slices.Min(window) ||
					whole("window_end") != slices.Max(window) || whole("points_full") != full ||
					float64(whole("points_needed")) <= minimum || float64(whole("points_needed")-1) > minimum {
					t.Errorf("%v, with %d points from %d to %d, and more than %v to be scored", explain, len(window), slices.Min(window), slices.Max(window), minimum)
				}
				added := strings.Index(string(r.Value), "\xa7explain\x8c\xa2id")
				r.Value = append([]byte{0x82}, r.Value[1:added]...)
			}
			for _, problem := range w.golden.Verify(anomalies, w.fed) {
				t.Error(problem)
			}
		})
	}
}

// windowsBefore are the times in each record's window before it, by the record's place in
// the input.
func (w *world) windowsBefore() map[string][]int64 {
	all, of, offsets := make(map[string][]int64), make(map[string][]int64), make(map[int32]int64)
	for _, r := range w.golden.Records {
		fields, _, err := msgp.ReadMapStrIntfBytes(r.Value, nil)
		must(w.T, err)
		entity := strconv.Itoa(int(r.Partition))
		for _, key := range w.set.keyFields {
			switch x := fields[key].(type) {
			case string:
				entity += "," + x
			case int64:
				entity += "," + strconv.FormatInt(x, 10)
			case uint64:
				entity += "," + strconv.FormatUint(x, 10)
			default:
				w.Fatalf("%s is a %T", key, x)
			}
		}
		at, window := r.Timestamp.UnixMilli(), of[entity]
		for len(window) > 0 && float64(window[0]) < float64(at)-w.set.rules.HistoryHours*60*60*1000 {
			window = window[1:]
		}
		all[strconv.Itoa(int(r.Partition))+"/"+strconv.FormatInt(offsets[r.Partition], 10)] = slices.Clone(window)
		of[entity] = append(window, at)
		offsets[r.Partition]++
	}
	return all
}
