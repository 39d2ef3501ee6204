package round

import "time"

// Step is what is under way.
func (r *Round) Step() Step { return r.step }

// Mode is whether the detector goes on.
func (r *Round) Mode() Mode { return r.mode }

// Moves grows whenever something under way is over.
func (r *Round) Moves() int64 { return r.moves }

// Result is the failure that the detector ends with; nil: none so far.
func (r *Round) Result() error { return r.result }

// Uncommitted tells whether records have been polled since the last commit.
func (r *Round) Uncommitted() bool { return !r.transaction.Empty() }

// Committed is when records were committed, the last time; zero: never.
func (r *Round) Committed() time.Time { return r.committed }
