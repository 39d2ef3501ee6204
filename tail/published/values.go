package published

import (
	"time"
	"unsafe"

	"anomalydetector/episode"
	"anomalydetector/tail"
)

// Kinds of episodes.
var (
	Deviation = episode.Deviation.String()
	Absence   = episode.Absence.String()
	Gap       = episode.Gap.String()
)

// silent is the outcome of a deviation of which no more points came.
var silent = episode.Silent.String()

// Config says what is held.
type Config struct {
	KeyFields []string      // their names
	Bin       time.Duration // the time granularity of the datapoints
	Range     time.Duration // an ended episode leaves when its end is older than stream time by more than this
	MostBytes int64         // the memory limit; 0: DefaultMostBytes
	// FieldsOf returns the fields of an entity whose records do not tell them, because one holds a comma; nil if they are not
	// known. It may be nil.
	FieldsOf func(entity string) []string
}

// DefaultMostBytes is room for about 100,000 episodes.
const DefaultMostBytes = 64 << 20

// Entry is a record of the episodes topic.
type Entry struct {
	episode.Record
	Place tail.Place
}

// Episode is an episode after its latest event.
type Episode struct {
	ID, Kind     string
	Entity       string   // empty: it is a gap
	Fields       []string // the fields of the key; nil: not known
	Partition    int32
	Open         bool
	OpenedAt, At int64 // At is the time of the latest event
	EndedAt      int64 // while it is not open
	Outcome      string
	Points       int // as of the latest event
	Reopened     int
	// Usual, Low and High are as in episode.Record. Numbers are NaN if they are not known.
	Usual, Low, High float64
	Value            float64 // of a gap
	Peak             Peak    // of a deviation
	// Concurrent is how many other entities with the same first key field had an episode of this kind that opened in the same bin.
	// Only Episodes.List counts them.
	Concurrent int
}

// Peak is the anomaly with the largest |deviation| of an episode.
type Peak struct {
	ID               string
	At               int64
	Value, Deviation float64
}

// within says whether a part of the episode is in a span; 0 is no limit.
func (e *Episode) within(from, until int64) bool {
	return (until == 0 || e.OpenedAt < until) && (from == 0 || e.Open || e.EndedAt >= from)
}

// Query chooses episodes. The zero Query chooses all.
type Query struct {
	tail.Filter        // gaps match no filter of entities; a least deviation or a direction chooses deviations only
	Kind        string // empty: all
	State       State
}

// State chooses episodes.
type State uint8

const (
	All State = iota
	Open
	Ended
	// Silent chooses, of each entity that is silent, the episode that says so: its open absence, or else its latest episode if
	// that ended because no more points came.
	Silent
)

// Status describes what is held.
type Status struct {
	Episodes, Open int
	Bytes          int64 // the memory that they take, as reckoned
	Dropped        int64 // how many were given up for lack of room
	Bad            int64 // how many records cannot be read
	Caught         bool  // the topic has been read up to its end once
	Problem        string
}

// held is an Episode in the list of all, which is in the order of their latest records.
type held struct {
	Episode
	offset     int64  // of its latest record, in Partition
	change     uint64 // the number of its latest change
	prev, next *held
}

// heldBytes is what an episode takes beside its texts: itself, and its part of the indexes.
const heldBytes = int64(unsafe.Sizeof(held{})) + 160

func (h *held) bytes() int64 {
	n := heldBytes + int64(len(h.ID)+len(h.Peak.ID)+len(h.Entity))
	for _, text := range h.Fields {
		n += int64(len(text)) + 16
	}
	return n
}
