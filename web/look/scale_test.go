package look

import "testing"

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
