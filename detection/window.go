package detection

import (
	"math"
	"math/big"
	"slices"
)

// Window is a first, slow version.
type Window struct {
	ring ring
}

func (w *Window) evict(r *Rules, epoch uint64, at int64) {
	w.ring.begin(epoch)
	oldest := r.oldest(at)
	for w.ring.len() > 0 && w.ring.at(0).at < oldest {
		w.ring.drop()
	}
}

func (w *Window) Observe(r *Rules, epoch uint64, at int64, value float64) {
	w.evict(r, epoch, at)
	w.ring.push(point{at, value})
}

func (w *Window) Add(r *Rules, epoch uint64, at int64, value float64) Verdict {
	w.evict(r, epoch, at)
	n := w.ring.len()
	v := Verdict{Points: n}
	if r.enough(n) {
		var s sorted
		for i := range n {
			s = append(s, w.ring.at(i).value)
		}
		slices.Sort(s)
		m := s.median()
		v.Median = m
		var d float64
		if r.metric == MedianDeviation {
			d = s.medianDeviation(m)
		} else {
			sum := new(big.Rat)
			for _, x := range s {
				sum.Add(sum, new(big.Rat).SetFloat64(math.Abs(x-m)))
			}
			d, _ = sum.Quo(sum, new(big.Rat).SetInt64(int64(n))).Float64()
		}
		dev := r.deviation(value-m, d)
		v.Reason = Normal
		if math.Abs(dev) > r.threshold {
			v.Reason, v.Deviation = Anomalous, dev
		}
	}
	w.ring.push(point{at, value})
	return v
}

func (w *Window) Rollback(epoch uint64) { w.ring.rollback(epoch) }

func (w *Window) Len() int { return w.ring.len() }
