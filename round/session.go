package round

import "time"

// Failure is why something did not work. The zero value is none.
type Failure struct {
	Err  error
	Kind Kind
}

// Kind tells whether another attempt can cure a failure.
type Kind int

const (
	Passing Kind = iota // another attempt may work
	Refused             // topics refuse some of the records; another attempt leaves them out
	Fenced              // another producer has our transactional id, or the broker aborted a transaction that took too long
	Final               // another attempt is of no use
)

// sessions is how sessions fared.
type sessions struct {
	began    time.Time // when the running one was opened
	failures int       // in a row
	fences   int       // that were lost to another producer since the last commit
}

const (
	// mostFences is how many sessions in a row may be lost to another producer.
	mostFences = 3
	// mostDoublings of Backoff are made after sessions that failed in a row, at most.
	mostDoublings = 4
	// goodSession: a session that lasted this long did not fail like the one before.
	goodSession = time.Minute
)

// Opened says that there is a session, or that there will not be one.
func (r *Round) Opened(now time.Time, err error) []Effect {
	r.expect("opened", Opening)
	if err != nil {
		if r.mode != Stopping {
			r.note(err)
		}
		return r.finish()
	}
	r.sessions.began = now
	return r.next(now)
}

// Closed says that the session is closed for good.
func (r *Round) Closed() []Effect {
	r.expect("closed", Closing)
	return r.finish()
}

// abandon gives up a session. Whether its transaction was committed is not known: the next session learns it from
// the broker, with the offsets to go on from.
func (r *Round) abandon(now time.Time, failure Failure) []Effect {
	effects := append([]Effect{r.conclude(now, false)}, r.collect()...)
	clear(r.backlog.came)
	effects = append(effects, Unassign{})
	r.failed = nil
	if failure.Kind == Fenced && !r.size.slow { // else the broker may have aborted the transaction for its length
		r.sessions.fences++
	}
	r.size.slow = false
	switch {
	case failure.Kind == Final, r.sessions.fences >= mostFences, r.config.FailFast:
		r.fail(now, failure.Err)
		return append(effects, r.close(nil)...)
	case r.mode == Stopping:
		return append(effects, r.close(failure.Err)...)
	}
	if now.Sub(r.sessions.began) >= goodSession {
		r.sessions.failures = 0
	}
	pause := r.config.Backoff << min(r.sessions.failures, mostDoublings)
	r.sessions.failures++
	return append(effects, r.enter(Reopening, Reopen{failure.Err, r.sessions.failures, pause})...)
}

// close closes the session for good. After a failure it does not leave the group: a restart may cure the failure, and then still has its partitions.
func (r *Round) close(uncommitted error) []Effect {
	return r.enter(Closing, Close{Leave: r.result == nil && !r.config.Stay, Uncommitted: uncommitted})
}

func (r *Round) finish() []Effect { return r.enter(Over, Finish{Err: r.result}) }
