package actors_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"anomalydetector/detection"
	"anomalydetector/test/golden"
)

// habitual is a stream for the method habit: two months with a point each two hours and a daily course, with late records, gaps, and entities
// that vanish and come back. A detector of a few lines, which never stops, says which points are anomalies: the states of package detection, one
// for each entity.
func habitual(seed uint64) (*golden.Case, settings) {
	const start, days, perDay, entities = 1_600_000_000_000, 60, 12, 12
	step := (24 * time.Hour / perDay).Milliseconds()
	dice := rand.New(rand.NewPCG(seed, 0x4ab17))
	g := &golden.Case{Expected: make(map[int]float64), Partitions: 2, Unordered: true, ValueField: "v", Habit: true}
	set := settings{
		rules: detection.Settings{Method: detection.HabitMethod, GranularityMinutes: float64(24*60) / perDay, HistoryHours: 48, MinRatio: 0.2,
			Threshold: 5, MinDeviation: 0.01},
		valueField: "v", keyFields: []string{"k"},
	}
	rules := detection.NewHabitRules(set.rules)
	states := make(map[string]*detection.Habit)
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
			key := fmt.Sprintf("e%d", entity)
			payload := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 2), "k"), key)
			payload = msgp.AppendFloat64(msgp.AppendString(payload, "v"), value)
			if states[key] == nil {
				states[key] = new(detection.Habit)
			}
			if j := states[key].Add(&rules, 1, at, value); j.Reason == detection.Anomalous {
				g.Expected[len(g.Records)] = j.Deviation
			}
			g.Records = append(g.Records, &kgo.Record{Partition: int32(entity % 2), Timestamp: time.UnixMilli(at), Value: payload})
		}
	}
	return g, set
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
