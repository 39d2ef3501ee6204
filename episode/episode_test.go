package episode

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

const bin = 15 * 60 * 1000 // milliseconds

var rules = DefaultRules(15*time.Minute, 5)

// tell plays a list of steps, a bin after the other: "a" is an anomaly, "A" a farther one, "n" a normal point
// in the band, "x" a normal point beyond it, "." nothing. It returns the events in words.
func tell(rules Rules, story string) (state State, told string) {
	var events []Step
	for i, step := range story {
		at := int64(i) * bin
		switch step {
		case 'a':
			state, events = rules.Anomaly(state, anomaly(i, 6), events)
		case 'A':
			state, events = rules.Anomaly(state, anomaly(i, 9), events)
		case 'n':
			state, events = rules.Normal(state, Point{at, 101}, events)
		case 'x':
			state, events = rules.Normal(state, Point{at, 200}, events)
		}
		state, events = rules.Advance(state, at, events)
	}
	var words []string
	for _, event := range events {
		word := fmt.Sprintf("%s %s at %d", event.Event, event.Episode.ID, event.At/bin)
		if event.Event == Resolved {
			word += fmt.Sprintf(" ended %d %s", event.Episode.EndedAt/bin, event.Episode.Outcome)
		}
		words = append(words, strings.TrimSpace(word))
	}
	return state, strings.Join(words, ", ")
}

// anomaly is one of a series whose usual level is 100 and whose scale is 2.
func anomaly(bins int, deviation float64) Anomaly {
	return Anomaly{ID: fmt.Sprintf("i%d", bins), At: int64(bins) * bin, Value: 100 + 2*deviation, Usual: 100, Scale: 2, Deviation: deviation}
}

func TestEpisodesOfAnomaliesAlone(t *testing.T) {
	for name, c := range map[string]struct{ story, want string }{
		"one point goes on for four bins":        {"a....", "opened i0 at 0"},
		"and ends after them":                    {"a.....", "opened i0 at 0, resolved i0 at 5 ended 4"},
		"an anomaly in the fourth bin is of it":  {"a...a", "opened i0 at 0"},
		"and in the fifth reopens it":            {"a....a", "opened i0 at 0, resolved i0 at 5 ended 4, reopened i0 at 5"},
		"six hours after the last one, too":      {"a" + strings.Repeat(".", 23) + "a", "opened i0 at 0, resolved i0 at 5 ended 4, reopened i0 at 24"},
		"and later opens another":                {"a" + strings.Repeat(".", 24) + "a", "opened i0 at 0, resolved i0 at 5 ended 4, opened i25 at 25"},
		"a peak that grows by half is told":      {"aA", "opened i0 at 0, updated i0 at 1"},
		"one that has been as large before not":  {"AaA", "opened i0 at 0"},
		"without anomalies there are no episode": {"....", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if _, told := tell(rules, c.story); told != c.want {
				t.Errorf("%s: %s\nwant %s", c.story, told, c.want)
			}
		})
	}
}

func TestEpisodesOfEveryPoint(t *testing.T) {
	every := rules
	every.EveryPoint = true
	for name, c := range map[string]struct{ story, want string }{
		"four normal points end it":          {"annnn", "opened i0 at 0, resolved i0 at 4 ended 4 recovered"},
		"three do not":                       {"annna", "opened i0 at 0"},
		"they are counted anew":              {"annnannn", "opened i0 at 0"},
		"beyond the band it is absorbed":     {"axxxx", "opened i0 at 0, resolved i0 at 4 ended 4 absorbed"},
		"the last of them decides":           {"axxxn", "opened i0 at 0, resolved i0 at 4 ended 4 recovered"},
		"without a point it is silent":       {"a.....", "opened i0 at 0, resolved i0 at 5 ended 4 silent"},
		"silence is since the last point":    {"ann.....", "opened i0 at 0, resolved i0 at 7 ended 6 silent"},
		"bins without a point do not count":  {"a.n.n.n.n", "opened i0 at 0, resolved i0 at 8 ended 8 recovered"},
		"after silence it reopens":           {"a.....a", "opened i0 at 0, resolved i0 at 5 ended 4 silent, reopened i0 at 6"},
		"points without an episode are fine": {"nnnnnn", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if _, told := tell(every, c.story); told != c.want {
				t.Errorf("%s: %s\nwant %s", c.story, told, c.want)
			}
		})
	}
}

func TestAnEpisodeHasItsFirstPeakAndBand(t *testing.T) {
	state, _ := tell(rules, "aA.a")
	e := state.Episode
	if e.ID != "i0" || e.Points != 3 || e.OpenedAt != 0 || e.LastAt != 3*bin || e.Peak.ID != "i1" || e.Low != 90 || e.High != 110 || !e.Open {
		t.Errorf("%+v", e)
	}
	unknown := anomaly(0, 6)
	unknown.Usual, unknown.Scale = math.NaN(), math.NaN()
	state, _ = rules.Anomaly(State{}, unknown, nil)
	if e := state.Episode; !math.IsNaN(e.Low) || !math.IsNaN(e.High) {
		t.Errorf("a band of what is not known: %+v", e)
	}
}

func TestALateRecordCountsForTheEpisodeAtHand(t *testing.T) {
	state, _ := rules.Anomaly(State{}, anomaly(100, 6), nil)
	state, events := rules.Anomaly(state, anomaly(50, 6), nil)
	if e := state.Episode; e.ID != "i100" || e.Points != 2 || e.LastAt != 100*bin || state.Now != 100*bin || len(events) > 0 {
		t.Errorf("%+v, events %v", state, events)
	}
}

func TestThePointsThatFollowedTellTheOutcome(t *testing.T) {
	state, _ := tell(rules, "a.....")
	at := func(bins int, value float64) Point { return Point{int64(bins) * bin, value} }
	for name, c := range map[string]struct {
		points []Point
		want   Outcome
	}{
		"none":                         {nil, Silent},
		"none after it":                {[]Point{at(-1, 100), at(0, 112)}, Silent},
		"back in the band":             {[]Point{at(0, 112), at(1, 110)}, Recovered},
		"beyond it":                    {[]Point{at(1, 110.5)}, Absorbed},
		"the fourth decides":           {[]Point{at(1, 200), at(2, 200), at(3, 200), at(4, 100), at(5, 200)}, Recovered},
		"however it goes on afterward": {[]Point{at(1, 100), at(2, 100), at(3, 100), at(4, 200), at(5, 100)}, Absorbed},
	} {
		t.Run(name, func(t *testing.T) {
			if got := rules.Judge(state.Episode, c.points); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	open, _ := tell(rules, "a")
	if got := rules.Judge(open.Episode, nil); got != Unknown {
		t.Errorf("an open episode is %s", got)
	}
	noBand := state.Episode
	noBand.Low, noBand.High = math.NaN(), math.NaN()
	if got := rules.Judge(noBand, []Point{at(1, 100)}); got != Unknown {
		t.Errorf("without a band it is %s", got)
	}
}

// same compares states that may hold NaN.
func same(a, b any) bool {
	return reflect.DeepEqual(a, b) || fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b)
}
