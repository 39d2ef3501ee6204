package actors

import (
	"anomalydetector/messages"
	"anomalydetector/round"
	"anomalydetector/standstill"
)

// nowhere stands for the partition in a wait that concerns no single partition.
const nowhere = -1

// waits lists what the detector waits for.
type waits []standstill.Pending

func (w *waits) add(waiting standstill.Waiting, partition int32, progress, records int64, quiet bool) {
	*w = append(*w, standstill.Pending{Waiting: waiting, Partition: partition, Progress: progress, Records: records, Quiet: quiet})
}

// pending returns what the detector waits for. A detector that stops waits only for the step under way.
func (d *Detector) pending() waits {
	var all waits
	o := d.config.Observer
	out, stopping := o != nil && o.Out(), d.stopping()
	switch {
	case stopping:
	case d.session == nil:
		progress, importing := d.standbyProgress()
		all.add(standstill.Opening, nowhere, progress, 0, importing)
	case out:
		all.add(standstill.Joining, nowhere, 0, 0, false)
	}
	if d.blind && !stopping {
		all.add(standstill.Asking, nowhere, d.looks, 0, out || d.session == nil)
	}
	switch progress := d.round.Moves(); d.round.Step() {
	case round.Flushing, round.Discarding:
		if o != nil {
			progress += int64(o.Written())
		}
		all.add(standstill.Writing, nowhere, progress, 0, false)
	case round.Ending:
		all.add(standstill.Ending, nowhere, progress, 0, false)
	case round.Scoring:
		all.add(standstill.Scoring, nowhere, progress, 0, false)
	}
	for _, number := range d.round.SavingPartitions() {
		if partition, known := d.partitions[number]; known {
			all.add(standstill.Storing, number, partition.health.saves, 0, false)
		}
	}
	if stopping {
		return all
	}
	stalled := d.round.Stall() != nil // the stop of intake has its own log line
	if d.round.Uncommitted() {
		all.add(standstill.Committing, nowhere, d.commits, 0, stalled)
	}
	for _, partition := range d.partitions {
		partition.pending(&all, stalled, d.session == nil)
	}
	return all
}

// pending adds what the detector waits for in the partition. An import is not among it, because it has a time limit of
// its own.
func (t *trackedPartition) pending(all *waits, stalled, noSession bool) {
	quiet := stalled || noSession
	if t.standby() {
		if t.phase == messages.Replaying {
			all.add(standstill.ReplayingStandby, t.number, t.replay.done+int64(t.generation), 0, quiet)
		}
		return
	}
	if !t.ready() && t.phase != messages.Importing {
		all.add(standstill.Replaying, t.number, t.replay.done, 0, quiet)
	}
	if t.pass(t.settled) < t.stable {
		all.add(standstill.Committing, t.number, t.settled, t.stable-t.settled, stalled || !t.ready())
	} else if t.behind > 0 {
		all.add(standstill.Held, t.number, t.stable, t.behind, noSession)
	}
}

// standbyProgress is how far the standby partitions are, and whether one of them imports windows. The opening of a
// session may wait for them.
func (d *Detector) standbyProgress() (progress int64, importing bool) {
	for _, partition := range d.partitions {
		if partition.standby() {
			progress += partition.replay.done + partition.next
			importing = importing || partition.phase == messages.Importing
		}
	}
	return progress, importing
}
