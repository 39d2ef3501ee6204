package detection

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// order is slots of a ring, by their values. Of equal values, the first to arrive comes first, so it is also the first to be removed.
type order struct {
	slots []byte // 1, 2 or 4 bytes each
	wide  uint8  // the logarithm of how many
}

func (o *order) len() int { return len(o.slots) >> (o.wide & 3) }

// at is the slot of rank i.
func (o *order) at(i int) int {
	switch o.wide {
	case 0:
		return int(o.slots[i])
	case 1:
		return int(binary.LittleEndian.Uint16(o.slots[2*i:]))
	}
	return int(binary.LittleEndian.Uint32(o.slots[4*i:]))
}

func (o *order) put(i, slot int) {
	switch o.wide {
	case 0:
		o.slots[i] = byte(slot)
	case 1:
		binary.LittleEndian.PutUint16(o.slots[2*i:], uint16(slot))
	default:
		binary.LittleEndian.PutUint32(o.slots[4*i:], uint32(slot))
	}
}

// set takes slots in the order of arrival, of a ring that has count of them.
func (o *order) set(values []float64, slots []int, count int) {
	slices.SortStableFunc(slots, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	o.wide = wideFor(count)
	size := len(slots) << o.wide
	if size > cap(o.slots) {
		o.slots = make([]byte, size, roomFor(len(slots))<<o.wide)
	}
	o.slots = o.slots[:size]
	for i, slot := range slots {
		o.put(i, slot)
	}
}

// wideFor is how wide the slots of a ring of count slots are.
func wideFor(count int) (wide uint8) {
	for wide < 2 && count > 1<<(8<<wide) {
		wide++
	}
	return wide
}

// renumber is for points that have moved to other slots, of a ring that now has count of them. Their order is the same.
func (o *order) renumber(count int, moved func(slot int) int) {
	was, n := *o, o.len()
	if o.wide = wideFor(count); o.wide != was.wide {
		o.slots = make([]byte, n<<o.wide, roomFor(n)<<o.wide)
	}
	for i := range n {
		o.put(i, moved(was.at(i)))
	}
}

// roomFor is the capacity to grow to for n slots.
func roomFor(n int) int { return n + n/8 + 7 }

// insert adds a slot behind those of equal values.
func (o *order) insert(values []float64, slot int) {
	value, n := values[slot], o.len()
	rank := 0
	// Halving without a branch to guess: the values are in no order of time.
	for left := uint(n); left > 0; left /= 2 {
		half := (left + 1) / 2
		next := rank + int(half)
		if values[o.at(next-1)] <= value {
			rank = next
		}
	}
	size := len(o.slots) + 1<<o.wide
	if size > cap(o.slots) {
		o.slots = append(make([]byte, 0, roomFor(n)<<o.wide), o.slots...)
	}
	o.slots = o.slots[:size]
	copy(o.slots[(rank+1)<<o.wide:], o.slots[rank<<o.wide:])
	o.put(rank, slot)
}

// remove removes a slot. It is the first one of its value.
func (o *order) remove(values []float64, slot int) {
	rank := 0
	if o.wide == 0 {
		rank = bytes.IndexByte(o.slots, byte(slot))
	} else {
		value := values[slot]
		for left := uint(o.len()); left > 0; left /= 2 {
			half := (left + 1) / 2
			next := rank + int(half)
			if values[o.at(next-1)] < value {
				rank = next
			}
		}
	}
	copy(o.slots[rank<<o.wide:], o.slots[(rank+1)<<o.wide:])
	o.slots = o.slots[:len(o.slots)-1<<o.wide]
}
