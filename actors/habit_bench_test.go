package actors

import (
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"anomalydetector/detection"
	"anomalydetector/persistence"
)

// BenchmarkStoredMethods scores and stores points of entities that have had 16 days of 96 points, with both methods in one run. It begins with stored
// windows or states, and commits once a bin. An op is a point. It prints processor time and what is written to disk, because the
// machine may be busy.
func BenchmarkStoredMethods(b *testing.B) {
	for _, entities := range []int{4_000, 100_000} {
		for _, method := range []detection.Method{detection.OriginalMethod, detection.HabitMethod} {
			b.Run(fmt.Sprintf("%d/%v", entities, method), func(b *testing.B) {
				config := benchConfig()
				config.setMethod(detection.Settings{
					Method: method, GranularityMinutes: 15, HistoryHours: 72, MinRatio: 0.2, Threshold: 5, MinDeviation: 0.01,
				})
				store, err := persistence.OpenStore(b.TempDir(), persistence.Options{Memory: 64 << 20, Log: slog.New(slog.DiscardHandler)})
				if err != nil {
					b.Fatal(err)
				}
				config.Store = store
				at := (16 * 24 * time.Hour).Milliseconds()
				made, err := store.Make(0, persistence.Head{
					Source: config.Source(), States: config.States(), Offset: 1, History: config.History.Milliseconds(), StreamTime: at,
				}, storedWindows(config, entities, at))
				if err == nil {
					err = store.Adopt(config.Name, made)
				}
				if err != nil {
					b.Fatal(err)
				}
				p := newBenchAt(b, config, 1)
				p.offset, p.at = 1, at
				records := p.bin(entities)
				p.score(b, records)
				bins := max(1, b.N/entities)
				cpu, written := processorTime(b), diskWrites()
				b.ResetTimer()
				for range bins {
					p.again(records)
					p.score(b, records)
				}
				b.StopTimer()
				points := float64(bins * entities)
				b.ReportMetric(float64((processorTime(b)-cpu).Nanoseconds())/points, "cpu-ns/point")
				b.ReportMetric((diskWrites()-written)/points, "written-B/point")
				p.stop(b)
				if err := store.Close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// storedWindows are those of entities that have all had the same points up to a time.
func storedWindows(config *Config, entities int, until int64) iter.Seq2[string, persistence.Window] {
	var stored persistence.Window
	habit, dice := &detection.Habit{}, rand.New(rand.NewPCG(3, 1))
	for at := int64(0); at <= until; at += (15 * time.Minute).Milliseconds() {
		value := 0.5 + 0.01*dice.Float64()
		if config.Habit != nil {
			habit.Observe(config.Habit, 1, at, value)
		} else if at >= until-config.History.Milliseconds() {
			stored.Points = append(stored.Points, persistence.Point{At: at, Value: value})
		}
	}
	if config.Habit != nil {
		stored.State = persistence.State{Bytes: habit.AppendState(config.Habit, nil), Newest: until}
	}
	return func(yield func(string, persistence.Window) bool) {
		keys := make([]string, entities)
		for i := range keys {
			keys[i] = fmt.Sprintf("-1,%d", 64512+i)
		}
		for _, key := range keys {
			if !yield(key, stored) {
				return
			}
		}
	}
}

// diskWrites is how many bytes the process has had the kernel write.
func diskWrites() float64 {
	text, _ := os.ReadFile("/proc/self/io")
	for line := range strings.Lines(string(text)) {
		if bytes, found := strings.CutPrefix(strings.TrimSpace(line), "write_bytes: "); found {
			n, _ := strconv.ParseFloat(bytes, 64)
			return n
		}
	}
	return 0
}
