package actors

import (
	"anomalydetector/messages"
	"anomalydetector/round"
	"anomalydetector/standstill"
)

// nowhere is the partition of a wait that is for no partition in particular.
const nowhere = -1

// waits are what the detector waits for.
type waits []standstill.Pending

func (w *waits) add(waiting standstill.Waiting, partition int32, progress, records int64, quiet bool) {
	*w = append(*w, standstill.Pending{Waiting: waiting, Partition: partition, Progress: progress, Records: records, Quiet: quiet})
}

// pending is what the detector waits for. When it stops it waits only for what is under way.
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
	stalled := d.round.Stall() != nil // which is logged by itself
	if d.round.Uncommitted() {
		all.add(standstill.Committing, nowhere, d.commits, 0, stalled)
	}
	for _, partition := range d.partitions {
		partition.pending(&all, stalled, d.session == nil)
	}
	return all
}

// pending adds what the detector waits for of the partition. It does not wait for an import, which has a bound of its
// own.
func (t *trackedPartition) pending(all *waits, stalled, noSession bool) {
	quiet := stalled || noSession
	if t.standby() {
		if t.phase == messages.Replaying {
			all.add(standstill.Following, t.number, t.replay.done+int64(t.generation), 0, quiet)
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

// standbyProgress is how far the standby partitions are, for which a session may wait, and whether windows of one are
// taken from another node.
func (d *Detector) standbyProgress() (progress int64, importing bool) {
	for _, partition := range d.partitions {
		if partition.standby() {
			progress += partition.replay.done + partition.next
			importing = importing || partition.phase == messages.Importing
		}
	}
	return progress, importing
}
