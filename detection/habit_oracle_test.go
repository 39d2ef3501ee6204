package detection

import (
	"math"
	"slices"
)

// habitOracle is the method habit in a few lines, as the reference has it: all numbers are float64, and nothing is bounded. It says what the
// reference says, to the last bit.
type habitOracle struct {
	window, level oracleWindow
	season        oracleSeason
	one, many     oracleDays
	recent        []point // residuals
	seen          int64
	need          float64
	factor, floor float64
	threshold     float64
}

func newHabitOracle(s Settings) *habitOracle {
	hours := func(n float64) float64 { return n * 3_600_000 }
	return &habitOracle{
		window: oracleWindow{span: hours(s.HistoryHours)}, level: oracleWindow{span: min(day, hours(s.HistoryHours))},
		need:   s.MinRatio * s.HistoryHours * 3_600_000 / (s.GranularityMinutes * 60_000),
		factor: 1.65 * float64(s.Threshold/5), floor: s.Threshold * 1.4826 * s.MinDeviation, threshold: s.Threshold,
	}
}

func (o *habitOracle) add(at int64, value float64) Judgement {
	o.window.evict(at)
	o.level.evict(at)
	season, level := o.season.get(at), value
	if len(o.level.sorted) > 0 {
		level = quantile(o.level.sorted, 0.5)
	} else if len(o.window.sorted) > 0 {
		level = quantile(o.window.sorted, 0.5)
	}
	o.level.add(point{at, value})
	o.season.add(value - level)
	expected := level + season
	j := Judgement{Verdict: Verdict{Reason: TooFewPoints}}
	if n := len(o.window.sorted); n >= 12 {
		residual := value - expected
		one, many, known := o.one.get(at), o.many.get(at), len(o.one.tops) > 1
		mean := o.meanOf(at, residual)
		if float64(n) > o.need && known {
			j = o.judge(expected, residual, mean, max(float64(o.factor*one), o.floor), max(float64(o.factor*many), o.floor/2))
		}
		o.one.top, o.many.top = max(o.one.top, math.Abs(residual)), max(o.many.top, math.Abs(mean))
	}
	o.window.add(point{at, value})
	o.seen = at
	return j
}

func (o *habitOracle) judge(expected, residual, mean, band, slow float64) Judgement {
	j := Judgement{
		Verdict: Verdict{Reason: Normal, Median: expected, Scale: band / o.threshold},
		Low:     expected - band, High: expected + band, Mean: mean, Usual: slow,
	}
	score, of := math.Abs(residual)/band, residual
	if math.Abs(mean)/slow > score {
		score, of, j.Test = math.Abs(mean)/slow, mean, MeanTest
	}
	if j.Deviation = math.Copysign(o.threshold*score, of); score > 1 {
		j.Reason = Anomalous
	}
	return j
}

func (o *habitOracle) meanOf(at int64, residual float64) float64 {
	if at-o.seen > 6*3_600_000 {
		o.recent = nil
	}
	for len(o.recent) > 0 && (at-o.recent[0].at > day || len(o.recent) >= 24) {
		o.recent = o.recent[1:]
	}
	o.recent = append(o.recent, point{at, residual})
	sum := 0.0
	for _, p := range o.recent {
		sum += p.value
	}
	return sum / 24
}

// oracleWindow has the values of the last span milliseconds.
type oracleWindow struct {
	span   float64
	points []point
	sorted []float64
}

func (w *oracleWindow) evict(at int64) {
	for len(w.points) > 0 && float64(w.points[0].at) < float64(at)-w.span {
		i, _ := slices.BinarySearch(w.sorted, w.points[0].value)
		w.sorted, w.points = slices.Delete(w.sorted, i, i+1), w.points[1:]
	}
}

func (w *oracleWindow) add(p point) {
	i, _ := slices.BinarySearch(w.sorted, p.value)
	w.sorted, w.points = slices.Insert(w.sorted, i, p.value), append(w.points, p)
}

// oracleSeason is what a time of day adds to the level.
type oracleSeason struct {
	halves [48][5]struct { // of a half hour, by day modulo 5
		known bool
		date  int64
		mean  float64
	}
	begun bool
	bin   int64
	sum   float64
	count int
	value float64
}

func (s *oracleSeason) get(at int64) float64 {
	bin := at / 1_800_000
	if s.begun && bin == s.bin {
		return s.value
	}
	if s.count > 0 {
		half := &s.halves[s.bin%48][s.bin/48%5]
		half.known, half.date, half.mean = true, s.bin/48, s.sum/float64(s.count)
	}
	s.begun, s.bin, s.sum, s.count, s.value = true, bin, 0, 0, 0
	var near []float64
	for b := bin + 47; b <= bin+49; b++ { // a day later, as b must not be negative
		for _, half := range s.halves[b%48] {
			if half.known && b/48-1-half.date <= 5 {
				near = append(near, half.mean)
			}
		}
	}
	if slices.Sort(near); len(near) > 0 {
		s.value = quantile(near, 0.5)
	}
	return s.value
}

func (s *oracleSeason) add(x float64) { s.sum, s.count = s.sum+x, s.count+1 }

// oracleDays is how far it gets on a usual day.
type oracleDays struct {
	begun bool
	date  int64
	top   float64
	dates []int64
	tops  []float64
	value float64
}

func (d *oracleDays) get(at int64) float64 {
	date := at / day
	if d.begun && date == d.date {
		return d.value
	}
	dates, tops := append(d.dates, d.date), append(d.tops, d.top)
	if !d.begun {
		dates, tops = nil, nil
	}
	d.dates, d.tops = nil, nil
	for i := range dates {
		if date-dates[i] <= 7 {
			d.dates, d.tops = append(d.dates, dates[i]), append(d.tops, tops[i])
		}
	}
	d.begun, d.date, d.top = true, date, 0
	if sorted := slices.Sorted(slices.Values(d.tops)); len(sorted) > 1 {
		d.value = min(quantile(sorted, 0.8), 2*quantile(sorted, 0.35))
	}
	return d.value
}
