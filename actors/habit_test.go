package actors_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"anomalydetector/actors"
	"anomalydetector/detection"
	"anomalydetector/persistence"
	"anomalydetector/stream"
	"anomalydetector/test/golden"
)

// judgedHabits is a case for the method habit that grows record by record. A detector of a few lines, which never stops, says which points are
// anomalies: the states of package detection, one for each entity.
type judgedHabits struct {
	*golden.Case
	set    settings
	rules  detection.HabitRules
	states map[string]*detection.Habit
}

func newJudgedHabits(perDay int) *judgedHabits {
	j := &judgedHabits{
		Case: &golden.Case{Expected: make(map[int]float64), Partitions: 2, Unordered: true, ValueField: "v", Habit: true},
		set: settings{
			rules: detection.Settings{Method: detection.HabitMethod, GranularityMinutes: float64(24*60) / float64(perDay), HistoryHours: 48,
				MinRatio: 0.2, Threshold: 5, MinDeviation: 0.01},
			valueField: "v", keyFields: []string{"k"},
		},
		states: make(map[string]*detection.Habit),
	}
	j.rules = detection.NewHabitRules(j.set.rules)
	return j
}

// add appends a point of an entity, which is known by its number, and tells whether it is an anomaly.
func (j *judgedHabits) add(entity int, at int64, value float64) (anomalous bool) {
	key, record := pointOf(entity, at, value)
	if j.states[key] == nil {
		j.states[key] = new(detection.Habit)
	}
	judgement := j.states[key].Add(&j.rules, 1, at, value)
	if anomalous = judgement.Reason == detection.Anomalous; anomalous {
		j.Expected[len(j.Records)] = judgement.Deviation
	}
	j.Records = append(j.Records, record)
	return anomalous
}

// habitual is a stream for the method habit: two months with a point each two hours and a daily course, with late records, gaps, and entities
// that vanish and come back.
func habitual(seed uint64) (*golden.Case, settings) {
	const start, days, perDay, entities = 1_600_000_000_000, 60, 12, 12
	step := (24 * time.Hour / perDay).Milliseconds()
	dice := rand.New(rand.NewPCG(seed, 0x4ab17))
	j := newJudgedHabits(perDay)
	for bin := range int64(days * perDay) {
		for entity := range entities {
			away := entity%6 == 5 && bin%(40*perDay) > 8*perDay // from the ninth day on, until the fortieth
			if away || dice.IntN(20) == 0 {
				continue
			}
			at := start + bin*step
			switch dice.IntN(80) {
			case 0:
				at -= dice.Int64N(step) // a late record
			case 1:
				at -= dice.Int64N(20 * step) // one from long before
			}
			value := 0.5 + 0.1*float64(bin%perDay)/perDay + 0.05*dice.Float64()
			if dice.IntN(40) == 0 {
				value *= 2
			}
			j.add(entity, at, value)
		}
	}
	return j.Case, j.set
}

// TestHabitWithoutAStoreDecidesAsOneThatNeverStopped: each start replays what the state depends on, and transactions are aborted.
func TestHabitWithoutAStoreDecidesAsOneThatNeverStopped(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			c, set := habitual(seed)
			w := newWorldOf(t, c, set)
			_, aborts := w.countEnds()
			n := w.start("one", nil)
			w.feedInParts(8, func(part int) {
				if part%2 == 0 {
					w.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.IllegalGeneration})
					return
				}
				w.untilCommitted()
				must(t, n.stop())
				n = w.start("one", nil)
			})
			must(t, n.stop())
			if len(c.Expected) < 100 || aborts.Load() == 0 {
				t.Errorf("there are %d anomalies, and %d transactions were aborted", len(c.Expected), aborts.Load())
			}
			w.verify()
		})
	}
}

// TestLateRecordIsJudgedFromTheWholeMemory: a process starts again, and its replay reaches just as far back as judgements of today need. It has all that
// they need of an entity that is active, and the last half day of one that fell silent. A late record needs older points of either, so a longer
// replay comes before its judgement.
func TestLateRecordIsJudgedFromTheWholeMemory(t *testing.T) {
	t.Parallel()
	const start, day, perDay, silent, active = 1_600_000_000_000, 24 * 3_600_000, 12, 0, 2
	for name, late := range map[string]int{"silent entity": silent, "active entity": active} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJudgedHabits(perDay)
			memory := j.rules.Memory().Milliseconds()
			now, last := start+2*memory, start+memory-day/2
			for at := int64(start); at <= now; at += day / perDay {
				if at <= last {
					j.add(silent, at, 0.5)
				}
				j.add(active, at, 0.5)
			}
			before := len(j.Records)
			j.add(active, now+day/perDay, 0.5)
			if anomalous := j.add(late, last+day/perDay, 1); !anomalous {
				t.Fatal("the late record is no anomaly")
			}

			w := newWorldOf(t, j.Case, j.set)
			n := w.start("one", nil)
			w.feed(before)
			w.untilCommitted()
			must(t, n.stop())
			log := &told{Handler: slog.DiscardHandler}
			n = w.start("one", func(c *actors.Config, _ *stream.Config) { c.Log = slog.New(log) })
			w.feed(1) // a replay reaches as far back as the first record after it needs
			w.untilCommitted()
			w.feed(1)
			w.untilCommitted()
			must(t, n.stop())
			if !log.has("late record is older than the replayed history") {
				t.Errorf("no longer replay came before the late record; it said\n%s", strings.Join(log.lines, "\n"))
			}
			w.verify()
		})
	}
}

// TestStoredHabitsGoOnWhereTheGroupIs: whatever happens to the state between two processes, the second one gives the verdicts of a process that
// never stopped. Most entities are only on disk, and most points in a state or a chunk.
func TestStoredHabitsGoOnWhereTheGroupIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		between  func(w *world, dir, older string)
		replayed bool
		says     string // in the log
	}{
		"as it was": {between: func(*world, string, string) {}},
		"an older copy": {between: func(w *world, dir, older string) {
			must(w.T, os.RemoveAll(dir))
			must(w.T, os.Rename(older, dir))
		}, replayed: true},
		"gone":               {between: func(w *world, dir, _ string) { must(w.T, os.RemoveAll(filepath.Join(dir, "state"))) }, replayed: true},
		"states are damaged": {between: func(w *world, dir, _ string) { damageValues(w, dir, "t") }, replayed: true, says: "part of them could not be read"},
	} {
		for _, cached := range []int64{0, 3} {
			t.Run(fmt.Sprintf("%s, %d cached", name, cached), func(t *testing.T) {
				t.Parallel()
				g, set := habitual(7)
				w := newWorldOf(t, g, set)
				dir, older := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "older")
				options := persistence.Options{Journal: 300}
				quarter := len(g.Records)/4 + 1
				for part := range 4 {
					n := w.startStoring(dir, options, func(c *actors.Config) { c.MaxCached.Store(cached); c.Batch = 100 })
					w.feed(quarter)
					w.untilCommitted()
					n.end()
					switch part {
					case 1:
						must(t, os.CopyFS(older, os.DirFS(dir)))
					case 2:
						c.between(w, dir, older)
					case 3:
						if c.replayed != (n.log.replayed > 0) || !n.log.has(c.says) {
							t.Errorf("%d records were replayed; it said\n%s", n.log.replayed, strings.Join(n.log.lines, "\n"))
						}
					}
				}
				w.verify()
			})
		}
	}
}

// TestAnotherMethodBeginsWithAReplay: committed offsets go on, nothing is scored twice, and the log says why the stored windows or states are not
// used. With another threshold they are.
func TestAnotherMethodBeginsWithAReplay(t *testing.T) {
	t.Parallel()
	g, set := habitual(5)
	w := newWorldOf(t, g, set)
	dir := t.TempDir()
	original, longer, wider := set.rules, set.rules, set.rules
	original.Method = detection.OriginalMethod
	longer.HistoryHours = 60
	wider.Threshold = 1000
	const says = "the stored windows are not used: "
	for i, c := range []struct {
		rules    detection.Settings
		says     string
		replayed bool
	}{
		{rules: set.rules},
		{original, says + "they are of another method: habit", true},
		{set.rules, says + "they are of another method: original", true},
		{longer, says + "they were made by another version or other settings: habit", true},
		{set.rules, says + "they were made by another version or other settings: habit", true},
		{rules: wider},
		{rules: set.rules},
	} {
		w.set.rules = c.rules
		n := w.startStoring(dir, persistence.Options{Journal: 300}, nil)
		w.feed(len(g.Records)/7 + 1)
		w.untilCommitted()
		n.end()
		if !n.log.has(c.says) || c.says == "" && n.log.has(says) || c.replayed != (n.log.replayed > 0) {
			t.Errorf("start %d: %d records were replayed; it said\n%s", i, n.log.replayed, strings.Join(n.log.lines, "\n"))
		}
	}
	seen := make(map[string]int)
	for _, r := range w.read(outputTopic) {
		seen[string(r.Headers[0].Value)]++
	}
	for id, count := range seen {
		if count > 1 {
			t.Errorf("anomaly %s is there %d times", id, count)
		}
	}
}
