package actors_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/actors"
	"anomalydetector/episode"
	"anomalydetector/persistence"
	"anomalydetector/stream"
	"anomalydetector/test/naive"
)

const episodesTopic = "life"

// startTelling runs a detector that publishes episodes.
func (w *world) startTelling(dir string, change func(*actors.Config)) *storing {
	w.Helper()
	s := &storing{log: &told{Handler: slog.DiscardHandler}}
	var err error
	s.store, err = persistence.OpenStore(dir, persistence.Options{Journal: 300, Seen: true, Log: slog.New(s.log)})
	must(w.T, err)
	s.node = w.start("one", func(c *actors.Config, streams *stream.Config) {
		c.Store, c.Log = s.store, slog.New(s.log)
		c.EpisodesTopic, c.Episodes = episodesTopic, w.ledgerRules()
		streams.Stored, streams.Log, streams.EpisodesTopic = c.StoredOffset, slog.New(s.log), episodesTopic
		c.Reader = stream.NewHistory(*streams)
		if change != nil {
			change(c)
		}
	})
	return s
}

func (w *world) ledgerRules() episode.LedgerRules {
	bin := time.Duration(w.set.rules.GranularityMinutes * float64(time.Minute))
	return episode.LedgerRules{
		Rules:        episode.DefaultRules(bin, w.set.rules.Threshold),
		AbsenceAfter: 3, AbsencePresence: 0.8, GapBelow: 0.5,
		History: time.Duration(w.set.rules.HistoryHours * float64(time.Hour)),
		Minimum: w.set.rules.MinRatio * w.set.rules.HistoryHours * 60 / w.set.rules.GranularityMinutes,
	}
}

// verifyEpisodes compares the events in the episodes topic with those of the naive detector, in the order of each partition. At
// each setback all partitions were read up to a number of records, and then once more from another one on.
func (w *world) verifyEpisodes(setbacks ...setback) (kinds map[string]int) {
	w.Helper()
	got, want := make([][]string, w.golden.Partitions), make([][]string, w.golden.Partitions)
	kinds = make(map[string]int)
	metadata, err := w.admin.Metadata(w.Context(), inputTopic)
	must(w.T, err)
	for _, record := range w.read(episodesTopic) {
		if record.Attrs.IsControl() || episode.IsStateKey(record.Key) {
			continue
		}
		got[record.Partition] = append(got[record.Partition], string(record.Value))
	}
	rules, ledger := naive.Rules{GranularityMinutes: w.set.rules.GranularityMinutes, HistoryHours: w.set.rules.HistoryHours,
		MinRatio: w.set.rules.MinRatio, Threshold: w.set.rules.Threshold, MinDeviation: w.set.rules.MinDeviation}, w.ledgerRules()
	inputs := make([][]*kgo.Record, w.golden.Partitions)
	for _, record := range w.golden.Records[:w.fed] {
		inputs[record.Partition] = append(inputs[record.Partition], record)
	}
	for number, input := range inputs {
		id := func(offset int64, kind string, n int) string {
			return naive.ID(inputTopic, metadata.Topics[inputTopic].ID.String(), group, int32(number), offset, kind, n)
		}
		e := &naive.Episodes{Rules: rules, ID: id,
			EpisodeRules: naive.EpisodeRules{OpenAfter: ledger.OpenAfter, ClearAfter: ledger.ClearAfter, AbsenceAfter: ledger.AbsenceAfter,
				ReopenWithin: ledger.ReopenWithin.Milliseconds(), MinPresence: ledger.AbsencePresence, GapBelow: ledger.GapBelow}}
		from := int64(0)
		for _, set := range append(setbacks, setback{until: make([]int64, len(inputs)), to: make([]int64, len(inputs))}) {
			until := int64(len(input))
			if set.until[number] > 0 {
				until = set.until[number]
			}
			e.Begin()
			e.Windows = naive.New(rules)
			e.Judge = e.Windows.Judge
			for offset, record := range input[:until] {
				fields, _, err := msgp.ReadMapStrIntfBytes(record.Value, nil)
				must(w.T, err)
				key, at, value := fields["k"].(string), record.Timestamp.UnixMilli(), fields["v"].(float64)
				if int64(offset) < from {
					e.Judge(key, at, value)
					continue
				}
				for _, r := range e.Take(int64(offset), key, at, value) {
					want[number] = append(want[number], naive.Published(r, "one", w.set.keyFields...))
					kinds[r.Kind+" "+r.Event+" "+r.Outcome]++
				}
			}
			from = set.to[number]
		}
	}
	for number := range want {
		if difference := naive.Difference(got[number], want[number]); difference != "" {
			w.Errorf("partition %d: %s", number, difference)
		}
	}
	return kinds
}

// setback says that an operator set the group's offsets, by partition, from one to another.
type setback struct{ until, to []int64 }

// TestEpisodesGoOnWhereTheGroupIs: whatever happens to the state between processes, the episodes topic gets the events of a
// process that never stopped, each once.
func TestEpisodesGoOnWhereTheGroupIs(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(w *world, dir, older string){
		"nothing happens": func(*world, string, string) {},
		"an older copy": func(w *world, dir, older string) {
			must(w.T, os.RemoveAll(dir))
			must(w.T, os.CopyFS(dir, os.DirFS(older)))
		},
		"the state is gone": func(w *world, dir, _ string) { must(w.T, os.RemoveAll(filepath.Join(dir, "state"))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, set := wild(11, 400)
			w := newWorldOf(t, g, set)
			dir, older := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "older")
			const parts = 6
			for part := range parts {
				n := w.startTelling(dir, nil)
				w.feed(len(g.Records)/parts + 2)
				w.untilCommitted()
				n.end()
				if part == 0 {
					must(t, os.CopyFS(older, os.DirFS(dir)))
				}
				between(w, dir, older)
			}
			w.verify()
			kinds := w.verifyEpisodes()
			for _, least := range []string{"deviation opened ", "deviation reopened ", "deviation resolved recovered", "absence opened ", "absence resolved returned"} {
				if kinds[least] == 0 {
					t.Errorf("there is no %s in %v", least, kinds)
				}
			}
		})
	}
}

// TestAStateOfTheSameOffsetIsNotTheState: an operator sets offsets back, another process reads on to where they were, and
// a process comes back whose stored state is of that offset, but of before.
func TestAStateOfTheSameOffsetIsNotTheState(t *testing.T) {
	t.Parallel()
	g, set := wild(12, 300)
	w := newWorldOf(t, g, set)
	dir, older := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "older")
	run := func(dir string, feed int) {
		n := w.startTelling(dir, nil)
		w.feed(feed)
		w.untilCommitted()
		n.end()
	}
	run(dir, 3000)
	must(t, os.CopyFS(older, os.DirFS(dir)))
	back := setback{until: make([]int64, g.Partitions), to: make([]int64, g.Partitions)}
	offsets, err := w.admin.FetchOffsets(t.Context(), group)
	must(t, err)
	earlier := make(kadm.Offsets)
	offsets.Each(func(o kadm.OffsetResponse) {
		back.until[o.Partition], back.to[o.Partition] = o.At, o.At-150
		o.At -= 150
		earlier.Add(o.Offset)
	})
	must(t, w.admin.CommitAllOffsets(t.Context(), group, earlier))
	run(dir, 0)
	run(older, 2000)
	kinds := w.verifyEpisodes(back)
	if kinds["deviation resolved unknown"] == 0 {
		t.Errorf("no episode was open: %v", kinds)
	}
}
