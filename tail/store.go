package tail

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"unsafe"
)

// row is an Entry without pointers.
type row struct {
	at                              int64
	value, usual, scale, deviation  float64
	id                              [16]byte // if the record names an ID
	outputOffset, inputOffset       int64
	outputPartition, inputPartition int32
	entity                          uint32 // in a row that is free: the next free row
	named, live, habit              bool
}

const (
	none      = math.MaxUint32 // no row, no entity, no value
	chunkRows = 1024
	rowBytes  = int64(unsafe.Sizeof(row{})) + 4 // with its place in the log
	// habitBytes is what a Habit takes in a map, about.
	habitBytes = 2 * (4 + int64(unsafe.Sizeof(Habit{})))
)

// bytes is what a row takes, with its entity's reference to it.
func (r *row) bytes() int64 {
	if r.habit {
		return rowBytes + perRef + habitBytes
	}
	return rowBytes + perRef
}

// rows are kept in chunks, so that no row moves. A row that has left is used again.
type rows struct {
	chunks []*[chunkRows]row
	used   uint32           // how many rows have ever been used
	free   uint32           // the first free row; none if there is no free one
	count  int              // how many rows are live
	habits map[uint32]Habit // of rows of the method habit; others take no more for it
}

func (s *rows) at(i uint32) *row { return &s.chunks[i/chunkRows][i%chunkRows] }

func (s *rows) add(r row) uint32 {
	s.count++
	r.live = true
	if i := s.free; i != none {
		place := s.at(i)
		s.free = place.entity
		*place = r
		return i
	}
	if int(s.used) == len(s.chunks)*chunkRows {
		s.chunks = append(s.chunks, new([chunkRows]row))
	}
	i := s.used
	s.used++
	*s.at(i) = r
	return i
}

// addHabit adds a row with what the method habit says.
func (s *rows) addHabit(r row, h Habit) uint32 {
	if r.habit = h.Found; !r.habit {
		return s.add(r)
	}
	if s.habits == nil {
		s.habits = make(map[uint32]Habit)
	}
	i := s.add(r)
	s.habits[i] = h
	return i
}

// habit is what the method habit says of a row.
func (s *rows) habit(i uint32) Habit {
	if !s.at(i).habit {
		return Habit{}
	}
	return s.habits[i]
}

func (s *rows) remove(i uint32) {
	s.count--
	delete(s.habits, i)
	*s.at(i) = row{entity: s.free}
	s.free = i
}

// entity is an entity that has a row.
type entity struct {
	key   string
	rows  []uint32 // in the order of the input
	runs  []run    // its episodes, in the order of time
	multi bool     // its rows come from several input partitions
	known bool     // the texts of its fields are known
	dirty bool     // rows were added or removed since its runs were folded
	fresh int      // how many rows at the end are not in order yet
}

const (
	entityBytes = int64(unsafe.Sizeof(entity{})) + 56 // with its part of the index, and what the allocator rounds up
	runBytes    = int64(unsafe.Sizeof(run{}))
	valueBytes  = 80 // a field's value without its text
	perRef      = 6  // an entity's reference to a row, with the room that append leaves
)

// values are the texts that a key field has.
type values struct {
	texts []string
	refs  []int32 // how many entities have the text
	free  []uint32
	index map[string]uint32
}

func (v *values) add(text string) (id uint32, bytes int64) {
	if id, known := v.index[text]; known {
		v.refs[id]++
		return id, 0
	}
	text = strings.Clone(text)
	if n := len(v.free); n > 0 {
		id, v.free = v.free[n-1], v.free[:n-1]
		v.texts[id], v.refs[id] = text, 1
	} else {
		id = uint32(len(v.texts))
		v.texts, v.refs = append(v.texts, text), append(v.refs, 1)
	}
	v.index[text] = id
	return id, valueBytes + int64(len(text))
}

func (v *values) release(id uint32) (bytes int64) {
	if v.refs[id]--; v.refs[id] > 0 {
		return 0
	}
	text := v.texts[id]
	delete(v.index, text)
	v.texts[id] = ""
	v.free = append(v.free, id)
	return valueBytes + int64(len(text))
}

// intern returns the entity of a key, and creates it if it is missing.
func (t *Tail) intern(e *Entry) uint32 {
	if id, known := t.index[e.Entity]; known {
		if one := &t.entities[id]; !one.known && len(e.Fields) == t.config.KeyFields {
			t.setFields(id, e.Fields)
		}
		return id
	}
	var id uint32
	if n := len(t.freeEntities); n > 0 {
		id, t.freeEntities = t.freeEntities[n-1], t.freeEntities[:n-1]
	} else {
		id = uint32(len(t.entities))
		t.entities = append(t.entities, entity{})
		for range t.config.KeyFields {
			t.fields = append(t.fields, none)
		}
	}
	key := strings.Clone(e.Entity)
	t.entities[id] = entity{key: key}
	t.index[key] = id
	t.bytes += entityBytes + int64(len(key)) + 4*int64(t.config.KeyFields)
	if len(e.Fields) == t.config.KeyFields {
		t.setFields(id, e.Fields)
	}
	return id
}

func (t *Tail) setFields(id uint32, fields []string) {
	t.entities[id].known = true
	for i, text := range fields {
		value, bytes := t.values[i].add(text)
		t.fieldsOf(id)[i] = value
		t.bytes += bytes
	}
}

// fieldsOf are the values of an entity's key fields, as indexes into values.
func (t *Tail) fieldsOf(id uint32) []uint32 {
	n := t.config.KeyFields
	return t.fields[int(id)*n : int(id)*n+n]
}

// forget removes an entity that has no more rows.
func (t *Tail) forget(id uint32) {
	one := &t.entities[id]
	t.bytes -= entityBytes + int64(len(one.key)) + 4*int64(t.config.KeyFields)
	if one.known {
		for i, value := range t.fieldsOf(id) {
			t.bytes -= t.values[i].release(value)
			t.fieldsOf(id)[i] = none
		}
	}
	delete(t.index, one.key)
	*one = entity{}
	t.freeEntities = append(t.freeEntities, id)
}

// fieldTexts are the texts of an entity's fields; nil if they are not known.
func (t *Tail) fieldTexts(id uint32) []string {
	if !t.entities[id].known {
		return nil
	}
	texts := make([]string, t.config.KeyFields)
	for i, value := range t.fieldsOf(id) {
		texts[i] = t.values[i].texts[value]
	}
	return texts
}

// PlaceID is the ID of an anomaly whose record names none: its output place.
func PlaceID(output Place) string {
	return strconv.Itoa(int(output.Partition)) + "-" + strconv.FormatInt(output.Offset, 10)
}

// parseID reads an ID of 32 hexadecimal digits, as the detector writes it.
func parseID(text string) (id [16]byte, ok bool) {
	if len(text) != 32 || strings.ToLower(text) != text {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(text))
	return id, err == nil
}

func (r *row) idText() string {
	if r.named {
		return hex.EncodeToString(r.id[:])
	}
	return PlaceID(Place{r.outputPartition, r.outputOffset})
}

func (t *Tail) entry(i uint32) Entry {
	r := t.rows.at(i)
	return Entry{
		ID: r.idText(), Entity: t.entities[r.entity].key, Fields: t.fieldTexts(r.entity), At: r.at,
		Value: r.value, Usual: r.usual, Scale: r.scale, Deviation: r.deviation,
		Output: Place{r.outputPartition, r.outputOffset}, Input: Place{r.inputPartition, r.inputOffset}, Habit: t.rows.habit(i),
	}
}
