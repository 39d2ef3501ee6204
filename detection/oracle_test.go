package detection

import (
	"math"
	"math/big"
	"slices"
	"testing"
)

// oracle is the detector as one writes it without caring for speed: a slice of points, everything recomputed
// for every point, and the mean in rational numbers.
type oracle struct {
	settings  Settings
	points    []point
	epoch     uint64
	committed []point
}

func (o *oracle) begin(epoch uint64) {
	if epoch != o.epoch {
		o.epoch = epoch
		o.committed = slices.Clone(o.points)
	}
}

func (o *oracle) rollback(epoch uint64) {
	if epoch == o.epoch {
		o.points = slices.Clone(o.committed)
	}
}

func (o *oracle) evict(at int64) {
	limit := new(big.Float).SetFloat64(float64(at) - o.settings.HistoryHours*60*60*1000)
	for len(o.points) > 0 && new(big.Float).SetInt64(o.points[0].at).Cmp(limit) < 0 {
		o.points = o.points[1:]
	}
}

func (o *oracle) observe(epoch uint64, at int64, value float64) {
	o.begin(epoch)
	o.evict(at)
	o.points = append(o.points, point{at, value})
}

func (o *oracle) add(epoch uint64, at int64, value float64) Verdict {
	o.begin(epoch)
	o.evict(at)
	verdict := o.score(value)
	o.points = append(o.points, point{at, value})
	return verdict
}

func (o *oracle) score(value float64) Verdict {
	s := o.settings
	n := len(o.points)
	if n == 0 || !(float64(n) > s.MinRatio*s.HistoryHours*(60/s.GranularityMinutes)) {
		return Verdict{Reason: TooFewPoints}
	}
	var values []float64
	for _, p := range o.points {
		values = append(values, p.value)
	}
	m := naiveMedian(values)
	for i, x := range values {
		values[i] = math.Abs(x - m)
	}
	d := naiveMedian(values)
	if s.Metric == MeanDeviation {
		d = naiveMean(values)
	}
	verdict := Verdict{Reason: Normal}
	scale := 1.4826 * (s.MinDeviation + d)
	if deviation := (value - m) / scale; math.Abs(deviation) > s.Threshold {
		verdict.Reason, verdict.Deviation, verdict.Median, verdict.Scale = Anomalous, deviation, m+0, scale
	}
	return verdict
}

func naiveMedian(values []float64) float64 {
	s := slices.Clone(values)
	slices.Sort(s)
	n := len(s)
	if n%2 == 1 {
		return s[n/2]
	}
	return (s[n/2-1] + s[n/2]) / 2
}

func naiveMean(values []float64) float64 {
	var sum big.Rat
	for _, x := range values {
		term := new(big.Rat).SetFloat64(x)
		if term == nil {
			return math.Inf(1)
		}
		sum.Add(&sum, term)
	}
	mean, _ := sum.Quo(&sum, new(big.Rat).SetInt64(int64(len(values)))).Float64()
	return mean
}

// pair is a window and its oracle, which get the same calls.
type pair struct {
	t      testing.TB
	scorer *Scorer
	window Window
	oracle oracle
}

func newPair(t testing.TB, s Settings) *pair {
	return &pair{t: t, scorer: NewScorer(NewRules(s)), oracle: oracle{settings: s}}
}

func (p *pair) add(epoch uint64, at int64, value float64) {
	p.t.Helper()
	p.window.PrefetchPoints()
	got, want := p.window.Add(p.scorer, epoch, at, value), p.oracle.add(epoch, at, value)
	if !same(got, want) {
		p.t.Fatalf("verdict on %v at %d: %+v, the oracle says %+v\n%+v\n%v",
			value, at, got, want, p.oracle.settings, p.oracle.points)
	}
	p.equalPoints()
}

func (p *pair) observe(epoch uint64, at int64, value float64) {
	p.t.Helper()
	p.window.Observe(p.scorer.Rules(), epoch, at, value)
	p.oracle.observe(epoch, at, value)
	p.equalPoints()
}

func (p *pair) rollback(epoch uint64) {
	p.t.Helper()
	p.window.Rollback(epoch)
	p.oracle.rollback(epoch)
	p.equalPoints()
}

func (p *pair) equalPoints() {
	p.t.Helper()
	i := 0
	newest, any := p.window.Newest()
	for at, value := range p.window.All() {
		if i >= len(p.oracle.points) {
			break
		}
		want := p.oracle.points[i]
		if at != want.at || math.Float64bits(value) != math.Float64bits(want.value) || !any || newest < at {
			p.t.Fatalf("point %d is %d %v, the oracle has %v", i, at, value, want)
		}
		i++
	}
	if n := len(p.oracle.points); i != n || p.window.Len() != n {
		p.t.Fatalf("%d points, the oracle has %d", p.window.Len(), n)
	}
}

func same(a, b Verdict) bool {
	return a.Reason == b.Reason &&
		math.Float64bits(a.Deviation) == math.Float64bits(b.Deviation) &&
		math.Float64bits(a.Median) == math.Float64bits(b.Median) &&
		math.Float64bits(a.Scale) == math.Float64bits(b.Scale)
}
