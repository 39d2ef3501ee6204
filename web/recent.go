package web

import (
	"slices"
	"sync/atomic"
	"time"
)

// recent are the durations of a detector's last transactions. The detector writes them, others read them.
type recent struct {
	took  [256]atomic.Int64
	count atomic.Int64
}

func (r *recent) add(took time.Duration) {
	n := r.count.Load()
	r.took[n%int64(len(r.took))].Store(int64(took))
	r.count.Store(n + 1)
}

// median returns false before the first transaction.
func (r *recent) median() (took time.Duration, known bool) {
	n := min(r.count.Load(), int64(len(r.took)))
	if n == 0 {
		return 0, false
	}
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = time.Duration(r.took[i].Load())
	}
	slices.Sort(all)
	return all[n/2], true
}
