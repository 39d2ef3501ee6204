package tail

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"anomalydetector/episode"
)

// topic makes an output topic: a list of entries for each partition. A few entities have recurrent anomalies,
// in an input that is mostly in the order of time.
func topic(r *rand.Rand, count, partitions int) (all [][]Entry) {
	all = make([][]Entry, partitions)
	bins, input := 1000, make(map[int32]int64)
	for range count {
		if r.IntN(3) == 0 {
			bins += r.IntN(4)
		}
		if r.IntN(20) == 0 {
			bins += r.IntN(30)
		}
		entity := r.IntN(12)
		output := Place{int32(r.IntN(partitions)), 0}
		output.Offset = int64(2 * len(all[output.Partition])) // with a marker after each
		e := one(entity, bins-r.IntN(20)/19*r.IntN(6), output)
		e.ID = fmt.Sprintf("%032x", r.Uint64())
		e.Deviation = float64(5+r.IntN(50)) * float64(1-2*r.IntN(2))
		in := int32(entity % 3)
		if r.IntN(50) == 0 {
			in = 3 // the entity moved once
		}
		e.Input = Place{in, input[in]}
		input[in]++
		if entity == 0 || r.IntN(40) == 0 {
			e.ID, e.Input, e.Usual, e.Scale = "", Nowhere, math.NaN(), math.NaN()
		} else if entity%2 == 0 {
			e.Habit = Habit{Found: true, OfMean: entity == 2, Mean: e.Deviation / 100, UsualMean: 0.05}
		}
		all[output.Partition] = append(all[output.Partition], e)
	}
	return all
}

// deliver gives a tail a topic in a random interleaving of its partitions, in runs.
func deliver(r *rand.Rand, tail *Tail, topic [][]Entry) {
	at := make([]int, len(topic))
	for {
		var left []int
		for p := range topic {
			if at[p] < len(topic[p]) {
				left = append(left, p)
			}
		}
		if len(left) == 0 {
			return
		}
		var batch []Entry
		next := make(Vector)
		for range 1 + r.IntN(3) {
			p := left[r.IntN(len(left))]
			n := min(1+r.IntN(7), len(topic[p])-at[p])
			batch = append(batch, topic[p][at[p]:at[p]+n]...)
			at[p] += n
			next[int32(p)] = int64(2 * at[p])
		}
		tail.Add(batch, next)
	}
}

func allEntries(t *testing.T, tail *Tail, f Filter, limit int) (all []Entry) {
	t.Helper()
	for cursor := ""; ; {
		part, next, err := tail.Anomalies(f, cursor, limit)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part...)
		if cursor = next; cursor == "" {
			return all
		}
	}
}

func allEpisodes(t *testing.T, tail *Tail, f Filter, state EpisodeState, limit int) (all []Episode) {
	t.Helper()
	for cursor := ""; ; {
		part, next, err := tail.Episodes(f, state, cursor, limit)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part...)
		if cursor = next; cursor == "" {
			return all
		}
	}
}

// text prints values so that they can be compared, NaN included.
func text[T any](all []T) string {
	var b strings.Builder
	for _, one := range all {
		fmt.Fprintf(&b, "%+v\n", one)
	}
	return b.String()
}

// Two nodes, and one that has begun anew, give the same answers.
func TestAnyInterleavingOfPartitionsGivesTheSameAnswers(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 3))
	for range 60 {
		topic := topic(r, 300, 4)
		stream := int64(1000+r.IntN(500)) * bin
		var want [3]string
		for node := range 4 {
			tail := New(testConfig())
			if node%2 == 0 {
				tail.Advance(stream)
			}
			deliver(r, tail, topic)
			tail.Advance(stream)
			lanes, err := tail.Lanes(LanesQuery{By: 1, Limit: 50})
			if err != nil {
				t.Fatal(err)
			}
			got := [3]string{text(allEntries(t, tail, Filter{}, 17)), text(allEpisodes(t, tail, Filter{}, All, 13)), fmt.Sprintf("%+v", lanes)}
			if node == 0 {
				want = got
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("node %d shows\n%s\nnode 0\n%s", node, got[i], want[i])
				}
			}
		}
	}
}

// The oracle answers with loops over all entries.
func TestTailAnswersLikeANaiveOne(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 4))
	for range 60 {
		parts := topic(r, 250, 3)
		tail := New(testConfig())
		deliver(r, tail, parts)
		deliver(r, tail, parts) // duplicates
		from := tail.State().From
		var all []Entry
		for _, e := range slices.Concat(parts...) {
			if e.At >= from {
				if e.ID == "" {
					e.ID = PlaceID(e.Output)
				}
				all = append(all, e)
			}
		}
		f := Filter{MinDeviation: float64(r.IntN(30)), Direction: Direction(r.IntN(3) - 1)}
		switch r.IntN(4) {
		case 0:
			f.Entity = all[r.IntN(len(all))].Entity
		case 1:
			f.Fields = map[int]string{0: fmt.Sprint(r.IntN(8))}
		case 2:
			f.Text = fmt.Sprint(r.IntN(12))
		}
		if r.IntN(2) == 0 {
			f.From = from + int64(r.IntN(100))*bin
			f.Until = f.From + int64(r.IntN(200))*bin
		}
		matches := func(e Entry) bool {
			return math.Abs(e.Deviation) >= f.MinDeviation && (f.Direction == Both || e.Deviation > 0 == (f.Direction == Up)) &&
				(f.Entity == "" || e.Entity == f.Entity) && (f.Fields == nil || e.Fields[0] == f.Fields[0]) &&
				strings.Contains(e.Entity, f.Text) && e.At >= f.From && (f.Until == 0 || e.At < f.Until)
		}
		var want []Entry
		for _, e := range all {
			if matches(e) {
				want = append(want, e)
			}
		}
		slices.SortFunc(want, func(a, b Entry) int {
			return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(a.Output.Partition, b.Output.Partition), cmp.Compare(a.Output.Offset, b.Output.Offset))
		})
		if got := allEntries(t, tail, f, 1+r.IntN(40)); text(got) != text(want) {
			t.Fatalf("%+v\n%s\nwant\n%s", f, text(got), text(want))
		}
		checkLanes(t, r, tail, f, want)
		for _, e := range all {
			if got, found := tail.Anomaly(e.ID); !found || got.Output != e.Output || got.Habit != e.Habit {
				t.Fatalf("%s is %+v, want %+v", e.ID, got, e)
			}
			if got, found := tail.ByHabit(e.Entity, e.ID); found != e.Habit.Found || found && (got.Output != e.Output || got.Habit != e.Habit) {
				t.Fatalf("of the method habit, %s is %+v, want %+v", e.ID, got, e)
			}
		}
		checkEpisodes(t, tail, all)
	}
}

func checkLanes(t *testing.T, r *rand.Rand, tail *Tail, f Filter, want []Entry) {
	t.Helper()
	by := r.IntN(3) - 1
	var rows []Lane
	for cursor := ""; ; {
		lanes, err := tail.Lanes(LanesQuery{Filter: f, By: by, Limit: 3, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		if lanes.Bins > MostBins || lanes.All.Count != len(want) || lanes.Until-lanes.From != int64(lanes.Bins)*lanes.Bin {
			t.Fatalf("%+v of %d anomalies", lanes, len(want))
		}
		for _, row := range append(lanes.Rows, lanes.All) {
			for _, cell := range row.Cells {
				count, worst := 0, 0.0
				for _, e := range want {
					label := e.Entity
					if by >= 0 {
						label = e.Fields[by]
					}
					if (row.Label == "" || label == row.Label) && (e.At-lanes.From)/lanes.Bin == int64(cell.Bin) {
						count++
						worst = max(worst, math.Abs(e.Deviation))
					}
				}
				if cell.Count != count || math.Abs(cell.Deviation) != worst {
					t.Fatalf("row %q, %+v, want %d, %v", row.Label, cell, count, worst)
				}
			}
		}
		rows = append(rows, lanes.Rows...)
		if cursor = lanes.Next; cursor == "" {
			break
		}
	}
	count, labels := 0, make(map[string]bool)
	for i, row := range rows {
		count += row.Count
		labels[row.Label] = true
		if i > 0 && math.Abs(row.Worst) > math.Abs(rows[i-1].Worst) {
			t.Fatalf("row %d is before a larger one", i-1)
		}
	}
	if count != len(want) || len(labels) != len(rows) {
		t.Fatalf("%d anomalies in %d rows, want %d", count, len(rows), len(want))
	}
}

// checkEpisodes folds each entity with the pure fold, in the order of the input. It leaves out entities that
// moved between partitions, which the test of interleavings covers.
func checkEpisodes(t *testing.T, tail *Tail, all []Entry) {
	t.Helper()
	rules, now := tail.config.Rules, tail.State().StreamTime
	byEntity := make(map[string][]Entry)
	for _, e := range all {
		byEntity[e.Entity] = append(byEntity[e.Entity], e)
	}
	opened := make(map[string]int)
	var episodes []Episode
	folded := make(map[string]string)
	for key, entries := range byEntity {
		plain := true
		for _, e := range entries {
			plain = plain && e.Input.Partition == entries[0].Input.Partition && e.Input != Nowhere
		}
		if !plain {
			continue
		}
		slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Input.Offset, b.Input.Offset) })
		var state episode.State
		var last []episode.Episode
		for _, e := range entries {
			state, _ = rules.Anomaly(state, episode.Anomaly{ID: e.ID, At: e.At, Value: e.Value, Usual: e.Usual, Scale: e.Scale, Deviation: e.Deviation}, nil)
			if state.Episode.Points == 1 {
				last = append(last, state.Episode)
			}
			last[len(last)-1] = state.Episode
		}
		for i := range last {
			state, _ := rules.Advance(episode.Resume(last[i], last[i].LastAt), now, nil)
			last[i] = state.Episode
		}
		slices.Reverse(last)
		folded[key] = text(last)
	}
	episodes = allEpisodes(t, tail, Filter{}, All, 7)
	got := make(map[string][]episode.Episode)
	points := 0
	for i, e := range episodes {
		if i > 0 && e.Open && !episodes[i-1].Open {
			t.Fatal("an open episode after one that has ended")
		}
		points += e.Points
		got[e.Entity] = append(got[e.Entity], e.Episode)
		opened[fmt.Sprint(e.Fields[0], e.OpenedAt/bin)]++
		if of, found := tail.EpisodeOf(e.Entity, e.Peak.ID); !found || of.ID != e.ID {
			t.Fatalf("the episode of its peak is %+v, want %+v", of, e)
		}
		if peak, _ := tail.Anomaly(e.Peak.ID); e.Habit != peak.Habit {
			t.Fatalf("%+v has the peak %+v", e, peak)
		}
	}
	if points != len(all) {
		t.Fatalf("episodes have %d anomalies, want %d", points, len(all))
	}
	for _, e := range episodes {
		if want := opened[fmt.Sprint(e.Fields[0], e.OpenedAt/bin)] - 1; e.Concurrent != want {
			t.Fatalf("%d concurrent, want %d", e.Concurrent, want)
		}
	}
	for key, want := range folded {
		slices.SortStableFunc(got[key], func(a, b episode.Episode) int { return cmp.Compare(b.OpenedAt, a.OpenedAt) })
		if text(got[key]) != want {
			t.Fatalf("episodes of %s\n%s\nwant\n%s", key, text(got[key]), want)
		}
	}
	if n := len(allEpisodes(t, tail, Filter{}, Open, 5)) + len(allEpisodes(t, tail, Filter{}, Ended, 5)); n != len(episodes) {
		t.Fatalf("%d open and ended, want %d", n, len(episodes))
	}
}

// The range is whole bins. A node that was there holds the same as a node that begins then.
func TestAnomaliesLeaveWithStreamTime(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 5))
	for range 40 {
		topic := topic(r, 300, 3)
		old, young := New(testConfig()), New(testConfig())
		deliver(r, old, topic)
		for i := range 6 {
			stream := old.State().StreamTime + int64(r.IntN(60)*(1+i))*bin
			old.Advance(stream)
		}
		young.Advance(old.State().StreamTime)
		deliver(r, young, topic)
		if a, b := text(allEpisodes(t, old, Filter{}, All, 50)), text(allEpisodes(t, young, Filter{}, All, 50)); a != b {
			t.Fatalf("one that was there shows\n%s\none that came shows\n%s", a, b)
		}
		if a, b := old.State(), young.State(); a.Bytes != b.Bytes || a.Anomalies != b.Anomalies || a.Entities != b.Entities || a.Dropped+b.Dropped != 0 {
			t.Fatalf("%+v, %+v", a, b)
		}
		old.Advance(old.State().StreamTime + (100 * time.Hour).Milliseconds())
		if s := old.State(); s.Anomalies != 0 || s.Entities != 0 || s.Bytes != 0 || len(old.log) != 0 || len(old.rows.habits) != 0 {
			t.Fatalf("after all have left: %+v", s)
		}
	}
}
