package report

import (
	"math"
	"strings"
	"testing"
)

func TestIntervalHoldsTheRatioAndIsAsWideAsRatiosScatter(t *testing.T) {
	for name, c := range map[string]struct {
		ratios []float64
		want   Interval
	}{
		"none":     {nil, Interval{0, -1, -1}},
		"unknown":  {[]float64{0, 0}, Interval{0, -1, -1}},
		"one":      {[]float64{0.5}, Interval{0.5, -1, -1}},
		"the same": {[]float64{0.9, 0.9, 0.9}, Interval{0.9, 0.9, 0.9}},
		"two":      {[]float64{1 / math.E, math.E}, Interval{1, math.Exp(-12.706), math.Exp(12.706)}}, // deviation sqrt 2, of the mean 1
	} {
		got := IntervalOf(c.ratios)
		for _, pair := range [][2]float64{{got.Ratio, c.want.Ratio}, {got.Low, c.want.Low}, {got.High, c.want.High}} {
			if math.Abs(pair[0]-pair[1]) > 1e-9*max(1, math.Abs(pair[1])) {
				t.Errorf("%s: %+v, want %+v", name, got, c.want)
			}
		}
	}
	if got := IntervalOf(make([]float64, 100)); got.Low != -1 {
		t.Errorf("of a hundred that are not known: %+v", got)
	}
	var many []float64
	for i := range 40 {
		many = append(many, 1+float64(i%2)/100)
	}
	if got := IntervalOf(many); got.High-got.Low > 0.005 {
		t.Errorf("of many: %+v", got)
	}
}

// TestWatchersAreJudgedByWhatIsSure: they may cost 3 %.
func TestWatchersAreJudgedByWhatIsSure(t *testing.T) {
	runs := func(rates ...float64) (all []Run) {
		for _, rate := range rates {
			all = append(all, Run{Steady: rate, SteadyCPU: 1e6 / rate})
		}
		return all
	}
	there, missing := []Path{{Path: "/", Asked: 2, Answered: 2}}, []Path{{Path: "/", Asked: 2, Answered: 2}, {Path: "/api/v1/stream", Asked: 3}}
	some, most := []Path{{Path: "/", Asked: 1000, Answered: 989}}, []Path{{Path: "/", Asked: 1000, Answered: 990}}
	for name, c := range map[string]struct {
		watched, unwatched []Run
		paths              []Path
		want               string
		fails              bool
	}{
		"they cost little":       {runs(99, 100, 99), runs(100, 100, 100), there, "it holds", false},
		"they cost much":         {runs(90, 91, 90), runs(100, 100, 100), there, "does not hold", true},
		"the machine is unquiet": {runs(80, 120, 100), runs(100, 100, 100), there, "scatter", false},
		"one round":              {runs(99), runs(100), there, "one pair", false},
		"some are refused":       {runs(99, 100, 99), runs(100, 100, 100), some, "of 1000 questions only 989", true},
		"few are refused":        {runs(99, 100, 99), runs(100, 100, 100), most, "990 of 1000", false},
		"nothing is there":       {runs(99, 100, 99), runs(100, 100, 100), missing, "/api/v1/stream", true},
	} {
		w := Watched{Watched: c.watched, Unwatched: c.unwatched, Off: c.unwatched, Paths: c.paths}.Completed()
		if words, fails := w.Verdict(); !strings.Contains(words, c.want) && name != "few are refused" || fails != c.fails {
			t.Errorf("%s: %q, fails: %t", name, words, fails)
		}
		result := Result{Watched: &w}
		if text := result.Text(); !strings.Contains(text, "watched to nobody asks") || !strings.Contains(text, c.want) {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}
