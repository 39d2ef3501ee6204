package detection

import (
	"math"
	"math/rand/v2"
)

// streams are the kinds of values that the properties are tested with: ordinary ones, and ones made to break
// sums, medians and roundings.
var streams = []struct {
	name string
	next func(*rand.Rand) float64
}{
	{"noise", func(r *rand.Rand) float64 { return r.NormFloat64() }},
	{"noise with spikes", func(r *rand.Rand) float64 {
		if r.IntN(20) == 0 {
			return r.NormFloat64() * 100
		}
		return r.NormFloat64()
	}},
	{"small noise far from zero", func(r *rand.Rand) float64 { return 1e9 + r.Float64() }},
	{"few whole numbers", func(r *rand.Rand) float64 { return float64(r.IntN(4)) }},
	{"quarters around zero", func(r *rand.Rand) float64 { return float64(r.IntN(9)-4) / 4 }},
	{"tenths", func(r *rand.Rand) float64 { return math.Round(r.NormFloat64()*15) / 10 }},
	{"hundredths", func(r *rand.Rand) float64 { return math.Round(r.NormFloat64()*40) / 100 }},
	{"two levels in tenths", twoLevels(0.7, 2)},
	{"two levels in tenths far from zero", twoLevels(1234.3, 3)},
	{"equal", func(*rand.Rand) float64 { return 0.1 }},
	{"equal with rare others", func(r *rand.Rand) float64 {
		if r.IntN(30) == 0 {
			return r.Float64()
		}
		return 0.1
	}},
	{"zeros of both signs", func(r *rand.Rand) float64 { return math.Copysign(0, r.NormFloat64()) }},
	{"zeros with rare others", func(r *rand.Rand) float64 {
		if r.IntN(10) == 0 {
			return r.NormFloat64() * 1e-3
		}
		return math.Copysign(0, r.NormFloat64())
	}},
	{"sign flips", func(r *rand.Rand) float64 { return math.Copysign(0.3+r.Float64()*1e-9, r.NormFloat64()) }},
	{"huge and tiny", func(r *rand.Rand) float64 { return math.Ldexp(r.NormFloat64(), r.IntN(2000)-1000) }},
	{"rarely huge", func(r *rand.Rand) float64 {
		if r.IntN(50) == 0 {
			return math.Ldexp(r.NormFloat64(), r.IntN(1000))
		}
		return r.Float64()
	}},
	{"subnormal", func(r *rand.Rand) float64 { return math.Float64frombits(r.Uint64N(1 << 12)) }},
	{"around the smallest normal", func(r *rand.Rand) float64 {
		return math.Copysign(math.Float64frombits(r.Uint64N(1<<54)), r.NormFloat64())
	}},
	{"near the largest", func(r *rand.Rand) float64 {
		return math.Copysign(math.MaxFloat64*(1-r.Float64()/4), r.NormFloat64())
	}},
	{"rarely near the largest", func(r *rand.Rand) float64 {
		if r.IntN(20) == 0 {
			return math.Copysign(math.MaxFloat64, r.NormFloat64())
		}
		return r.NormFloat64()
	}},
	{"neighbouring numbers", func(r *rand.Rand) float64 { return math.Float64frombits(0x3ff0000000000000 + r.Uint64N(4)) }},
	{"any bits", func(r *rand.Rand) float64 {
		for {
			if x := math.Float64frombits(r.Uint64()); !math.IsNaN(x) && !math.IsInf(x, 0) {
				return x
			}
		}
	}},
}

// someSettings are settings to test with: windows of 12 to 20 points, both metrics, with and without a
// min_dev.
func someSettings(r *rand.Rand) Settings {
	return Settings{
		GranularityMinutes: 15,
		HistoryHours:       []float64{1, 3, 5, 2.7}[r.IntN(4)],
		MinRatio:           []float64{0, 0.5, 0.6, 1}[r.IntN(4)],
		Threshold:          []float64{5, 3, 1, 0.1, 0.6744907594765952}[r.IntN(5)],
		MinDeviation:       []float64{0.01, 0, 1, 1e-300}[r.IntN(4)],
		Metric:             Metric(r.IntN(2)),
	}
}

// twoLevels jumps between two values and values around their middle, in tenths. Then many distances from the
// median are equal, and no two ways to compute them round alike.
func twoLevels(middle, level float64) func(*rand.Rand) float64 {
	return func(r *rand.Rand) float64 {
		value := middle + level*float64(1-2*r.IntN(2))
		switch r.IntN(5) {
		case 0:
			value = middle + r.NormFloat64()*0.1
		case 1:
			value = middle + r.NormFloat64()
		}
		return math.Round(value*10) / 10
	}
}
