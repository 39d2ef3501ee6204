package messages

import (
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// What crosses nodes, as JSON: field names are part of the protocol, and only
// ever added to. Times are UTC, offsets and lags are in records.

// NodeStatus is what a node says of itself.
type NodeStatus struct {
	Address   string           `json:"address"`  // under which the others reach it
	Node      string           `json:"node"`     // the id in its data directory
	Process   string           `json:"process"`  // differs between two runs
	Version   string           `json:"version"`  // of the program
	Protocol  int              `json:"protocol"` // between nodes
	Started   time.Time        `json:"started"`
	Detectors []DetectorStatus `json:"detectors"`
	// Problem is why it did not answer; then there is nothing but the address.
	Problem string `json:"problem,omitempty"`
}

// DetectorStatus is one configuration in one node.
type DetectorStatus struct {
	Detector   string            `json:"detector"`
	Topic      string            `json:"topic"`
	Group      string            `json:"group"`
	State      State             `json:"state"`
	Step       string            `json:"step,omitempty"` // the step of package round that is under way
	Problem    string            `json:"problem,omitempty"`
	Partitions []PartitionStatus `json:"partitions"`
	// Standstills are what it waits for in vain. The first of them is the Problem, too,
	// for nodes that do not know them, unless there is another one.
	Standstills []Standstill `json:"standstills,omitempty"`
}

// Standstill is something that a detector waits for, and that has not moved for longer
// than it should.
type Standstill struct {
	WaitingFor string    `json:"waiting_for"`
	Since      time.Time `json:"since"`
	Partitions []int32   `json:"partitions,omitempty"` // that wait; none: all, or no one in particular
	Offsets    int64     `json:"offsets_waiting,omitempty"`
	Writer     string    `json:"writer,omitempty"` // whose transaction is open
	LastError  string    `json:"last_error"`       // "none" if no error is known
	WhatToDo   string    `json:"what_to_do"`
}

// Text is for people.
func (s *Standstill) Text() string {
	return "stands still: waiting for " + s.WaitingFor + " since " + s.Since.Format(time.RFC3339) +
		"; last error: " + s.LastError + "; what to do: " + s.WhatToDo
}

// PartitionStatus is one partition in one node.
type PartitionStatus struct {
	Partition int32 `json:"partition"`
	Role      Role  `json:"role"`
	Phase     Phase `json:"state"` // the name that it has had on the wire from the first version on
	Offset    int64 `json:"offset"`
	End       int64 `json:"end"` // of the topic, as last seen; 0 if nothing was
	Lag       int64 `json:"lag"`
	Behind    int64 `json:"behind_open_transaction"` // how much of the lag is behind a writer's open transaction
	Entities  int   `json:"entities"`
	Pending   int64 `json:"pending"` // offsets of history that are still to be read
	// StreamTime is the latest timestamp seen, Unix milliseconds; 0: not known yet.
	StreamTime int64 `json:"stream_time,omitempty"`
}

// ClusterStatus is what a node knows of all of them.
type ClusterStatus struct {
	At    time.Time    `json:"at"`
	Nodes []NodeStatus `json:"nodes"`
	// Unowned are the partitions that no node claims at the moment.
	Unowned []PartitionName `json:"unowned"`
	// Partial: a node did not answer, or a group could not be asked.
	Partial  bool     `json:"partial"`
	Problems []string `json:"problems,omitempty"`
}

// Successor is what a node answers to one that is about to leave: of the partitions
// of all that are, those that will be the answering node's, as far as can be foreseen.
type Successor struct {
	Ready  []int32 `json:"ready"`  // it has their windows
	Coming []int32 `json:"coming"` // it is getting them
}

// PartitionName names a partition of a detector's input topic.
type PartitionName struct {
	Detector  string `json:"detector"`
	Partition int32  `json:"partition"`
}

// EntityAnswer is what the nodes know of an entity.
type EntityAnswer struct {
	Detector string         `json:"detector"`
	Entity   string         `json:"entity"`
	Asked    []int32        `json:"partitions_asked"` // of their owners
	Found    []EntityStatus `json:"found"`            // one, unless its points are spread over partitions
	// Partial: it may be in a partition that could not be asked.
	Partial  bool     `json:"partial"`
	Problems []string `json:"problems,omitempty"`
}

// EntityStatus is an entity in one partition, as of Offset. Numbers are null
// where there are too few points, or none would be finite.
type EntityStatus struct {
	Partition int32  `json:"partition"`
	Address   string `json:"address"` // of the node that answered
	Role      Role   `json:"role"`
	Phase     Phase  `json:"state"`  // as in PartitionStatus
	Offset    int64  `json:"offset"` // the next record of the partition; what was read up to it is in the window

	Points   int     `json:"points"`
	Needed   int     `json:"points_needed"` // to be scored
	Full     int     `json:"points_full"`   // in a window without gaps
	Coverage float64 `json:"coverage"`      // points / points_full
	Scored   bool    `json:"scored"`        // the next point will be

	Median *float64 `json:"median"`
	Scale  *float64 `json:"unit"` // what deviations are counted in, in units of the value
	Low    *float64 `json:"low"`  // values from low to high are normal
	High   *float64 `json:"high"`

	LastDeviation *float64      `json:"last_deviation"`
	Window        []WindowPoint `json:"window"` // in the order of arrival

	// Packed is the window between two nodes, where it is asked for like that: as
	// JSON it was a quarter of what a question cost them.
	Packed []byte `json:"packed,omitempty"`
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
}

// Unpack undoes Pack, if it was done.
func (s *EntityStatus) Unpack() {
	s.Window = slices.Grow(s.Window, len(s.Packed)/packedPoint)
	for b := s.Packed; len(b) >= packedPoint; b = b[packedPoint:] {
		s.Window = append(s.Window, WindowPoint{int64(binary.LittleEndian.Uint64(b)), math.Float64frombits(binary.LittleEndian.Uint64(b[packedPoint/2:]))})
	}
	s.Packed = nil
}
