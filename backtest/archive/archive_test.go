package archive

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"anomalydetector/detection"
)

var rules = detection.NewRules(detection.Settings{GranularityMinutes: 15, HistoryHours: 3, MinRatio: 0.5, Threshold: 3})

const (
	hours = 3 * time.Hour
	bin   = 15 * time.Minute
	start = int64(1_600_000_200_000)
)

type point struct {
	key       string
	partition int32
	at        int64
	value     float64
}

// drawn is a stream of some bins: most entities have a point in each, and some points come a bin late.
func drawn(dice *rand.Rand, bins, entities int) (all []point) {
	var late []point
	for i := range bins {
		var now []point
		for e := range entities {
			if dice.IntN(10) > 0 || e == 0 {
				now = append(now, point{fmt.Sprint("e", e), int32(e % 3), start + int64(i)*bin.Milliseconds(), dice.Float64()})
			}
		}
		now, late = append(now, late...), nil
		if dice.IntN(4) == 0 {
			at := dice.IntN(len(now))
			late = []point{now[at]}
			now = slices.Delete(now, at, at+1)
		}
		all = append(all, now...)
	}
	return all
}

// windowsOf lets points pass through windows.
func windowsOf(points []point, into map[string]*detection.Window) map[string]*detection.Window {
	for _, p := range points {
		if into[p.key] == nil {
			into[p.key] = &detection.Window{}
		}
		into[p.key].Observe(&rules, 0, p.at, p.value)
	}
	return into
}

func text(w *detection.Window) string {
	var all strings.Builder
	for at, value := range w.All() {
		fmt.Fprintln(&all, at, value)
	}
	return all.String()
}

// TestFilledWindowsGoOnAsThoseOfOneRun: for any stream, any place at which each partition of the topic begins, and any time of
// the import, each entity's window is what one run over everything would have, whether or not the topic has shown the entity.
func TestFilledWindowsGoOnAsThoseOfOneRun(t *testing.T) {
	for seed := range uint64(200) {
		dice := rand.New(rand.NewPCG(seed, 1))
		all := drawn(dice, 40, 12)
		until := len(all)*6/10 + dice.IntN(len(all)/10) // what comes later is written after the import
		f := New(&rules, nil, hours, bin)
		topic := make(map[int32][]point) // of a partition, as it is at the import
		after := make(map[int32][]point)
		order := make([]point, 0, len(all))
		for number := range int32(3) {
			begins := len(all)*4/10 + dice.IntN(len(all)/10)
			cut := all[begins].at + time.Hour.Milliseconds()
			f.Partition(number, cut)
			for i, p := range all {
				switch {
				case p.partition != number || i < begins:
				case i < until:
					topic[number] = append(topic[number], p)
					f.Delivers(number, []byte(p.key), p.at, p.value)
				default:
					after[number] = append(after[number], p)
				}
			}
		}
		order = append(order, all[:until]...)
		for _, p := range order {
			if err := f.Row(0, []byte(p.key), p.at, p.value); err != nil {
				t.Fatal(err)
			}
		}
		want := windowsOf(all, map[string]*detection.Window{})
		for number := range int32(3) {
			if c := f.Compare(number); c.Missing != 0 || c.Extra != 0 || c.Agreed == 0 {
				t.Fatalf("seed %d: partition %d of the same stream: %+v", seed, number, c)
			}
			stored, _ := f.Stored(number)
			got := make(map[string]*detection.Window)
			for key, window := range stored {
				for at, value := range window.Points {
					windowsOf([]point{{key, number, at, value}}, got)
				}
			}
			windowsOf(after[number], windowsOf(topic[number], got))
			for key, w := range want {
				if last := got[key]; partitionOf(all, key) == number && (last == nil || text(last) != text(w)) {
					t.Fatalf("seed %d: the window of %s is\n%swant\n%s", seed, key, text(last), text(w))
				}
			}
		}
	}
}

func partitionOf(all []point, key string) int32 {
	return all[slices.IndexFunc(all, func(p point) bool { return p.key == key })].partition
}

func TestEntityThatTheTopicDoesNotShowIsInEachPartition(t *testing.T) {
	f := New(&rules, nil, hours, bin)
	f.Partition(0, start)
	f.Partition(1, start)
	f.Delivers(1, []byte("shown"), start+bin.Milliseconds(), 1)
	for _, key := range []string{"shown", "hidden"} {
		if err := f.Row(0, []byte(key), start, 1); err != nil {
			t.Fatal(err)
		}
	}
	keys := func(number int32) []string {
		stored, _ := f.Stored(number)
		return slices.Collect(maps.Keys(maps.Collect(stored)))
	}
	if got := keys(0); !slices.Equal(got, []string{"hidden"}) {
		t.Errorf("partition 0 has %q", got)
	}
	if got := keys(1); len(got) != 2 {
		t.Errorf("partition 1 has %q", got)
	}
	if f.Homeless() != 1 {
		t.Errorf("%d entities are not in the topic", f.Homeless())
	}
}

func TestEntitiesThatADaemonRemovesAreLeftOut(t *testing.T) {
	f := New(&rules, nil, hours, bin)
	days := int64(60 * 24 * 4)
	f.Partition(0, start+days*bin.Milliseconds())
	for i := range days {
		for _, key := range []string{"a", "b", "c", "d", "e"} {
			if key == "a" && i > 10 {
				continue
			}
			if err := f.Row(0, []byte(key), start+i*bin.Milliseconds(), 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	stored, complete := f.Stored(0)
	all := maps.Collect(stored)
	if _, there := all["a"]; len(all) != 4 || there {
		t.Errorf("there are %d windows", len(all))
	}
	if want := start + 10*bin.Milliseconds() + hours.Milliseconds() + 1; complete.NewCompleteFrom != want || complete.StreamTime != start+(days-1)*bin.Milliseconds() {
		t.Errorf("what is stored with them is %+v, want complete for new ones from %d", complete, want)
	}
}

func TestHolesAreCounted(t *testing.T) {
	f := New(&rules, nil, hours, bin)
	f.Partition(0, start+20*bin.Milliseconds())
	for i := range int64(21) {
		if i == 3 || i == 15 || i == 16 { // the first is before the last history
			continue
		}
		if err := f.Row(0, []byte("a"), start+i*bin.Milliseconds(), 1); err != nil {
			t.Fatal(err)
		}
	}
	if holes, of := f.Holes(); holes != 2 || of != 13 {
		t.Errorf("%d holes in %d bins", holes, of)
	}
}

// TestFilledStatesAreThoseOfOneRun: with the method habit, what is stored of an entity is a state.
func TestFilledStatesAreThoseOfOneRun(t *testing.T) {
	habit := detection.NewHabitRules(detection.Settings{Method: detection.HabitMethod, GranularityMinutes: 15, HistoryHours: 24, MinRatio: 0.2, Threshold: 5, MinDeviation: 0.01})
	all := drawn(rand.New(rand.NewPCG(8, 1)), 600, 6)
	f := New(habit.Window(), &habit, habit.Memory(), bin)
	cut := all[len(all)-1].at - time.Hour.Milliseconds()
	f.Partition(0, cut)
	want, newest := make(map[string]*detection.Habit), make(map[string]int64)
	for _, p := range all {
		if err := f.Row(0, []byte(p.key), p.at, p.value); err != nil {
			t.Fatal(err)
		}
		if p.at > cut {
			continue
		}
		if want[p.key] == nil {
			want[p.key] = &detection.Habit{}
		}
		want[p.key].Observe(&habit, 1, p.at, p.value)
		newest[p.key] = max(newest[p.key], p.at)
	}
	stored, _ := f.Stored(0)
	found := 0
	for key, w := range stored {
		found++
		if w.Points != nil || w.Newest != newest[key] || !slices.Equal(w.State, want[key].AppendState(&habit, nil)) {
			t.Errorf("the state of %s has %d bytes, newest %d; want %d", key, len(w.State), w.Newest, newest[key])
		}
	}
	if found != len(want) || found != 6 {
		t.Errorf("there are %d states, want %d", found, len(want))
	}
}
