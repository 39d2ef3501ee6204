package source

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"anomalydetector/messages"
	"anomalydetector/web/answers"
)

// freshFor is how long an answer about all nodes serves others who ask.
const freshFor = time.Second

// look is the latest answer about all nodes. Its token lets one at a time ask anew.
type look struct {
	token   chan struct{}
	at      time.Time
	status  messages.ClusterStatus
	replays map[string]pace

	sightings map[string]sighting // by address
}

// pace is how fast a detector's replay went.
type pace struct {
	at        time.Time
	remaining int64
	perSecond float64
}

// all asks all nodes, or takes the answer to somebody who just did.
func (s *Source) all(ctx context.Context) (messages.ClusterStatus, map[string]pace, error) {
	status, replays, _, err := s.sighted(ctx)
	return status, replays, err
}

// sighted is all, and when nodes answered last. The maps it returns are not written again.
func (s *Source) sighted(ctx context.Context) (messages.ClusterStatus, map[string]pace, map[string]sighting, error) {
	select {
	case s.look.token <- struct{}{}:
		defer func() { <-s.look.token }()
	case <-ctx.Done():
		return messages.ClusterStatus{}, nil, nil, notInTime()
	}
	if now := s.config.Now(); s.look.at.IsZero() || now.Sub(s.look.at) >= freshFor || now.Before(s.look.at) {
		status := s.config.Asker.Status(ctx)
		if ctx.Err() != nil {
			return messages.ClusterStatus{}, nil, nil, notInTime()
		}
		s.look.at, s.look.status = now, status
		s.measure(now)
		s.look.notice(now)
		for _, d := range s.known {
			if at, known := streamTime(status, d.Name); known {
				d.Tail.Advance(at)
			}
		}
	}
	return s.look.status, s.look.replays, s.look.sightings, nil
}

// measure notes how fast replays went since the last time.
func (s *Source) measure(now time.Time) {
	paces := make(map[string]pace)
	for _, d := range s.known {
		remaining := pendingOf(s.look.status, d.Name)
		if remaining == 0 {
			continue
		}
		before, is := s.look.replays[d.Name]
		next := pace{at: now, remaining: remaining}
		if seconds := now.Sub(before.at).Seconds(); is && seconds > 0 && remaining <= before.remaining {
			next.perSecond = float64(before.remaining-remaining) / seconds
			if before.perSecond > 0 { // smooth: a replay comes in runs
				next.perSecond = (next.perSecond + before.perSecond) / 2
			}
		}
		paces[d.Name] = next
	}
	s.look.replays = paces
}

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

// pendingOf is how many records owners still replay.
func pendingOf(status messages.ClusterStatus, detector string) (remaining int64) {
	partitionsOf(status, detector, func(_ messages.NodeStatus, _ messages.DetectorStatus, p messages.PartitionStatus) {
		if p.Role == messages.RoleOwner {
			remaining += p.Pending
		}
	})
	return remaining
}

// streamTime is the latest timestamp that any node has seen.
func streamTime(status messages.ClusterStatus, detector string) (at int64, known bool) {
	partitionsOf(status, detector, func(_ messages.NodeStatus, _ messages.DetectorStatus, p messages.PartitionStatus) {
		at = max(at, p.StreamTime)
	})
	return at, at > 0
}

// Status is how all is, at a glance.
func (s *Source) Status(ctx context.Context) (answers.Status, error) {
	status, paces, err := s.all(ctx)
	if err != nil {
		return answers.Status{}, err
	}
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
		answer.Detectors = append(answer.Detectors, d.describe(status, paces[d.Name]))
	}
	return answer, nil
}

// Detectors are those of the process.
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

// describe is a detector over all nodes.
func (d *known) describe(status messages.ClusterStatus, replay pace) answers.Detector {
	answer := answers.Detector{
		Name: d.Name, Topic: d.Topic, OutputTopic: d.OutputTopic, ConsumerGroup: d.Group, ValueField: d.ValueField, KeyFields: d.fields,
		Threshold: d.Settings.Threshold, DevMetric: d.Settings.Metric.String(), MinDev: d.Settings.MinDeviation,
		HistoryHours: d.Settings.HistoryHours, BinSeconds: d.bin.Seconds(),
		PointsNeeded: d.rules.Needed(), PointsFull: d.rules.Full(), Synthetic: d.Synthetic, Tail: d.tail(),
	}
	partitionsOf(status, d.Name, func(_ messages.NodeStatus, _ messages.DetectorStatus, p messages.PartitionStatus) {
		if p.Role == messages.RoleStandby {
			answer.Partitions.Standby++
			return
		}
		answer.Partitions.All++
		answer.LagRecords += p.Lag
		answer.Entities += p.Entities
		switch p.State {
		case messages.StateLive:
			answer.Partitions.Live++
		case messages.StateReplaying, messages.StateWarming:
			answer.Partitions.Replaying++
		}
	})
	for _, unowned := range status.Unowned {
		if unowned.Detector == d.Name {
			answer.Partitions.Unowned++
			answer.Partitions.All++
		}
	}
	answer.State, answer.Problem = d.state(status, answer.Partitions)
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

// state is how a detector is over all nodes: the worst that concerns partitions.
func (d *known) state(status messages.ClusterStatus, partitions answers.Partitions) (state, problem string) {
	states := make(map[string]bool)
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
	case partitions.Replaying > 0:
		return messages.StateReplaying, problem
	case states[messages.StateLive]:
		return messages.StateLive, problem
	case states[messages.StateJoining]:
		return messages.StateJoining, problem
	}
	return messages.StateUnknown, problem
}

// Nodes are all processes of the cluster, in the order of their addresses.
func (s *Source) Nodes(ctx context.Context) (answers.List[answers.Node], error) {
	status, _, sightings, err := s.sighted(ctx)
	if err != nil {
		return answers.List[answers.Node]{}, err
	}
	list := answers.List[answers.Node]{Items: []answers.Node{}, Partial: status.Partial, Problems: problems(status)}
	for _, node := range status.Nodes {
		list.Items = append(list.Items, s.node(node))
	}
	list.Items = gone(list.Items, sightings)
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
		one := answers.NodeDetector{Name: d.Detector, State: d.State, Problem: d.Problem, Partitions: []answers.NodePartition{}}
		for _, p := range d.Partitions {
			one.Partitions = append(one.Partitions, answers.NodePartition{
				Partition: p.Partition, Role: p.Role, State: p.State, Offset: p.Offset, End: p.End, Lag: p.Lag, Entities: p.Entities, Pending: p.Pending,
			})
		}
		node.Detectors = append(node.Detectors, one)
	}
	return node
}
