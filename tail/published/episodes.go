package published

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"anomalydetector/episode"
	"anomalydetector/tail"
)

// Episodes holds the published episodes of one detector. Its methods may be called by several goroutines at a time, except
// Begin and Add, which follow the order of the topic: one goroutine calls these.
type Episodes struct {
	config Config

	mu       sync.RWMutex
	byID     map[string]*held
	byEntity map[string][]*held // in the order in which they came
	gaps     []*held
	first    *held // the list of all, in the order of their latest records
	last     *held
	changes  uint64 // how many records have come
	open     int
	vector   tail.Vector
	life     int // changes when all that was held is void
	bytes    int64
	stream   int64 // stream time: that given to Advance, or the latest of a record
	sooner   int64 // no ended episode has ended before this time
	dropped  int64
	bad      int64
	reading  tail.Reading
	whenMore chan struct{} // closed when a Reader may have more to give
}

// New makes an empty Episodes.
func New(config Config) *Episodes {
	if config.MostBytes <= 0 {
		config.MostBytes = DefaultMostBytes
	}
	config.Bin = max(config.Bin, time.Millisecond)
	e := &Episodes{config: config, whenMore: make(chan struct{}), reading: tail.NewReading()}
	e.clear()
	return e
}

func (e *Episodes) clear() {
	e.byID, e.byEntity, e.gaps, e.first, e.last = make(map[string]*held), make(map[string][]*held), nil, nil, nil
	e.vector, e.open, e.bytes, e.stream, e.sooner = make(tail.Vector), 0, 0, 0, math.MaxInt64
	e.dropped, e.bad = 0, 0
	e.life++
}

// Begin tells at which offsets reading begins. With anew, all that was held is void.
func (e *Episodes) Begin(from map[int32]int64, anew bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if anew {
		e.clear()
		e.reading.Anew()
	}
	e.vector.Raise(from)
	e.announce()
}

// Tell says how far the reading has come, as tail.Reading.Tell does.
func (e *Episodes) Tell(caught bool, problem string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reading.Tell(caught, problem)
}

// CaughtUp returns the channel of tail.Reading.CaughtUp.
func (e *Episodes) CaughtUp() <-chan struct{} {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.reading.CaughtUp()
}

// Add takes records, those of a partition in the order of their offsets, and how many could not be read. next is how far the
// topic has been read with them.
func (e *Episodes) Add(entries []Entry, bad int64, next tail.Vector) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.bad += bad
	for i := range entries {
		e.add(&entries[i])
	}
	e.vector.Raise(next)
	e.expire()
	e.trim()
	e.announce()
}

// add takes one record. Records that were given before, or are older than the one that is held, change nothing.
func (e *Episodes) add(entry *Entry) {
	place := entry.Place
	if place.Offset < e.vector[place.Partition] {
		return
	}
	e.vector[place.Partition] = place.Offset + 1
	one, known := e.byID[entry.ID]
	reopened := entry.Reopened
	if known {
		if entry.Event == episode.Reopened.String() && reopened == 0 {
			reopened = one.Reopened + 1
		}
		reopened = max(reopened, one.Reopened)
		e.remove(one)
	}
	one = &held{Episode: e.episode(&entry.Record), offset: place.Offset}
	one.Partition, one.Reopened = place.Partition, reopened
	e.insert(one)
	e.stream = max(e.stream, one.At)
}

// episode is the episode after an event.
func (e *Episodes) episode(r *episode.Record) Episode {
	one := Episode{
		ID: strings.Clone(r.ID), Kind: word(r.Kind, Deviation, Absence, Gap), Entity: strings.Clone(r.Entity), OpenedAt: r.OpenedAt, At: r.At,
		Open: r.Event != episode.Resolved.String(), Points: r.Points,
		Usual: known(r.Usual), Low: known(r.Low), High: known(r.High), Value: known(r.Value),
		Peak: Peak{Value: math.NaN(), Deviation: math.NaN()},
	}
	if !one.Open {
		one.EndedAt = r.Resolved
		one.Outcome = word(r.Outcome, "recovered", "absorbed", silent, "returned", "forgotten", "filled", "unknown")
	}
	if r.Peak != nil {
		one.Peak = Peak{strings.Clone(r.Peak.ID), r.Peak.At, known(r.Peak.Value), known(r.Peak.Deviation)}
	}
	if len(r.Fields) == len(e.config.KeyFields) && r.Entity != "" {
		for _, name := range e.config.KeyFields {
			value, has := r.Fields[name]
			if !has {
				one.Fields = nil // it is of other key fields
				break
			}
			one.Fields = append(one.Fields, strings.Clone(value))
		}
	}
	return one
}

// word is the constant that equals a text, so that episodes share it; or a copy of a text that this version does not know.
func word(text string, words ...string) string {
	for _, one := range words {
		if one == text {
			return one
		}
	}
	return strings.Clone(text)
}

func known(n episode.Number) float64 {
	if !n.Known {
		return math.NaN()
	}
	return n.Value
}

// insert puts an episode at the end of the list.
func (e *Episodes) insert(one *held) {
	e.changes++
	one.change = e.changes
	if one.prev = e.last; e.last != nil {
		e.last.next = one
	} else {
		e.first = one
	}
	e.last = one
	e.byID[one.ID] = one
	if one.Kind == Gap {
		e.gaps = append(e.gaps, one)
	} else {
		e.byEntity[one.Entity] = append(e.byEntity[one.Entity], one)
	}
	e.bytes += one.bytes()
	if one.Open {
		e.open++
	} else {
		e.sooner = min(e.sooner, one.EndedAt)
	}
}

func (e *Episodes) remove(one *held) {
	if one.prev != nil {
		one.prev.next = one.next
	} else {
		e.first = one.next
	}
	if one.next != nil {
		one.next.prev = one.prev
	} else {
		e.last = one.prev
	}
	delete(e.byID, one.ID)
	is := func(other *held) bool { return other == one }
	if one.Kind == Gap {
		e.gaps = slices.DeleteFunc(e.gaps, is)
	} else if left := slices.DeleteFunc(e.byEntity[one.Entity], is); len(left) > 0 {
		e.byEntity[one.Entity] = left
	} else {
		delete(e.byEntity, one.Entity)
	}
	e.bytes -= one.bytes()
	if one.Open {
		e.open--
	}
}

// expire removes episodes that ended before the range.
func (e *Episodes) expire() {
	from := e.stream - e.config.Range.Milliseconds()
	if e.config.Range <= 0 || e.sooner >= from {
		return
	}
	e.sooner = math.MaxInt64
	for one := e.first; one != nil; {
		next := one.next
		switch {
		case one.Open:
		case one.EndedAt < from:
			e.remove(one)
		default:
			e.sooner = min(e.sooner, one.EndedAt)
		}
		one = next
	}
}

// trim gives up the oldest episodes, an eighth of all at a time, until the rest fits into the memory limit.
func (e *Episodes) trim() {
	for e.bytes > e.config.MostBytes && len(e.byID) > 0 {
		all := make([]*held, 0, len(e.byID))
		for one := e.first; one != nil; one = one.next {
			all = append(all, one)
		}
		slices.SortStableFunc(all, func(a, b *held) int {
			if a.Open != b.Open {
				if a.Open {
					return 1
				}
				return -1
			}
			return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID))
		})
		for _, one := range all[:len(all)/8+1] {
			e.remove(one)
			e.dropped++
		}
	}
}

// Advance tells the stream time, so that old episodes leave.
func (e *Episodes) Advance(at int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if at > e.stream {
		e.stream = at
		e.expire()
	}
}

func (e *Episodes) announce() {
	close(e.whenMore)
	e.whenMore = make(chan struct{})
}

// Status describes what is held.
func (e *Episodes) Status() Status {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return Status{Episodes: len(e.byID), Open: e.open, Bytes: e.bytes, Dropped: e.dropped, Bad: e.bad, Caught: e.reading.Caught, Problem: e.reading.Problem}
}
