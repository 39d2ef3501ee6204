package look

import (
	"testing"
	"time"
)

func TestAScaleHoldsAllValuesBetweenRoundNumbers(t *testing.T) {
	low, high := -0.05, 0.2
	tests := [][]float64{{0, 1}, {0.7, 0.72}, {5, 5}, {0, 0}, {-3, 12}, {1e-8, 3e-8}, {99990, 100010}, {1e300, 2e300}}
	for _, values := range tests {
		for _, levels := range [][]float64{nil, {low, high}} {
			s := ScaleOf(values, levels)
			for _, v := range values {
				if at := s.At(v); !(at >= -1e-9 && at <= 1+1e-9) {
					t.Errorf("%v: %v is placed at %v of %+v", values, v, at, s)
				}
			}
			if n := len(s.Levels()); n < 2 || n > 8 {
				t.Errorf("%v: %d levels", values, n)
			}
		}
	}
	if s := ScaleOf([]float64{0.1}, []float64{low, high}); s.Low != 0 {
		t.Errorf("values that are never below 0 are drawn from %v on", s.Low)
	}
}

func TestAnAxisHasAFewTicksWhateverItsLength(t *testing.T) {
	from := time.Date(2024, 2, 28, 23, 17, 0, 0, time.UTC)
	for _, length := range []time.Duration{time.Hour, 6 * time.Hour, 30 * time.Hour, 72 * time.Hour, 9 * day, 10 * day, 20 * day, 40 * day, 100 * day, 300 * day, 400 * day, 3 * 365 * day, 20 * 365 * day, 200 * 365 * day} {
		p := Plot{from, from.Add(length)}
		ticks := p.Ticks()
		if n := len(ticks); n < 1 || n > 14 || length > 20*day && n < 4 {
			t.Errorf("%v has %d ticks: %v", length, n, ticks)
		}
		labels := map[string]bool{}
		for _, k := range ticks {
			if labels[k.Label] {
				t.Errorf("%v has the label %q twice", length, k.Label)
			}
			labels[k.Label] = true
		}
	}
	if n := len((Plot{time.UnixMilli(0), time.UnixMilli(1 << 61)}).Ticks()); n < 4 || n > 14 {
		t.Errorf("the longest axis has %d ticks", n)
	}
}

func TestALabelIsWrittenWhereThereIsRoom(t *testing.T) {
	for name, test := range map[string]struct {
		from, until, before, next float64
		label, anchor, class      string
	}{
		"room on the right":       {0.2, 0.3, 0, 1, "outage", "start", ""},
		"only on the left":        {0.97, 0.99, 0.5, 1, "outage", "end", ""},
		"no room for narrow ones": {0.2, 0.21, 0, 0.3, "outage", "start", "wide"},
		"no room":                 {0.2, 0.21, 0.19, 0.22, "", "end", ""},
	} {
		k := Known{Label: "outage"}
		if k.Fit(test.from, test.until, test.before, test.next); k.Label != test.label || test.label != "" && k.Anchor != test.anchor || k.Class != test.class {
			t.Errorf("%s: %+v", name, k)
		}
	}
}
