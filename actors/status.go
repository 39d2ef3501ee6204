package actors

import (
	"slices"

	"anomalydetector/messages"
	"anomalydetector/round"
)

// status answers a question about the detector.
func (d *Detector) status() *statusAnswer {
	answer := &statusAnswer{status: messages.DetectorStatus{
		Detector: d.config.Name, Topic: d.config.InputTopic, Group: d.config.Group,
		State: d.state(), Step: string(d.round.Step()), Partitions: []messages.PartitionStatus{},
	}}
	if problem := d.round.Stall(); problem != nil && !d.stopping() {
		answer.status.Problem = problem.Error()
	}
	answer.status.Standstills = d.standstills()
	if s := answer.status.Standstills; len(s) > 0 && answer.status.Problem == "" {
		answer.status.Problem = s[0].Text()
	}
	for _, partition := range d.partitions {
		status := partition.status()
		answer.status.Partitions = append(answer.status.Partitions, status)
		if partition.pid != nil {
			answer.askables = append(answer.askables, askable{status, partition.pid, partition.contact})
		}
	}
	slices.SortFunc(answer.status.Partitions, func(a, b messages.PartitionStatus) int { return int(a.Partition - b.Partition) })
	return answer
}

func (t *trackedPartition) status() messages.PartitionStatus {
	lag, behind := t.lag()
	return messages.PartitionStatus{
		Partition: t.number, Role: t.role, Phase: t.phase, Offset: t.next, End: t.end, Lag: lag, Behind: behind,
		Entities: t.census.entities, Pending: t.replay.pending, StreamTime: t.census.streamTime,
	}
}

// state is the detector's state in one word.
func (d *Detector) state() messages.State {
	assigned, replaying := 0, false
	for _, partition := range d.partitions {
		if !partition.standby() {
			assigned++
			replaying = replaying || !partition.ready()
		}
	}
	switch {
	case d.stopping(), d.round.Stall() != nil:
		return messages.StateStopped
	case d.round.Mode() == round.Draining:
		return messages.StateDraining
	case d.session == nil || !d.joined:
		return messages.StateOpening
	case replaying:
		return messages.StateReplaying
	case assigned == 0 && len(d.partitions) > 0:
		return messages.StateStandby
	}
	return messages.StateLive
}
