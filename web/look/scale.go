package look

import "math"

// Scale places values on a picture: the highest value at 0, the lowest at 1.
type Scale struct{ Low, High, step float64 }

// widest bounds a scale, so that its length is finite.
const widest = 4e307

// ScaleOf is a scale that holds all values and, beside them, the levels of a band. It ends at round numbers. It begins at
// 0 if no value is below 0 and some come close to it.
func ScaleOf(values, levels []float64) Scale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	least := low
	for _, v := range levels {
		low, high = min(low, v), max(high, v)
	}
	if math.IsInf(low, 0) || math.IsInf(high, 0) {
		return Scale{0, 1, 0.25}
	}
	low, high = max(low, -widest), min(high, widest)
	if least >= 0 && !math.IsInf(least, 0) && (low < 0 || low < high/2) {
		low = 0
	}
	if high-low < 1e-12*max(1, math.Abs(high)) {
		low, high = low-0.5, high+0.5
	}
	step := niceStep((high - low) / 4)
	return Scale{math.Floor(low/step) * step, math.Ceil(high/step) * step, step}
}

// niceStep is the smallest of 1, 2, 2.5 and 5 times a power of ten that is not below v.
func niceStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, part := range []float64{1, 2, 2.5, 5} {
		if part*power >= v*0.999999 {
			return part * power
		}
	}
	return 10 * power
}

// At is the part of the picture that lies above a value.
func (s Scale) At(v float64) float64 { return (s.High - v) / (s.High - s.Low) }

// Levels are the round values at which lines are drawn.
func (s Scale) Levels() []Tick {
	var all []Tick
	for i := 0; i < 12; i++ {
		if v := s.Low + float64(i)*s.step; v <= s.High+s.step/2 {
			if math.Abs(v) < s.step/1e6 {
				v = 0
			}
			all = append(all, Tick{X: Percent(s.At(v)), Label: Digits(v, 4)})
		}
	}
	return all
}
