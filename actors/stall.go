package actors

import (
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// What a detector does when its partitions' state cannot be stored: it reads no
// more, so that what would have to be read again after a crash stays little, and
// goes on by itself. Kafka has what was committed, so nothing is lost meanwhile.

// stall is that state.
type stall struct {
	since    time.Time // zero: intake goes on
	reason   Pause
	told     time.Time
	rested   bool // a pause has been made, the transaction is to be ended
	stopping bool // proceed waits for the last checkpoints
}

// stallPause is between two looks at whether things are better.
const stallPause = time.Second

// checkpointed notes whether a partition could store its state.
func (d *Detector) checkpointed(ctx actor.Context, c *messages.Checkpointed) {
	if partition, known := d.partitions[c.Partition]; known {
		partition.saves++
		partition.cached = c.Cached
		partition.problem = c.Err
		switch {
		case c.Err == nil:
			partition.unsaved = 0
			if partition.proving {
				delete(d.falls.working, c.Partition)
			}
			partition.proving = false
		case !errors.Is(c.Err, persistence.ErrNoSpace): // which may come back
			partition.unsaved++
		}
	}
	d.saved(ctx, c.Partition)
}

// saved takes a partition off those that are storing, and goes on with a stop
// that waits for the last of them.
func (d *Detector) saved(ctx actor.Context, number int32) {
	delete(d.saving, number)
	if d.stalled.stopping && len(d.saving) == 0 {
		d.stalled.stopping = false
		d.proceed(ctx)
	}
}

// stall tells whether intake is stopped because the disk has no room, or fails;
// then it takes the next step itself: a pause, and the end of the transaction in
// turn, for only that makes the session notice a revocation, and the partitions
// try again.
func (d *Detector) stall(ctx actor.Context, now time.Time) bool {
	problem := d.problem()
	if problem == nil {
		if !d.stalled.since.IsZero() {
			d.config.Log.Info("intake goes on", "stopped_for", now.Sub(d.stalled.since).String())
			d.stalled = stall{}
		}
		return false
	}
	if d.stalled.since.IsZero() {
		d.stalled.since = now
	}
	d.stalled.reason = pauseOf(problem)
	if now.Sub(d.stalled.told) >= summaryEvery {
		d.config.Log.Error("intake is stopped: the state cannot be stored", "problem", problem)
		d.stalled.told = now
	}
	if d.stalled.rested = !d.stalled.rested; d.stalled.rested {
		d.wait(ctx, stallPause)
	} else {
		d.endTransaction(ctx, true)
	}
	return true
}

// problem is why nothing more should be read. A disk that has no room may be
// given some; one that fails again and again needs somebody to look at it.
func (d *Detector) problem() error {
	if d.config.Store == nil {
		return nil
	}
	if err := d.config.Store.Room(); err != nil {
		return err
	}
	for _, partition := range d.partitions {
		if partition.unsaved >= attempts {
			d.result = partition.problem
			d.halt()
		}
		if partition.problem != nil {
			return partition.problem
		}
	}
	return nil
}
