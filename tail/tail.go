package tail

import (
	"math"
	"sync"
	"time"
)

// Tail holds the anomalies of one detector. Its methods may be called by several goroutines at a time, except
// Begin and Add, which follow the order of the topic: one goroutine calls these.
type Tail struct {
	config Config

	mu       sync.RWMutex
	rows     rows
	log      []uint32 // the live rows in the order of arrival
	epoch    int      // changes when places in the log change
	life     int      // changes when the topic is another one
	entities []entity
	fields   []uint32 // KeyFields indexes into values for each entity
	values   []values // by key field
	index    map[string]uint32
	touched  []uint32 // the dirty entities

	freeEntities []uint32

	vector   Vector
	start    Vector // where reading began
	lost     Vector // for each partition: the tail may have dropped anomalies before this offset
	bytes    int64
	latest   int64 // the latest time of a datapoint that has come; or noTime
	stream   int64 // the stream time given to Advance; or noTime
	readFrom int64 // anomalies before this time may not have been read; or noTime
	oldest   int64 // no row is older
	floor    position
	dropped  int64
	foreign  int64
	bad      int64
	topic    string // as topicName gives it
	begun    bool   // Begin was called, so that vector and lost are known
	reading  Reading
	whenMore chan struct{} // closed when a Reader may have more to give
}

const noTime = math.MinInt64

// New makes an empty Tail.
func New(config Config) *Tail {
	if config.MostBytes <= 0 {
		config.MostBytes = DefaultMostBytes
	}
	if config.Threshold != 0 {
		config.Rules.Threshold = config.Threshold
	}
	if config.Rules.Bin < time.Millisecond {
		config.Rules.Bin = time.Millisecond
	}
	config.Rules.EveryPoint = false
	t := &Tail{config: config, whenMore: make(chan struct{}), reading: NewReading()}
	t.clear()
	return t
}

func (t *Tail) clear() {
	t.rows, t.log, t.entities, t.fields, t.freeEntities, t.touched = rows{free: none}, nil, nil, nil, nil, nil
	t.index = make(map[string]uint32)
	t.values = make([]values, t.config.KeyFields)
	for i := range t.values {
		t.values[i].index = make(map[string]uint32)
	}
	t.vector, t.start, t.lost = make(Vector), make(Vector), make(Vector)
	t.bytes, t.latest, t.stream, t.oldest = 0, noTime, noTime, math.MaxInt64
	t.floor, t.readFrom = since(noTime), noTime
	t.dropped, t.foreign, t.bad, t.begun = 0, 0, 0, false
	t.epoch++
	t.life++
}

// Add takes anomalies, those of an output partition in the order of their offsets. next is how far the topic
// has been read with them. Add ignores anomalies that it has been given before.
func (t *Tail) Add(entries []Entry, next Vector) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range entries {
		t.add(&entries[i])
	}
	t.vector.Raise(next)
	t.begun = true
	t.fold()
	t.expire()
	t.trim()
	t.announce()
}

// add takes one anomaly.
func (t *Tail) add(e *Entry) {
	if e.Output.Offset < t.vector[e.Output.Partition] {
		return
	}
	t.vector[e.Output.Partition] = e.Output.Offset + 1
	if math.IsNaN(e.Deviation) {
		t.bad++
		return
	}
	t.latest = max(t.latest, e.At)
	r := row{
		at: e.At, value: e.Value, usual: e.Usual, scale: e.Scale, deviation: e.Deviation,
		outputPartition: e.Output.Partition, outputOffset: e.Output.Offset,
		inputPartition: e.Input.Partition, inputOffset: e.Input.Offset,
	}
	if !r.place().before(t.floor) {
		t.lose(&r)
		return
	}
	r.id, r.named = parseID(e.ID)
	r.entity = t.intern(e)
	slot := t.rows.addHabit(r, e.Habit)
	t.log = append(t.log, slot)
	t.oldest = min(t.oldest, r.at)
	t.bytes += t.rows.at(slot).bytes()
	one := &t.entities[r.entity]
	one.rows = append(one.rows, slot)
	one.fresh++
	t.touch(r.entity)
	if t.bytes > t.config.MostBytes+t.config.MostBytes/16 {
		t.fold()
		t.expire()
		t.trim()
	}
}

// touch notes that an entity's episodes must be folded anew.
func (t *Tail) touch(id uint32) {
	if one := &t.entities[id]; !one.dirty {
		one.dirty = true
		t.touched = append(t.touched, id)
	}
}

// lose counts an anomaly that is given up.
func (t *Tail) lose(r *row) {
	if r.at >= t.from() {
		t.dropped++
	}
	t.lost[r.outputPartition] = max(t.lost[r.outputPartition], r.outputOffset+1)
}

// from is the beginning of the range. The range is whole bins, so that what is held does not change with each
// point. Until stream time is known nothing leaves for its age, because the latest anomaly may be far ahead.
func (t *Tail) from() int64 {
	if t.stream == noTime || t.config.Range <= 0 {
		return noTime
	}
	return down(t.stream-t.config.Range.Milliseconds(), t.config.Rules.Bin.Milliseconds())
}

// now is stream time as far as the tail knows it: the time given to Advance or, before that, the latest
// anomaly, which may be far ahead of stream time.
func (t *Tail) now() int64 {
	if t.stream > noTime {
		return t.stream
	}
	return t.latest
}

// down rounds a time down to a multiple of a bin.
func down(at, bin int64) int64 {
	rest := at % bin
	if rest < 0 {
		rest += bin
	}
	return at - rest
}

// Advance gives the tail stream time, in Unix milliseconds.
// It never goes back.
func (t *Tail) Advance(streamTime int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if streamTime <= t.stream {
		return
	}
	t.stream = streamTime
	t.expire()
}

// Begin says where reading begins or goes on: nothing before these offsets can be had of these partitions.
// With anew, the output topic is another one, and everything that is held is forgotten at the same moment.
// topic is the topic's id; empty: not known. All anomalies at or after since, Unix milliseconds, are read; if since is 0, older ones are, too.
func (t *Tail) Begin(topic string, from Vector, since int64, anew bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if anew {
		stream := t.stream
		t.clear()
		t.reading.Anew()
		t.stream = stream
	}
	if name := topicName(topic); anew || name != "" {
		t.topic = name
	}
	t.begun = true
	if since > 0 {
		t.readFrom = max(t.readFrom, since)
	}
	for partition, offset := range from {
		if _, known := t.vector[partition]; !known {
			t.start[partition] = offset
		}
	}
	t.vector.Raise(from)
	t.lost.Raise(from)
	t.announce()
}

// Tell says how far the reading has come, as Reading.Tell does.
func (t *Tail) Tell(caught bool, problem string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reading.Tell(caught, problem)
}

// CaughtUp returns the channel of Reading.CaughtUp.
func (t *Tail) CaughtUp() <-chan struct{} {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.reading.CaughtUp()
}

// Count adds to the numbers of records that are not this detector's, and of records that cannot be read.
func (t *Tail) Count(foreign, bad int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.foreign += foreign
	t.bad += bad
}

func (t *Tail) announce() {
	close(t.whenMore)
	t.whenMore = make(chan struct{})
}

// Vector is how far the topic has been read.
func (t *Tail) Vector() Vector {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.vector.Clone()
}

// State describes what is held.
func (t *Tail) State() State {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s := State{
		Known: t.now() != noTime, Anomalies: t.rows.count, Entities: len(t.index), Bytes: t.bytes,
		Dropped: t.dropped, Short: t.floor.before(since(t.from())), Foreign: t.foreign, Bad: t.bad, Caught: t.reading.Caught, Problem: t.reading.Problem,
	}
	if s.Known {
		s.From, s.StreamTime = t.begin(), t.now()
	}
	return s
}

// begin is the time from which on all anomalies are held. Some older ones may be held, too.
func (t *Tail) begin() int64 { return max(t.held(), t.readFrom) }

// held is begin, if nothing older than stream time allows has left.
func (t *Tail) held() int64 {
	if t.floor.at > noTime {
		// Some anomalies at the time of the floor itself may have been given up. If nothing else is held, they
		// are shown.
		if t.floor.partition != math.MaxInt32 {
			return min(t.floor.at+1, t.now())
		}
		return max(t.floor.at, t.from())
	}
	if from := t.from(); from > noTime {
		return from
	}
	return min(t.oldest, t.now())
}
