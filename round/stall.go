package round

import "time"

// stall is the stop of intake while the partitions cannot store their state: the disk has no room, or fails. The
// detector polls nothing, so that little has to be read again after a crash, and goes on by itself. Kafka has what
// was committed, so nothing is lost meanwhile.
type stall struct {
	problem  error     // as the store and the partitions are; nil: they can store
	hopeless bool      // the problem has come too often to go away by itself
	since    time.Time // when intake stopped; zero: it goes on
	told     time.Time
	paused   bool // a pause has been made, so the transaction is ended next
}

const (
	// stallPause is how often the detector looks whether the partitions can store their state again.
	stallPause = time.Second
	// tellStallEvery is how often it says that intake is stopped.
	tellStallEvery = time.Minute
)

// StoreIs says whether the partitions can store their state: nil, or the problem, which is hopeless if it does not
// go away by itself. It has to be called before Opened, Reconciled and Waited.
func (r *Round) StoreIs(problem error, hopeless bool) {
	r.stall.problem, r.stall.hopeless = problem, hopeless
}

// Stall is why intake is stopped; nil: it goes on.
func (r *Round) Stall() error {
	if r.stall.since.IsZero() {
		return nil
	}
	return r.stall.problem
}

// intake begins to poll when no record is uncommitted. While intake is stopped, it alternates between a pause and
// the end of an empty transaction: only an end makes the session notice a revocation, and makes the partitions try
// again to store their state.
func (r *Round) intake(now time.Time) (effects []Effect) {
	s := &r.stall
	if s.problem == nil {
		if !s.since.IsZero() {
			effects = append(effects, ResumeIntake{now.Sub(s.since)})
			*s = stall{}
		}
		return append(effects, r.poll(now, idlePoll)...)
	}
	if s.hopeless {
		r.fail(now, s.problem)
		return r.next(now)
	}
	if s.since.IsZero() {
		s.since = now
	}
	if now.Sub(s.told) >= tellStallEvery {
		s.told = now
		effects = append(effects, StopIntake{s.problem})
	}
	if s.paused = !s.paused; s.paused {
		return append(effects, r.pause(stallPause)...)
	}
	return append(effects, r.enter(Ending, End{Commit: true})...)
}
