package labels

import (
	"math"
	"slices"
)

// naive judges as Score does, by looking at each row and each label. Only what needs thought is here.

type row struct {
	at                int64
	scored, anom, opn bool
}

func (r row) reports(way int) bool {
	return way == eachAnomaly && r.anom || way == eachEpisode && r.opn
}

type naiveFit struct {
	inside, aftermath, outside int64
	found                      map[int]int64 // by label: the delay
	nab                        [3]float64
}

// naiveEvents are the labels that are judged.
func naiveEvents(all []Label, rows map[string][]row) (events []int) {
	for i, l := range all {
		reached, begun := false, false
		for entity, of := range rows {
			for _, r := range of {
				reached = reached || r.at >= l.From
				begun = begun || l.Fits(entity) && r.scored && r.at <= l.Until
			}
		}
		if reached && begun {
			events = append(events, i)
		}
	}
	return events
}

func naiveDays(rows map[string][]row, bin int64) float64 {
	var times []int64
	for _, of := range rows {
		for _, r := range of {
			times = append(times, r.at)
		}
	}
	if len(times) == 0 {
		return 0
	}
	return float64(slices.Max(times)-slices.Min(times)+bin) / 86_400_000
}

func naiveJudge(all []Label, rows map[string][]row, grace int64, way int) naiveFit {
	f := naiveFit{found: map[int]int64{}}
	for entity, of := range rows {
		for _, r := range of {
			if !r.reports(way) {
				continue
			}
			in, after := false, false
			for i, l := range all {
				if !l.Fits(entity) || r.at < l.From {
					continue
				}
				if r.at <= l.Until {
					in = true
					if delay, has := f.found[i]; !has || r.at-l.From < delay {
						f.found[i] = r.at - l.From
					}
				}
				after = after || r.at-l.Until <= grace
			}
			switch {
			case in:
				f.inside++
			case after:
				f.aftermath++
			default:
				f.outside++
			}
		}
	}
	for i, weights := range [][2]float64{{0.11, 1}, {0.22, 1}, {0.11, 2}} {
		f.nab[i] = naiveNAB(all, rows, way, weights[0], weights[1])
	}
	return f
}

// naiveNAB is NaN if there is no window.
func naiveNAB(all []Label, rows map[string][]row, way int, falseWeight, missedWeight float64) float64 {
	raw, windows := 0.0, 0.0
	for entity, of := range rows {
		begin := int(math.Min(math.Floor(0.15*float64(len(of))), 750))
		scaled := func(x float64) float64 {
			if x > 3 {
				return -1
			}
			return 2/(1+math.Exp(5*x)) - 1
		}
		// By row the number of the window that it is in; the newest time so far decides.
		in := make([]int, len(of))
		number, newest := 0, int64(math.MinInt64)
		joined := naiveWindows(all, entity)
		inside := -1
		for i, r := range of {
			newest = max(newest, r.at)
			now := slices.IndexFunc(joined, func(w [2]int64) bool { return w[0] <= newest && newest <= w[1] })
			if now >= 0 && now != inside {
				number++
			}
			if inside = now; now >= 0 {
				in[i] = number
			}
		}
		for w := 1; w <= number; w++ {
			last := len(in) - 1 - slices.Index(reversed(in), w)
			first := max(slices.Index(in, w), begin)
			if first > last {
				continue
			}
			windows++
			hit := slices.IndexFunc(of[first:last+1], func(r row) bool { return r.reports(way) })
			if hit < 0 {
				raw -= missedWeight
				continue
			}
			raw += scaled(-float64(last-first-hit+1)/float64(last-first+1)) / scaled(-1)
		}
		for i := begin; i < len(of); i++ {
			if in[i] > 0 || !of[i].reports(way) {
				continue
			}
			last := i
			for last >= 0 && in[last] == 0 {
				last--
			}
			if last < 0 {
				raw -= falseWeight
				continue
			}
			width := last - slices.Index(in, in[last]) + 1
			raw += falseWeight * scaled(float64(i-last)/float64(width-1))
		}
	}
	if windows == 0 {
		return math.NaN()
	}
	return 100 * (raw + missedWeight*windows) / (windows + missedWeight*windows)
}

// naiveWindows are the labels of an entity, overlapping ones joined.
func naiveWindows(all []Label, entity string) (windows [][2]int64) {
	for _, l := range all {
		if !l.Fits(entity) {
			continue
		}
		w := [2]int64{l.From, l.Until}
		apart := windows[:0:0]
		for _, other := range windows {
			if other[0] <= w[1] && w[0] <= other[1] {
				w = [2]int64{min(w[0], other[0]), max(w[1], other[1])}
			} else {
				apart = append(apart, other)
			}
		}
		windows = append(apart, w)
	}
	return windows
}

func reversed(numbers []int) []int {
	numbers = slices.Clone(numbers)
	slices.Reverse(numbers)
	return numbers
}
