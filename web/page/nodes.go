package page

import (
	"context"
	"fmt"
	"slices"
	"time"

	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// nodesView is the nodes and what each of them does.
type nodesView struct {
	Nodes  []nodeView
	Matrix []matrix
}

type nodeView struct {
	answers.Node
	Name    string
	Started *moment
	Up      string
	Ready   int
	Standby int
	Problem string
	Last    *moment // when it answered last
}

// matrix is a detector's partitions by node.
type matrix struct {
	Detector   answers.Detector
	Partitions []int32
	Rows       []matrixRow
	Unowned    []int32
	Ready      *moment
	Replay     string // how much is left of the replay; empty: nothing is being replayed
}

type matrixRow struct {
	Name  string
	This  bool
	Does  string // the detector's state on this node and the step under way; empty: not known
	Cells []matrixCell
	Away  bool
}

// matrixCell is a cell's colour, its sign of at most four characters, and its words.
type matrixCell struct{ Class, Short, Says string }

func (n nodeView) since(s *shell) nodeView {
	if n.StartedAt != nil {
		m := s.When(*n.StartedAt)
		n.Started, n.Up = &m, look.Span(max(0, s.Now.Sub(*n.StartedAt)).Truncate(time.Second))
	}
	return n
}

func nodes(ctx context.Context, s *shell) error {
	v := &nodesView{}
	s.Title, s.Body = "Nodes", v
	s.Ranges = nil
	found, err := s.source.Nodes(ctx)
	if err != nil {
		return err
	}
	s.problems(found.Partial, found.Problems)
	for _, n := range found.Items {
		node := nodeView{Node: n, Name: nodeName(n), Problem: n.Problem}.since(s)
		if n.Answered != nil {
			m := s.byClock(*n.Answered)
			node.Last = &m
		}
		for _, d := range n.Detectors {
			for _, p := range d.Partitions {
				if p.Role == "standby" {
					node.Standby++
				} else if p.Phase == "ready" {
					node.Ready++
				}
			}
		}
		v.Nodes = append(v.Nodes, node)
	}
	for _, d := range s.Status.Detectors {
		v.Matrix = append(v.Matrix, s.matrix(d, found.Items))
	}
	return nil
}

func nodeName(n answers.Node) string {
	switch {
	case n.Address != "":
		return n.Address
	case n.ID != "":
		return n.ID
	}
	return "this node"
}

func (s *shell) matrix(d answers.Detector, nodes []answers.Node) matrix {
	m := matrix{Detector: d}
	if d.Replay != nil && d.Replay.Ready != nil {
		at := s.When(*d.Replay.Ready)
		m.Ready = &at
	}
	if r := d.Replay; r != nil {
		m.Replay = look.Count(r.Remaining, "record", "records") + " to go"
		if r.PerSecond > 0 {
			m.Replay += " at " + look.Group(int64(r.PerSecond)) + " a second"
		}
	}
	owned := map[int32]bool{}
	for i := range int32(d.Partitions.All) {
		m.Partitions = append(m.Partitions, i)
	}
	for _, n := range nodes {
		if n.Problem != "" && len(n.Detectors) == 0 {
			continue // it has no partitions
		}
		row := matrixRow{Name: nodeName(n), This: n.This, Away: n.Problem != "", Cells: make([]matrixCell, len(m.Partitions))}
		at := slices.IndexFunc(n.Detectors, func(x answers.NodeDetector) bool { return x.Name == d.Name })
		if at >= 0 {
			row.Does = doing(n, n.Detectors[at])
			for _, p := range n.Detectors[at].Partitions {
				if int(p.Partition) >= len(row.Cells) || p.Partition < 0 {
					continue
				}
				row.Cells[p.Partition] = cellOf(p)
				owned[p.Partition] = owned[p.Partition] || p.Role == "assigned"
			}
		}
		m.Rows = append(m.Rows, row)
	}
	if d.Partitions.Unowned > 0 {
		for _, p := range m.Partitions {
			if !owned[p] {
				m.Unowned = append(m.Unowned, p)
			}
		}
	}
	return m
}

// doing is a detector's state on a node and the step under way there, in words. It is empty for a node that does not
// answer.
func doing(n answers.Node, d answers.NodeDetector) string {
	switch {
	case n.Problem != "":
		return ""
	case d.Step == "" || d.Step == d.State: // a node of an earlier version does not say the step; opening is both
		return d.State
	}
	return d.State + ", " + d.Step
}

// The signs of the matrix, each with the words of the legend. A cell has one of them, and the legend explains all of
// them. A replaying partition shows a number instead: how many records are still to be replayed.
var (
	signReady      = matrixCell{"ready", "R", "ready"}
	signReplaying  = matrixCell{"load", "12k", "replaying, records to go"}
	signImporting  = matrixCell{"load", "I", "importing its windows from another node"}
	signUnassigned = matrixCell{"load", "U", "unassigned: not begun yet"}
	signStandby    = matrixCell{"standby", "S", "standby"}
	signBehind     = matrixCell{"standby", "s", "standby that is not ready"}
	signBroken     = matrixCell{"bad", "B", "broken: its windows cannot be used"}
	signUnknown    = matrixCell{"bad", "?", "the node does not answer"}
	signNoNode     = matrixCell{"bad", "!", "no node has it"}
)

// Legend explains the signs of the matrix.
func (nodesView) Legend() []matrixCell {
	return []matrixCell{signReady, signReplaying, signImporting, signUnassigned, signStandby, signBehind, signBroken, signUnknown, signNoNode}
}

// NoNode is the cell of a partition that no node has.
func (nodesView) NoNode() matrixCell { return signNoNode }

// cellOf is a partition on a node: a sign for its role and phase, and all of it in words.
func cellOf(p answers.NodePartition) matrixCell {
	says := fmt.Sprintf("%s, %s, offset %s, %s behind, %s", p.Role, p.Phase, look.Group(p.Offset), look.Count(p.Lag, "record", "records"), look.Count(p.Entities, "entity", "entities"))
	if p.Phase == "replaying" {
		says += ", " + look.Count(p.Pending, "record", "records") + " still to replay"
	}
	var c matrixCell
	switch {
	case p.Role == "standby" && p.Phase == "ready":
		c = signStandby
	case p.Role == "standby":
		c = signBehind
	case p.Phase == "ready":
		c = signReady
	case p.Phase == "replaying":
		c = signReplaying
		c.Short = short2(p.Pending)
	case p.Phase == "importing":
		c = signImporting
	case p.Phase == "unassigned":
		c = signUnassigned
	case p.Phase == "broken":
		c = signBroken
		says += "; its windows cannot be used, and it waits to be assigned anew"
	default:
		c, says = signUnknown, "not known; the consumer group says that this node has the partition"
	}
	c.Says = says
	return c
}

// short2 is a count in at most four characters.
func short2(n int64) string {
	switch {
	case n >= 1_000_000_000:
		return fmt.Sprintf("%dG", n/1_000_000_000)
	case n >= 1_000_000:
		return fmt.Sprintf("%dM", n/1_000_000)
	case n >= 1000:
		return fmt.Sprintf("%dk", n/1000)
	}
	return fmt.Sprint(n)
}
