package messages

import (
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// These types cross nodes as JSON. Field names are part of the protocol: they may be added, and never change. Times are
// UTC; offsets and lags are in records.

// NodeStatus is the status of a node.
type NodeStatus struct {
	Address   string           `json:"address"`  // host and port for other nodes
	Node      string           `json:"node"`     // the id in its data directory
	Process   string           `json:"process"`  // an id that each run of the program makes anew
	Version   string           `json:"version"`  // of the program
	Protocol  int              `json:"protocol"` // version of the protocol between nodes
	Started   time.Time        `json:"started"`
	Detectors []DetectorStatus `json:"detectors"`
	// Problem is why the node did not answer; all other fields but Address are empty then. Empty: it answered.
	Problem string `json:"problem,omitempty"`
}

// DetectorStatus is the status of one detector on one node.
type DetectorStatus struct {
	Detector   string            `json:"detector"`
	Topic      string            `json:"topic"`
	Group      string            `json:"group"`
	State      State             `json:"state"`
	Step       string            `json:"step,omitempty"` // the step of package round that is under way
	Problem    string            `json:"problem,omitempty"`
	Partitions []PartitionStatus `json:"partitions"`
	// Standstills are what the detector waits for in vain. If there is no other Problem, the first of them is also the
	// Problem, for nodes of earlier versions that do not know this field.
	Standstills []Standstill `json:"standstills,omitempty"`
}

// Standstill is something that a detector waits for and that makes no progress for longer than it should.
type Standstill struct {
	WaitingFor string    `json:"waiting_for"`
	Since      time.Time `json:"since"`
	Partitions []int32   `json:"partitions,omitempty"`      // that wait; empty: all, or no single one
	Offsets    int64     `json:"offsets_waiting,omitempty"` // how many offsets wait to be read or committed
	Writer     string    `json:"writer,omitempty"`          // whose open transaction is waited for; empty: not known
	LastError  string    `json:"last_error"`                // "none" if no error is known
	WhatToDo   string    `json:"what_to_do"`
}

// Text describes the standstill in a sentence, for people.
func (s *Standstill) Text() string {
	return "stands still: waiting for " + s.WaitingFor + " since " + s.Since.Format(time.RFC3339) +
		"; last error: " + s.LastError + "; what to do: " + s.WhatToDo
}

// PartitionStatus is the status of one partition on one node.
type PartitionStatus struct {
	Partition int32 `json:"partition"`
	Role      Role  `json:"role"`
	Phase     Phase `json:"state"`                   // the first version named the field state
	Offset    int64 `json:"offset"`                  // the next record to score, or of a standby the offset to get to
	End       int64 `json:"end"`                     // the end of the topic, as last seen; 0: not known yet
	Lag       int64 `json:"lag"`                     // offsets still to be read
	Behind    int64 `json:"behind_open_transaction"` // how many of them a writer's open transaction holds back
	Entities  int   `json:"entities"`                // cached or stored
	Pending   int64 `json:"pending"`                 // offsets that the replay has still to read
	// StreamTime is the partition's stream time, Unix milliseconds; 0: not known yet.
	StreamTime int64 `json:"stream_time,omitempty"`
}

// ClusterStatus is what a node knows about all nodes.
type ClusterStatus struct {
	At    time.Time    `json:"at"`
	Nodes []NodeStatus `json:"nodes"`
	// Unowned are the partitions that no node claims at the moment.
	Unowned []PartitionName `json:"unowned"`
	// Partial says that a node did not answer, or that a group could not be asked.
	Partial  bool     `json:"partial"`
	Problems []string `json:"problems,omitempty"`
}

// Successor is a node's answer to a node that is about to stop. It lists the partitions of nodes that stop that the
// answering node will probably get.
type Successor struct {
	Ready  []int32 `json:"ready"`  // it has their windows
	Coming []int32 `json:"coming"` // it is preparing their windows
}

// PartitionName names a partition of a detector's input topic.
type PartitionName struct {
	Detector  string `json:"detector"`
	Partition int32  `json:"partition"`
}

// EntityAnswer is what the nodes know about an entity.
type EntityAnswer struct {
	Detector string         `json:"detector"`
	Entity   string         `json:"entity"`
	Asked    []int32        `json:"partitions_asked"` // the partitions whose owners have answered
	Found    []EntityStatus `json:"found"`            // one, unless its points are spread over partitions
	// Partial says that the entity may be in a partition that could not be asked.
	Partial  bool     `json:"partial"`
	Problems []string `json:"problems,omitempty"`
}

// EntityStatus is an entity in one partition, as of Offset. A number is null if the window has too few points for it,
// or if it would not be finite.
type EntityStatus struct {
	Partition int32  `json:"partition"`
	Address   string `json:"address"` // of the node that answered
	Role      Role   `json:"role"`
	Phase     Phase  `json:"state"`  // as in PartitionStatus
	Offset    int64  `json:"offset"` // the partition's next record; the window has the points before it

	Points   int     `json:"points"`        // in the window
	Needed   int     `json:"points_needed"` // to be scored
	Full     int     `json:"points_full"`   // in a window without gaps
	Coverage float64 `json:"coverage"`      // points / points_full
	Scored   bool    `json:"scored"`        // the next point will be

	Median *float64 `json:"median"`
	Scale  *float64 `json:"unit"` // what a deviation of 1 is, measured like the value; the first version named it unit
	Low    *float64 `json:"low"`  // values from low to high are normal
	High   *float64 `json:"high"`

	LastDeviation *float64      `json:"last_deviation"`
	Window        []WindowPoint `json:"window"` // in the order of arrival

	// Packed replaces Window between two nodes, if the question asks for that. As JSON the window was a quarter of the
	// cost of a question.
	Packed []byte `json:"packed,omitempty"`

	// Habit is there if the method is habit. Then the window has the points that the state still has, and Median, Scale, Low and High are
	// what a point that comes next would be compared with.
	Habit *HabitStatus `json:"habit,omitempty"`
}

// HabitStatus is what the method habit says of an entity beside the rest.
type HabitStatus struct {
	Hours float64 `json:"hours"` // how far back the window goes
	Next  int64   `json:"next"`  // the time of the point that comes next, Unix milliseconds
	// Last is what was decided about the last point; nil: it was not scored.
	Last *Judgement `json:"last"`
	// Expected is what was expected of the points of the window, in their order.
	Expected       []Expectation `json:"expected"`
	PackedExpected []byte        `json:"packed_expected,omitempty"` // in place of Expected
}

// Judgement is what the method habit decided about a point. A number is null if it would not be finite.
type Judgement struct {
	Anomalous bool     `json:"anomalous"`
	Test      string   `json:"test"` // what the deviation is of: value or mean
	Expected  *float64 `json:"expected"`
	Low       *float64 `json:"low"`
	High      *float64 `json:"high"`
	Mean      *float64 `json:"mean"`       // how far the last values lie from what was expected of them, on average
	UsualMean *float64 `json:"usual_mean"` // how far that is usual
}

// Expectation is what was expected of a point. All is zero if it is not known any more.
type Expectation struct {
	Known    bool    `json:"known"`
	Exact    bool    `json:"exact"` // the numbers are those that the point was compared with; else they are about right
	Expected float64 `json:"expected"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
}

// WindowPoint is one point of a window.
type WindowPoint struct {
	At    int64   `json:"at"` // Unix milliseconds
	Value float64 `json:"value"`
}

// packedPoint is the size of a point in Packed: its time and the bits of its value,
// little-endian.
const packedPoint = 16

// Pack replaces the window by its packed form.
func (s *EntityStatus) Pack() {
	s.Packed = make([]byte, 0, packedPoint*len(s.Window))
	for _, point := range s.Window {
		s.Packed = binary.LittleEndian.AppendUint64(s.Packed, uint64(point.At))
		s.Packed = binary.LittleEndian.AppendUint64(s.Packed, math.Float64bits(point.Value))
	}
	s.Window = nil
	if s.Habit != nil {
		s.Habit = s.Habit.packed()
	}
}

// Unpack undoes Pack, if it was done.
func (s *EntityStatus) Unpack() {
	s.Window = slices.Grow(s.Window, len(s.Packed)/packedPoint)
	for b := s.Packed; len(b) >= packedPoint; b = b[packedPoint:] {
		s.Window = append(s.Window, WindowPoint{int64(binary.LittleEndian.Uint64(b)), math.Float64frombits(binary.LittleEndian.Uint64(b[packedPoint/2:]))})
	}
	s.Packed = nil
	if s.Habit != nil {
		s.Habit.unpack()
	}
}

// packedExpectation is the size of an expectation in PackedExpected: 1 if it is known, and 2 more if it is exact; and the bits of
// its three numbers, little-endian.
const packedExpectation = 25

// packed is the same with the expectations packed. The question may have other answers that share them.
func (h HabitStatus) packed() *HabitStatus {
	for _, e := range h.Expected {
		flags := byte(0)
		if e.Known {
			flags |= 1
		}
		if e.Exact {
			flags |= 2
		}
		h.PackedExpected = append(h.PackedExpected, flags)
		for _, x := range [...]float64{e.Expected, e.Low, e.High} {
			h.PackedExpected = binary.LittleEndian.AppendUint64(h.PackedExpected, math.Float64bits(x))
		}
	}
	h.Expected = nil
	return &h
}

func (h *HabitStatus) unpack() {
	for b := h.PackedExpected; len(b) >= packedExpectation; b = b[packedExpectation:] {
		number := func(i int) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b[1+8*i:])) }
		h.Expected = append(h.Expected, Expectation{Known: b[0]&1 != 0, Exact: b[0]&2 != 0, Expected: number(0), Low: number(1), High: number(2)})
	}
	h.PackedExpected = nil
}
