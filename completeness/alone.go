package completeness

import "encoding/binary"

// Clock is a partition's stream time by itself, by the rules of a Tracker. It is a function of the records that it took, so
// it may be stored and go on elsewhere. The zero value knows no stream time.
type Clock struct{ clock clock }

// Time is the stream time, Unix milliseconds; 0 if it is not known yet.
func (c *Clock) Time() int64 { return c.clock.now }

// Near takes the time of the next record if it lies near stream time. If it tells otherwise, Outlier has to take the
// record.
func (c *Clock) Near(at int64) bool {
	return c.clock.calm && uint64(c.clock.now-at) <= uint64(leap) || c.clock.look(at)
}

// Outlier takes the time of the next record if Near did not, with the key of its entity, and how many entities there are.
func (c *Clock) Outlier(at int64, key string, known int) { c.clock.outlier(at, key, known) }

// Append appends the clock as it is now.
func (c *Clock) Append(b []byte) []byte {
	k := &c.clock
	calm := int64(0)
	if k.calm {
		calm = 1
	}
	for _, x := range []int64{k.now, calm, int64(k.ordinary)} {
		b = binary.AppendVarint(b, x)
	}
	for _, r := range []*run{&k.ahead, &k.behind} {
		b = binary.AppendVarint(binary.AppendVarint(b, int64(r.count)), int64(r.voted))
		for _, at := range r.times {
			b = binary.AppendVarint(b, at)
		}
		for _, voter := range r.voters[:r.voted] {
			key := voter.(string)
			b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
		}
	}
	return b
}

// Decode replaces the clock by what Append has written, and returns the bytes after it. ok is false if they are not what
// Append writes.
func (c *Clock) Decode(b []byte) (rest []byte, ok bool) {
	ok = true
	number := func() int64 {
		x, n := binary.Varint(b)
		if n <= 0 {
			b, ok = nil, false
			return 0
		}
		b = b[n:]
		return x
	}
	k := clock{now: number()}
	k.calm, k.ordinary = number() == 1, int(number())
	for _, r := range []*run{&k.ahead, &k.behind} {
		r.count, r.voted = int(number()), int(number())
		if r.count < 0 || r.count > longRun || r.voted < 0 || r.voted > mostVoters {
			return nil, false
		}
		for i := range r.times {
			r.times[i] = number()
		}
		for i := range r.voted {
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return nil, false
			}
			r.voters[i] = string(b[n : n+int(size)])
			b = b[n+int(size):]
		}
	}
	if ok {
		c.clock = k
	}
	return b, ok
}
