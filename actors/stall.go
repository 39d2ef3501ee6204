package actors

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// How the detector learns whether its partitions can store checkpoints. If they cannot, the round stops intake.

// checkpointed notes whether a checkpoint of a partition succeeded.
func (d *Detector) checkpointed(ctx actor.Context, c *messages.Checkpointed) {
	if partition, known := d.partitions[c.Partition]; known {
		partition.census.cached = c.Cached
		if partition.health.checkpointed(c) {
			delete(d.falls.scoring, c.Partition)
		}
	}
	d.run(ctx, d.round.Checkpointed(c.Partition, c.Postponed))
}

// checkpointed tells whether the checkpoint is progress of the partition's actor.
func (h *health) checkpointed(c *messages.Checkpointed) (progress bool) {
	h.saves++
	switch {
	case c.Err != nil:
		h.unstored(c.Err)
	case c.Stored:
		progress = h.proving
		h.proving = false
		h.stored()
	}
	return progress
}

// stored notes that the partition could store its windows.
func (h *health) stored() { h.unsaved, h.problem = 0, nil }

// unstored notes that it could not.
func (h *health) unstored(err error) {
	h.problem = err
	if !errors.Is(err, persistence.ErrNoSpace) { // room may come back
		h.unsaved++
	}
}

func (d *Detector) lookAtStore() { d.round.StoreIs(d.problem()) }

// problem returns why intake has to stop; nil: it need not. A full disk may get free space again. If checkpoints fail
// again and again, the problem is hopeless: a person has to look at the disk.
func (d *Detector) problem() (problem error, hopeless bool) {
	if d.config.Store == nil {
		return nil, false
	}
	if err := d.config.Store.Room(); err != nil {
		return err, false
	}
	for _, partition := range d.partitions {
		if partition.health.unsaved >= attempts {
			return partition.health.problem, true
		}
		if partition.health.problem != nil {
			problem = partition.health.problem
		}
	}
	return problem, false
}
