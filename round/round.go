package round

import (
	"time"

	"anomalydetector/messages"
)

// Config is the pace of a detector.
type Config struct {
	CommitInterval time.Duration // how long a transaction stays open while records come
	WriteWithin    time.Duration // how long the anomalies of a transaction should take to be written, at most
	StopWithin     time.Duration // how long stopping may take; 0: for ever
	Backoff        time.Duration // the pause after the first failed write or session
	Batch          int           // records that a round takes, at most
	FailFast       bool          // the first session that fails ends the detector
	Stay           bool          // a clean stop does not leave the group
}

// Round is the state of a detector: the step under way, and the running transaction. Each method for an event returns
// the effects of that event. The detector's actor owns it, and uses it on one goroutine.
type Round struct {
	config  Config
	step    Step
	mode    Mode
	moves   int64     // grows when something under way is over
	stopped time.Time // when stopping began
	result  error     // what the detector ends with: the first failure that waiting does not cure

	transaction Transaction
	unanswered  map[int32]struct{}      // partitions that score a slice
	failed      []*messages.SliceFailed // slices of the running transaction
	saving      map[int32]struct{}      // partitions that were told of a commit, and have not answered
	owing       map[int32]struct{}      // partitions that have postponed a checkpoint

	size      size
	backlog   backlog
	committed time.Time     // when records were committed, the last time
	took      time.Duration // the last commit, with its flush
	writes    int           // that failed, in a row
	sessions  sessions
	stall     stall
}

const (
	// idleAfter is how long no record comes before the detector commits early. idleAtLeast is the shortest time
	// between two commits, for a stream with few records.
	idleAfter   = 10 * time.Millisecond
	idleAtLeast = 200 * time.Millisecond
	// newsAtLeast is the shortest time between two commits of what readers wait for, if the detector keeps up with the
	// stream. An alarm that comes later is committed at once. Behind the stream, larger transactions catch up sooner.
	newsAtLeast = 100 * time.Millisecond
	// newsShare limits what these commits cost, if each takes long: at most 1/newsShare of the time.
	newsShare = 5
	// idlePoll is how often the detector looks around while there are no records.
	idlePoll = time.Second

	// mostPauses of Backoff are made after a failed write, at most.
	mostPauses = 10
)

// New is a detector that has not begun.
func New(config Config) *Round {
	return &Round{config: config, mode: Running, size: size{room: mostRoom},
		backlog:    backlog{came: make(map[int32]time.Duration)},
		unanswered: make(map[int32]struct{}), saving: make(map[int32]struct{}), owing: make(map[int32]struct{})}
}

// Start opens the first session.
func (r *Round) Start() []Effect { return r.enter(Opening, Open{}) }

// Batch is what a poll has brought.
type Batch struct {
	Slices  []messages.Slice
	Changed bool // the assignment has changed since the last end of a transaction
}

// Polled says that records have come, or that none have in time.
func (r *Round) Polled(now time.Time, batch Batch, failure Failure) []Effect {
	r.expect("polled", Polling)
	r.backlog.polled(now)
	switch {
	case failure.Err != nil:
		return r.abandon(now, failure)
	case len(batch.Slices) > 0:
		if r.transaction.Empty() {
			r.transaction.Began = now
		}
		for i := range batch.Slices {
			r.transaction.Polled += len(batch.Slices[i].Records)
			r.unanswered[batch.Slices[i].Partition] = struct{}{}
		}
		r.backlog.take(batch.Slices)
		return r.enter(Scoring, Score{batch.Slices})
	case !r.transaction.Empty():
		return r.flush(now)
	case batch.Changed:
		// The client takes note of a changed assignment when a transaction ends. This one is empty, and a commit
		// of nothing makes the client pause for half a second.
		return append(r.collect(), r.enter(Ending, End{Commit: false})...)
	}
	clear(r.backlog.came)
	return append(r.collect(), Reconcile{})
}

// SliceDone says that a partition has scored its slice.
func (r *Round) SliceDone(now time.Time, done *messages.SliceDone) []Effect {
	if _, awaited := r.unanswered[done.Partition]; !awaited {
		return nil
	}
	r.transaction.add(done.Tally)
	return r.answered(now, done.Partition)
}

// SliceFailed says that a partition could not score its slice. The transaction is aborted when all have answered.
func (r *Round) SliceFailed(now time.Time, failed *messages.SliceFailed) []Effect {
	r.Paused(failed.Partition)
	if _, awaited := r.unanswered[failed.Partition]; !awaited {
		return nil
	}
	r.failed = append(r.failed, failed)
	return r.answered(now, failed.Partition)
}

// Gone says that a partition's actor is no more, and answers nothing of what it still owes.
func (r *Round) Gone(now time.Time, partition int32) []Effect {
	effects := r.Checkpointed(partition, false)
	return append(effects, r.SliceFailed(now, &messages.SliceFailed{Partition: partition, Reload: true})...)
}

// answered goes on when all partitions have answered.
func (r *Round) answered(now time.Time, partition int32) []Effect {
	delete(r.unanswered, partition)
	r.moves++
	switch {
	case len(r.unanswered) > 0:
		return nil
	case len(r.failed) > 0:
		r.transaction.Flushing = now
		return r.enter(Discarding, Discard{})
	}
	return r.next(now)
}

// Flushed says that all anomalies are written, with what they say, or why they could not be.
func (r *Round) Flushed(now time.Time, findings []messages.Finding, failure Failure) []Effect {
	r.expect("flushed", Flushing)
	ok := failure.Err == nil
	r.size.learn(r.transaction.written(), now.Sub(r.transaction.Flushing), r.config.WriteWithin, ok)
	switch {
	case ok || failure.Kind == Refused:
	case failure.Kind == Final:
		r.fail(now, failure.Err)
	default:
		r.writes++
	}
	r.transaction.Findings = findings
	return r.enter(Ending, End{Commit: ok})
}

// Discarded says that nothing of the transaction is on its way to the producer any more. What a slice that failed had written
// is not counted, so the size of transactions learns from what was polled, which is more.
func (r *Round) Discarded(now time.Time) []Effect {
	r.expect("discarded", Discarding)
	r.size.learn(r.transaction.Polled, now.Sub(r.transaction.Flushing), r.config.WriteWithin, false)
	return r.enter(Ending, End{Commit: false})
}

// Ended says how the transaction ended. A commit that was asked for is an abort if a partition was revoked meanwhile.
func (r *Round) Ended(now time.Time, committed bool, failure Failure) []Effect {
	r.expect("ended", Ending)
	if failure.Err != nil {
		return r.abandon(now, failure)
	}
	effects := []Effect{r.conclude(now, committed)}
	if len(r.failed) > 0 {
		effects = append(effects, Reload{r.failed})
		r.failed = nil
	}
	return append(effects, Reconcile{})
}

// Reconciled says that the partitions agree with what the group has assigned.
func (r *Round) Reconciled(now time.Time) []Effect {
	r.expect("reconciled", Polling, Ending)
	if r.step == Ending && r.writes > 0 && r.mode != Stopping {
		return r.pause(r.config.Backoff * time.Duration(min(r.writes, mostPauses)))
	}
	return r.next(now)
}

// Waited says that a pause is over.
func (r *Round) Waited(now time.Time) []Effect {
	r.expect("waited", Pausing, Reopening)
	switch {
	case r.step == Pausing:
		return r.next(now)
	case r.mode == Stopping:
		return r.finish()
	}
	return r.enter(Opening, Open{})
}

// next enters the next step. It is called when none is under way.
func (r *Round) next(now time.Time) []Effect {
	uncommitted, stopping := !r.transaction.Empty(), r.mode == Stopping
	news, ago := r.backlog.empty() && r.transaction.news() > 0, now.Sub(r.committed)
	pause := max(idleAfter, idleAtLeast-ago)
	if news {
		pause = min(pause, max(newsAtLeast, newsShare*r.took)-ago)
	}
	switch {
	case uncommitted && (stopping || r.transaction.written() >= r.size.room || now.Sub(r.transaction.Began) >= r.config.CommitInterval):
		return r.flush(now)
	case news && pause <= 0:
		return r.flush(now)
	case uncommitted:
		return r.poll(now, pause)
	case stopping:
		return r.store()
	}
	return r.intake(now)
}

func (r *Round) poll(now time.Time, patience time.Duration) []Effect {
	r.backlog.poll(now)
	return r.enter(Polling, Poll{patience, min(r.config.Batch, r.size.room)})
}

func (r *Round) flush(now time.Time) []Effect {
	r.transaction.Flushing = now
	return r.enter(Flushing, Flush{})
}

// conclude ends the transaction here, as the broker has ended it.
func (r *Round) conclude(now time.Time, committed bool) Effect {
	over := r.transaction
	r.transaction = Transaction{}
	if committed {
		r.writes, r.sessions.fences, r.size.slow = 0, 0, false
		if !over.Empty() {
			r.committed, r.took, r.sessions.failures = now, now.Sub(over.Flushing), 0
		}
	}
	more := committed && !over.Empty() && !r.backlog.empty() && r.mode == Running
	return Conclude{committed, more, over}
}
