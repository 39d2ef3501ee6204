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

// Nowhere is the Place of a record whose place is not known.
var Nowhere = Place{Partition: -1, Offset: -1}

// Entry is a committed anomaly.
type Entry struct {
	ID     string // from the record's header; PlaceID of its output place if it has none
	Entity string // the key
	Fields []string
	At     int64 // the time of the datapoint, in Unix milliseconds
	Value  float64
	// Usual and Scale are NaN if the record does not tell them.
	Usual, Scale float64
	Deviation    float64 // may be infinite, is not NaN
	Output       Place
	Input        Place // Nowhere if the record does not tell it
	Habit        Habit
}

// Habit is what the method habit says of an anomaly beside the rest. Then Usual is what was expected, and Usual ± threshold * Scale are the ends of
// the band. It is zero if the method is the original.
type Habit struct {
	Found bool // the anomaly is one of the method habit
	// OfMean: the deviation is not of the value but of the mean.
	OfMean bool
	// Mean is how far the last values lie from what was expected of them, on average, and UsualMean the largest one that is normal, to
	// either side. They are NaN if the record does not tell them.
	Mean, UsualMean float64
}

// Config says what is held.
type Config struct {
	KeyFields int           // how many key fields the detector has
	Rules     episode.Rules // without EveryPoint
	Threshold float64       // replaces that of Rules, unless it is 0
	Range     time.Duration // anomalies leave when their datapoints are older than stream time by more than this
	MostBytes int64         // the memory limit; 0: DefaultMostBytes
}

// DefaultMostBytes is room for 170,000 anomalies of almost as many entities, or for 600,000 of a few
// entities.
const DefaultMostBytes = 64 << 20

// Direction is the side of the usual level on which an anomaly lies.
type Direction int8

const (
	Both Direction = 0
	Up   Direction = 1
	Down Direction = -1
)

// Filter chooses anomalies. The zero Filter chooses all.
type Filter struct {
	Entity       string         // the key; empty: all
	Fields       map[int]string // by the index of a key field, the value that it must have
	Text         string         // a part of the key, in any case
	MinDeviation float64        // the least |deviation|
	Direction    Direction
	From, Until  int64 // From <= At < Until, in Unix milliseconds; 0: no limit
}

// EpisodeState chooses episodes.
type EpisodeState uint8

const (
	All EpisodeState = iota
	Open
	Ended
)

// Episode is an episode with its entity.
type Episode struct {
	episode.Episode
	Entity string
	Fields []string // nil: not known
	// Concurrent is how many other entities with the same first key field had an episode that opened in the
	// same bin.
	Concurrent int
	Habit      Habit // of the peak
}

// ByEntity asks for lanes with a row for each entity.
const ByEntity = -1

// MostBins is the largest number of bins that lanes have.
const MostBins = 96

// LanesQuery asks for counts by time and by row.
type LanesQuery struct {
	Filter
	By     int           // index of a key field, or ByEntity
	Bin    time.Duration // 0: the smallest multiple of Rules.Bin that gives at most MostBins
	Limit  int           // how many rows at most
	Cursor string
}

// Lanes are counts by time and by row. The rows with the largest |deviation| come first.
type Lanes struct {
	From, Until int64 // Unix milliseconds: the beginning of the first bin, the end of the last
	Bin         int64 // in milliseconds
	Bins        int
	All         Lane
	Rows        []Lane
	Next        string
}

// Lane is one row.
type Lane struct {
	Label  string
	Fields []string // the fields of an entity; nil if the row is not an entity
	Count  int
	Worst  float64 // the deviation with the largest absolute value
	Cells  []Cell  // bins with anomalies, in the order of time
}

// Cell is one bin of a row.
type Cell struct {
	Bin, Count int
	Deviation  float64 // the one with the largest absolute value
}

// State describes what is held, and how far it goes.
type State struct {
	// From is the time (Unix milliseconds) from which on the anomalies of datapoints are held. Of StreamTime
	// itself only some may be held. Known is false before the first anomaly and the first Advance.
	From       int64
	Known      bool
	StreamTime int64
	Anomalies  int
	Entities   int
	Bytes      int64 // the memory that they take, as reckoned
	Dropped    int64 // how many anomalies within the range were ever given up for lack of room
	Short      bool  // the present range is not held as a whole, for lack of room
	Foreign    int64 // how many records of the output topic are not this detector's
	Bad        int64 // how many records cannot be read
	Caught     bool  // the topic has been read up to its end once
	Problem    string
}

// ErrCursor is in the error of a query whose cursor or vector cannot be read.
var ErrCursor = errors.New("not a cursor that a page of this list has given")
