package tail

import (
	"errors"
	"time"

	"anomalydetector/episode"
)

// Place is a position in a topic.
type Place struct {
	Partition int32
	Offset    int64
}

// Nowhere is a Place that is not known.
var Nowhere = Place{Partition: -1, Offset: -1}

// Entry is a committed anomaly.
type Entry struct {
	ID     string // of the record's header; PlaceID of its output place if it has none
	Entity string // the key
	Fields []string
	At     int64 // of the datapoint, Unix milliseconds
	Value  float64
	// Usual and Scale are NaN if the record does not say.
	Usual, Scale float64
	Deviation    float64 // may be infinite, is not NaN
	Output       Place
	Input        Place // Nowhere if the record does not say
}

// Config says what is held.
type Config struct {
	KeyFields int           // of the detector
	Rules     episode.Rules // EveryPoint is false
	Threshold float64       // overrides that of Rules, unless it is 0
	Range     time.Duration // anomalies of datapoints older than stream time by more leave
	MostBytes int64         // for all that is held; 0: DefaultMostBytes
}

// DefaultMostBytes holds 170,000 anomalies of almost as many entities, and 600,000 of a few.
const DefaultMostBytes = 64 << 20

// Direction is to which side of the usual level an anomaly is.
type Direction int8

const (
	Both Direction = 0
	Up   Direction = 1
	Down Direction = -1
)

// Filter chooses anomalies. The zero Filter chooses all.
type Filter struct {
	Entity       string         // the key; empty: all
	Fields       map[int]string // index of a key field to the value that it must have
	Text         string         // a part of the key, without regard to case
	MinDeviation float64        // of |deviation|
	Direction    Direction
	From, Until  int64 // From <= At < Until, Unix milliseconds; 0: no bound
}

// EpisodeState chooses episodes.
type EpisodeState uint8

const (
	All EpisodeState = iota
	Open
	Ended
)

// Episode is an episode and whose it is.
type Episode struct {
	episode.Episode
	Entity string
	Fields []string // nil: not known
	// Concurrent is how many other entities with the same first key field had an episode that opened in
	// the same bin.
	Concurrent int
}

// ByEntity makes a row of lanes an entity.
const ByEntity = -1

// MostBins is how many bins lanes have at most.
const MostBins = 96

// LanesQuery asks for counts by time and by row.
type LanesQuery struct {
	Filter
	By     int           // index of a key field, or ByEntity
	Bin    time.Duration // 0: the smallest multiple of Rules.Bin that gives at most MostBins
	Limit  int           // rows
	Cursor string
}

// Lanes are counts by time and by row, the rows with the largest |deviation| first.
type Lanes struct {
	From, Until int64 // Unix milliseconds: begin of the first bin, end of the last
	Bin         int64 // milliseconds
	Bins        int
	All         Lane
	Rows        []Lane
	Next        string
}

// Lane is one row.
type Lane struct {
	Label  string
	Fields []string // those that the row's anomalies have in common: of an entity all, else nil
	Count  int
	Worst  float64 // the deviation farthest from 0
	Cells  []Cell  // bins with anomalies, in the order of time
}

// Cell is one bin of a row.
type Cell struct {
	Bin, Count int
	Deviation  float64 // the one farthest from 0
}

// State is what is held, and how far it goes.
type State struct {
	// From: anomalies of datapoints from here on are held, Unix milliseconds. Known is false before the
	// first anomaly and the first Advance.
	From       int64
	Known      bool
	StreamTime int64
	Anomalies  int
	Entities   int
	Bytes      int64 // that they take, as reckoned
	Dropped    int64 // anomalies within the range that were given up since there was no room for them; it does not fall
	Short      bool  // the range as it is now is not held as a whole, since there was no room
	Foreign    int64 // records of the output topic that are not this detector's
	Bad        int64 // records that cannot be read
	Caught     bool  // the topic has been read up to its end once
	Problem    string
}

// ErrCursor is in the error of a query whose cursor, or vector, is none.
var ErrCursor = errors.New("not a cursor that a page of this list has given")
