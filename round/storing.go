package round

import (
	"maps"
	"slices"
	"time"
)

// How checkpoints are awaited. A partition answers each commit: it has stored its windows, could not, or has postponed it.
// It may postpone only if the detector is behind the stream. The round knows which partitions owe a checkpoint, and lets them
// store when the detector has caught up, before it pauses, and before it ends.

// Saving says that a partition was told of a commit. It answers with Checkpointed.
func (r *Round) Saving(partition int32) {
	r.saving[partition] = struct{}{}
	delete(r.owing, partition)
}

// Checkpointed says that a partition has stored its checkpoint, could not, or has postponed it. The answer may come after the partition is
// gone. Then there is nobody who could store what it has postponed.
func (r *Round) Checkpointed(partition int32, postponed bool) []Effect {
	_, told := r.saving[partition]
	delete(r.saving, partition)
	delete(r.owing, partition)
	if postponed && told {
		r.owing[partition] = struct{}{}
	}
	switch r.step {
	case Opening, Pausing, Reopening:
		return r.collect()
	case Storing:
		return r.store()
	}
	return nil
}

// IsSaving tells whether a partition was told of a commit, and has not answered.
func (r *Round) IsSaving(partition int32) bool {
	_, saving := r.saving[partition]
	return saving
}

// SavingPartitions are those that have not answered, in order.
func (r *Round) SavingPartitions() []int32 { return slices.Sorted(maps.Keys(r.saving)) }

// collect lets the partitions store that owe a checkpoint. It must not be called while records are uncommitted, because a
// partition takes all that it has scored for committed.
func (r *Round) collect() []Effect {
	if len(r.owing) == 0 {
		return nil
	}
	owing := slices.Sorted(maps.Keys(r.owing))
	for _, partition := range owing {
		r.Saving(partition)
	}
	return []Effect{Store{owing}}
}

// store waits for the last checkpoints, and closes the session when there are none.
func (r *Round) store() []Effect {
	switch effects := r.collect(); {
	case len(r.saving) == 0:
		return r.close(nil)
	case r.step != Storing:
		return r.enter(Storing, effects...)
	default:
		return effects
	}
}

// pause does nothing for a while.
func (r *Round) pause(pause time.Duration) []Effect {
	return append(r.collect(), r.enter(Pausing, Pause{pause})...)
}
