package naive

import (
	"math"
	"slices"
)

// clock is stream time: the newest time that the stream itself confirms.
type clock struct {
	now           int64 // 0: not known yet
	ahead, behind run   // outliers in a row, on either side
}

type run struct {
	times    []int64
	entities map[string]bool
}

const day = 24 * 60 * 60 * 1000

// look takes the time of the next record. Of this many entities it needs half to believe a run of outliers.
func (c *clock) look(at int64, key string, known int) {
	if c.now != 0 && c.now-day <= at && at <= c.now+day {
		*c = clock{now: max(c.now, at)}
		return
	}
	r := &c.ahead
	if at < c.now {
		r = &c.behind
	}
	if r.entities == nil {
		r.entities = make(map[string]bool)
	}
	r.times, r.entities[key] = append(r.times, at), true
	if count := len(r.times); count < 8 || count < 1000 && len(r.entities) < min(4, max(1, (known+1)/2)) {
		return
	}
	times := slices.Sorted(slices.Values(r.times[len(r.times)-8:]))
	now := times[0]
	for _, next := range times {
		if next-now > day {
			break
		}
		now = next
	}
	*c = clock{now: min(max(now, 1), math.MaxInt64/4)}
}
