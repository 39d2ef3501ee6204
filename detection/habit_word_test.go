package detection

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestWordIsTheNearestOne compares with the words below and above.
func TestWordIsTheNearestOne(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 48))
	for _, x := range []float64{0, 1, 0.1, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Nextafter(2, 1), 5e-320} {
		wordIsNearest(t, x)
	}
	for range 10_000 {
		if x := math.Float64frombits(r.Uint64()); !math.IsNaN(x) && !math.IsInf(x, 0) {
			wordIsNearest(t, x)
		}
	}
}

func wordIsNearest(t *testing.T, x float64) {
	t.Helper()
	for _, x := range []float64{x, -x} {
		w := floatWord(x)
		got := w.float()
		if math.IsInf(got, 0) || math.Signbit(got) != math.Signbit(x) {
			t.Fatalf("%v is kept as %v", x, got)
		}
		for _, bits := range []uint64{w.bits() - 1, w.bits() + 1} {
			other := math.Float64frombits(bits << 16)
			if math.Signbit(other) == math.Signbit(x) && !math.IsInf(other, 0) && !math.IsNaN(other) && math.Abs(other-x) < math.Abs(got-x) {
				t.Fatalf("%v is kept as %v, and %v is nearer", x, got, other)
			}
		}
		if off := math.Abs(got - x); math.Abs(x) > 1e-300 && math.Abs(x) < 1e308 && off > math.Abs(x)*wordRounding {
			t.Fatalf("%v is kept as %v", x, got)
		}
	}
}

func TestWordKeepsWhatIsNotFinite(t *testing.T) {
	up, down, none := floatWord(math.Inf(1)), floatWord(math.Inf(-1)), floatWord(math.NaN())
	if !math.IsInf(up.float(), 1) || !math.IsInf(down.float(), -1) || !math.IsNaN(none.float()) {
		t.Errorf("%v, %v, %v", up.float(), down.float(), none.float())
	}
}

func TestWordOfAWholeNumber(t *testing.T) {
	for x, want := range map[int64]int64{0: 0, 1_700_000_000_000: 1_700_000_000_000, mostWhole: mostWhole, mostWhole + 1: mostWhole, math.MaxInt64: mostWhole} {
		if w := wholeWord(x); w.whole() != want {
			t.Errorf("%d is kept as %d", x, w.whole())
		}
	}
}
