package episode

import (
	"math/rand/v2"
	"testing"
)

// step is one call of the fold.
type step struct {
	what    byte // a, n or t: an anomaly, a normal point, stream time
	anomaly Anomaly
	at      int64
}

// steps are calls for an entity whose times mostly rise.
func steps(r *rand.Rand, count int) (all []step) {
	bins := 1000
	for i := range count {
		switch r.IntN(12) {
		case 0:
			bins += r.IntN(60)
		case 1:
			bins -= r.IntN(3) // a late record
		default:
			bins += r.IntN(3)
		}
		deviation := 5 + r.Float64()*20
		if r.IntN(2) == 0 {
			deviation = -deviation
		}
		a := anomaly(bins, deviation)
		a.ID += string(rune('a' + i%26))
		all = append(all, step{"ant"[r.IntN(3)], a, int64(bins) * bin})
	}
	return all
}

func run(rules Rules, state State, all []step) (State, []Step) {
	var events []Step
	for _, s := range all {
		switch s.what {
		case 'a':
			state, events = rules.Anomaly(state, s.anomaly, events)
		case 'n':
			if rules.EveryPoint {
				state, events = rules.Normal(state, Point{s.at, 90 + float64(s.at%30)}, events)
			}
		default:
			state, events = rules.Advance(state, s.at, events)
		}
	}
	return state, events
}

// Whatever comes: a split input gives the same events as the whole, events come in the order of a life cycle,
// IDs stay, and two episodes are never open at once.
func TestTheFoldObeysItsLaws(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 1))
	for range 3000 {
		rules := rules
		rules.EveryPoint = r.IntN(2) == 0
		rules.ClearAfter = 1 + r.IntN(5)
		all := steps(r, 1+r.IntN(80))
		state, events := run(rules, State{}, all)

		again, eventsAgain := run(rules, State{}, all)
		cut := r.IntN(len(all) + 1)
		first, eventsFirst := run(rules, State{}, all[:cut])
		second, eventsSecond := run(rules, first, all[cut:])
		if !same(state, again) || !same(events, eventsAgain) {
			t.Fatal("the same steps give another fold")
		}
		if !same(state, second) || !same(events, append(eventsFirst, eventsSecond...)) {
			t.Fatalf("split at %d of %d: %+v\nwhole: %+v", cut, len(all), second, state)
		}

		open, anomalies := "", 0
		seen := make(map[string]bool)
		last := ""
		for i, event := range events {
			e := event.Episode
			switch event.Event {
			case Opened:
				if open != "" || seen[e.ID] || !e.Open || e.Reopened != 0 || e.Points != 1 {
					t.Fatalf("event %d: %+v while %q is open", i, event, open)
				}
				open, last = e.ID, e.ID
				seen[e.ID] = true
			case Reopened:
				if open != "" || e.ID != last || !e.Open || e.Outcome != Unknown {
					t.Fatalf("event %d: %+v, the last was %q", i, event, last)
				}
				open = e.ID
			case Updated:
				if open != e.ID || !e.Open {
					t.Fatalf("event %d: %+v while %q is open", i, event, open)
				}
			case Resolved:
				if open != e.ID || e.Open || e.EndedAt < e.LastAt || e.EndedAt > event.At {
					t.Fatalf("event %d: %+v while %q is open", i, event, open)
				}
				open = ""
			}
			if i > 0 && event.At < events[i-1].At {
				t.Fatalf("event %d goes back in time", i)
			}
		}
		if state.Episode.Open != (open != "") {
			t.Fatalf("open: %v, but the events say %q", state.Episode.Open, open)
		}
		for _, s := range all {
			if s.what == 'a' {
				anomalies++
			}
		}
		if anomalies > 0 != (len(events) > 0) {
			t.Fatalf("%d anomalies, %d events", anomalies, len(events))
		}
	}
}

// If an episode was folded from anomalies alone, its State can be made from the episode.
func TestEpisodeGoesOnWithoutItsState(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 2))
	for range 2000 {
		all := steps(r, 1+r.IntN(60))
		whole, _ := run(rules, State{}, all)
		cut := r.IntN(len(all) + 1)
		first, _ := run(rules, State{}, all[:cut])
		if first.Episode.Points == 0 {
			continue
		}
		second, _ := run(rules, Resume(first.Episode, first.Now), all[cut:])
		if !same(whole.Episode, second.Episode) {
			t.Fatalf("%+v, want %+v", second.Episode, whole.Episode)
		}
	}
}
