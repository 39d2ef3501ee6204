package look

import "testing"

func TestACourseIsDrawnInPiecesWithinThePlot(t *testing.T) {
	for name, test := range map[string]struct {
		edges       []Edge
		band, usual string
	}{
		"two pieces, and one edge alone": {
			[]Edge{{X: 0.1, High: 0.2, Usual: 0.3, Low: 0.4}, {X: 0.2, High: -1, Usual: 0.4, Low: 2}, {X: 0.5, High: 0.1, Low: 0.2, Apart: true}, {X: 0.8, High: 0.3, Usual: 0.4, Low: 0.5, Apart: true}, {X: 1, High: 0.3, Usual: 0.4, Low: 0.5}},
			"M100.0 200.0L200.0 0.0L200.0 1000.0L100.0 400.0ZM800.0 300.0L1000.0 300.0L1000.0 500.0L800.0 500.0Z", "M100.0 300.0L200.0 400.0M800.0 400.0L1000.0 400.0",
		},
	} {
		if c := CourseOf(test.edges); c.Band != test.band || c.Usual != test.usual {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if c := CourseOf([]Edge{{X: 0.5}}); *c != (Course{}) {
		t.Errorf("one edge is drawn as %+v", c)
	}
}
