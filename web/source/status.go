package source

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"anomalydetector/messages"
	"anomalydetector/web/answers"
)

// partitionsOf calls visit with each partition of a detector, over all nodes.
func partitionsOf(status messages.ClusterStatus, detector string, visit func(messages.NodeStatus, messages.DetectorStatus, messages.PartitionStatus)) {
	for _, node := range status.Nodes {
		for _, d := range node.Detectors {
			if d.Detector == detector {
				for _, p := range d.Partitions {
					visit(node, d, p)
				}
			}
		}
	}
}

// pendingOf is how many records the assigned partitions still have to replay, over all nodes.
func pendingOf(status messages.ClusterStatus, detector string) (remaining int64) {
	partitionsOf(status, detector, func(_ messages.NodeStatus, _ messages.DetectorStatus, p messages.PartitionStatus) {
		if p.Role == messages.RoleAssigned {
			remaining += p.Pending
		}
	})
	return remaining
}

// streamTime is the newest stream time of any partition on any node, in Unix milliseconds. If partitions lag behind, it is the
// stream time of the one that is farthest behind: what happened since then is not known there yet.
func streamTime(status messages.ClusterStatus, detector string) (at int64, known bool) {
	behind := int64(math.MaxInt64)
	partitionsOf(status, detector, func(_ messages.NodeStatus, _ messages.DetectorStatus, p messages.PartitionStatus) {
		at = max(at, p.StreamTime)
		if p.Role == messages.RoleAssigned && p.StreamTime > 0 && lags(p) {
			behind = min(behind, p.StreamTime)
		}
	})
	return min(at, behind), at > 0
}

func lags(p messages.PartitionStatus) bool { return p.Lag > 0 || p.Phase != messages.Ready }

// partitionTime is the time up to which a partition's points have been seen, in Unix milliseconds.
func partitionTime(status messages.ClusterStatus, detector string, partition int32) (at int64, known bool) {
	all, known := streamTime(status, detector)
	partitionsOf(status, detector, func(_ messages.NodeStatus, _ messages.DetectorStatus, p messages.PartitionStatus) {
		if p.Partition == partition && p.Role == messages.RoleAssigned {
			at = p.StreamTime
			if !lags(p) { // it has read everything, so it is as far as the others
				at = max(at, all)
			}
		}
	})
	return at, known && at > 0
}

// Status sums up all detectors and nodes.
func (s *Source) Status(ctx context.Context) (answers.Status, error) {
	now, err := s.all(ctx)
	if err != nil {
		return answers.Status{}, err
	}
	status := now.status
	answer := answers.Status{
		At: status.At.UTC(), Version: s.config.Version, Nodes: len(status.Nodes), Detectors: []answers.Detector{},
		Partial: status.Partial, Problems: problems(status),
	}
	for _, node := range status.Nodes {
		if node.Problem == "" {
			answer.Answering++
		}
	}
	for _, d := range s.known {
		answer.Detectors = append(answer.Detectors, d.describe(now))
	}
	return answer, nil
}

// Detectors are the detectors of this process.
func (s *Source) Detectors(ctx context.Context) (answers.List[answers.Detector], error) {
	status, err := s.Status(ctx)
	return answers.List[answers.Detector]{Items: status.Detectors, Partial: status.Partial, Problems: status.Problems}, err
}

func problems(status messages.ClusterStatus) []string {
	all := append([]string{}, status.Problems...)
	for _, node := range status.Nodes {
		if node.Problem != "" {
			reason := strings.TrimPrefix(node.Problem, "ask node "+node.Address+": ")
			all = append(all, "node "+node.Address+" did not answer: "+reason)
		}
	}
	return all
}

// describe sums up a detector over all nodes.
func (d *known) describe(now *looked) answers.Detector {
	status, replay := now.status, now.replays[d.Name]
	answer := answers.Detector{
		Name: d.Name, Topic: d.Topic, OutputTopic: d.OutputTopic, ConsumerGroup: d.Group, ValueField: d.ValueField, KeyFields: d.fields,
		Threshold: d.Settings.Threshold, DevMetric: d.Settings.Metric.String(), MinDev: d.Settings.MinDeviation,
		HistoryHours: d.Settings.HistoryHours, BinSeconds: d.bin.Seconds(),
		PointsNeeded: d.needed(), PointsFull: d.full(), Synthetic: d.Synthetic, EpisodesTopic: d.EpisodesTopic, Tail: d.tail(), WindowHours: d.Settings.HistoryHours,
	}
	if d.habit != nil {
		answer.Method, answer.WindowHours = answers.Habit, d.habit.KeptHours()
	}
	partitionsOf(status, d.Name, func(_ messages.NodeStatus, _ messages.DetectorStatus, p messages.PartitionStatus) {
		if p.Role == messages.RoleStandby {
			answer.Partitions.Standby++
			return
		}
		answer.Partitions.All++
		answer.LagRecords += p.Lag
		answer.Entities += p.Entities
		switch p.Phase {
		case messages.Ready:
			answer.Partitions.Ready++
		case messages.Unassigned, messages.Importing, messages.Replaying, messages.Broken: // on its way to be ready
			answer.Partitions.Replaying++
		}
	})
	answer.Partitions.Unowned = len(now.unowned[d.Name])
	answer.Partitions.All += answer.Partitions.Unowned
	state, problem := d.state(status, answer.Partitions)
	answer.State, answer.Problem = string(state), problem
	if answer.Partitions.Unowned > 0 && answer.Problem == "" {
		answer.Problem = "no node that answers has " + list(now.unowned[d.Name])
	}
	if at, known := streamTime(status, d.Name); known {
		until := time.UnixMilli(at).UTC()
		answer.DataUntil = &until
	}
	if replay.remaining > 0 {
		answer.Replay = &answers.Replay{Remaining: replay.remaining, PerSecond: replay.perSecond}
		if replay.perSecond > 0 {
			ready := replay.at.Add(time.Duration(float64(replay.remaining) / replay.perSecond * float64(time.Second))).UTC()
			answer.Replay.Ready = &ready
		}
	}
	if median, known := d.Median(); known {
		answer.DetectionP50 = &median
	}
	return answer
}

// state sums up a detector over all nodes. The first of these that holds counts: a node has stopped; a partition is neither
// ready nor on its way to be; one replays; a node is live; one is draining; one is opening.
func (d *known) state(status messages.ClusterStatus, partitions answers.Partitions) (state messages.State, problem string) {
	states := make(map[messages.State]bool)
	for _, node := range status.Nodes {
		for _, one := range node.Detectors {
			if one.Detector == d.Name {
				states[one.State] = true
				problem = cmp.Or(problem, one.Problem)
			}
		}
	}
	switch {
	case states[messages.StateStopped]:
		return messages.StateStopped, problem
	case partitions.Ready+partitions.Replaying < partitions.All: // the others have no node, have not begun, are broken, or are on a node that does not answer
		return messages.StateOpening, problem
	case partitions.Replaying > 0:
		return messages.StateReplaying, problem
	case states[messages.StateLive]:
		return messages.StateLive, problem
	case states[messages.StateDraining]:
		return messages.StateDraining, problem
	case states[messages.StateOpening]:
		return messages.StateOpening, problem
	}
	return messages.StateUnknown, problem
}

// Nodes are all processes of the cluster, sorted by address.
func (s *Source) Nodes(ctx context.Context) (answers.List[answers.Node], error) {
	now, err := s.all(ctx)
	if err != nil {
		return answers.List[answers.Node]{}, err
	}
	status := now.status
	list := answers.List[answers.Node]{Items: []answers.Node{}, Partial: status.Partial, Problems: problems(status)}
	for _, node := range status.Nodes {
		list.Items = append(list.Items, s.node(node))
	}
	list.Items = gone(list.Items, now.sightings)
	slices.SortStableFunc(list.Items, func(a, b answers.Node) int { return cmp.Compare(a.Address, b.Address) })
	return list, nil
}

func (s *Source) node(status messages.NodeStatus) answers.Node {
	node := answers.Node{
		Address: status.Address, ID: status.Node, Version: status.Version, Problem: status.Problem, Detectors: []answers.NodeDetector{},
		This: status.Node != "" && status.Node == s.config.Node,
	}
	if !status.Started.IsZero() {
		started := status.Started.UTC()
		node.StartedAt = &started
	}
	for _, d := range status.Detectors {
		one := answers.NodeDetector{Name: d.Detector, State: string(d.State), Step: d.Step, Problem: d.Problem, Partitions: []answers.NodePartition{}}
		for _, p := range d.Partitions {
			one.Partitions = append(one.Partitions, answers.NodePartition{
				Partition: p.Partition, Role: string(p.Role), Phase: string(p.Phase), Offset: p.Offset, End: p.End, Lag: p.Lag, Entities: p.Entities, Pending: p.Pending,
			})
		}
		node.Detectors = append(node.Detectors, one)
	}
	return node
}
