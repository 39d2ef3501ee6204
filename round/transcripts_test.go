package round

// transcripts teach the protocol of a detector. A line is an event, an arrow, and the effects. A duration in front is
// how much later the event comes. Each transcript begins when a session has been opened. The commit interval is 1 s,
// a transaction should be written within 5 s, and the backoff is 2 s.
var transcripts = []struct {
	name   string
	config func(*Config)
	text   string
}{
	{name: "an idle stream", text: `
		1s: polled nothing          -> reconcile
		reconciled                  -> poll 1s
		1s: polled nothing          -> reconcile
		reconciled                  -> poll 1s
	`},
	{name: "the assignment changes", text: `
		polled nothing, assignment changed -> end with an abort
		ended aborted               -> conclude aborted nothing, reconcile
		reconciled                  -> poll 1s
	`},
	{name: "a few records are committed at once if no more come", text: `
		polled p0 p1, the last      -> score p0 p1
		done p0                     ->
		done p1                     -> poll 10ms
		10ms: polled nothing        -> flush
		5ms: flushed                -> end with a commit
		5ms: ended committed        -> conclude committed, reconcile
		saving p0 p1                ->
		reconciled                  -> poll 1s
		checkpointed p1             ->
		checkpointed p0             ->
	`},
	{name: "a stream that trickles is committed five times a second", text: `
		polled p0, the last         -> score p0
		done p0                     -> poll 10ms
		10ms: polled nothing        -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, reconcile
		reconciled                  -> poll 1s
		50ms: polled p0, the last   -> score p0
		done p0                     -> poll 150ms
		150ms: polled nothing       -> flush
	`},
	{name: "an alarm at the end of the stream is committed at once, and at most ten times a second", text: `
		polled p0 p1, the last      -> score p0 p1
		done p0 with 1 anomalies    ->
		done p1                     -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, reconcile
		reconciled                  -> poll 1s
		40ms: polled p0, the last   -> score p0
		done p0 with 1 anomalies    -> poll 60ms
		20ms: polled p1, the last   -> score p1
		done p1                     -> poll 40ms
		40ms: polled nothing        -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, reconcile
		reconciled                  -> poll 1s
		40ms: polled p0, the last   -> score p0
		done p0                     -> poll 160ms
		59ms: polled p0, the last   -> score p0
		done p0 with 1 anomalies    -> poll 1ms
		polled p0                   -> score p0
		1ms: done p0                -> poll 100ms
		polled p0, the last         -> score p0
		done p0                     -> flush
	`},
	{name: "if a commit takes long, alarms wait until it is a fifth of the time", text: `
		polled p0, the last         -> score p0
		done p0 with 1 anomalies    -> flush
		20ms: flushed               -> end with a commit
		10ms: ended committed       -> conclude committed, reconcile
		reconciled                  -> poll 1s
		120ms: polled p0, the last  -> score p0
		done p0 with 1 anomalies    -> poll 30ms
		29ms: polled p0, the last   -> score p0
		done p0                     -> poll 1ms
		1ms: polled p0, the last    -> score p0
		done p0                     -> flush
	`},
	{name: "the commit interval is over while records come", text: `
		polled p0                   -> score p0
		600ms: done p0              -> poll 10ms
		polled p0                   -> score p0
		399ms: done p0              -> poll 10ms
		polled p0                   -> score p0
		1ms: done p0                -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, more to come, reconcile
		reconciled                  -> poll 1s
	`},
	{name: "behind the stream partitions may postpone checkpoints; they store when no more records come", text: `
		polled p0 p1                -> score p0 p1
		done p0                     ->
		1s: done p1                 -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, more to come, reconcile
		saving p0 p1                ->
		reconciled                  -> poll 1s
		postponed p1                ->
		checkpointed p0             ->
		1s: polled nothing          -> store p1, reconcile
		reconciled                  -> poll 1s
		checkpointed p1             ->
		1s: polled nothing          -> reconcile
	`},
	{name: "a partition that has scored again stores with the next commit", text: `
		polled p0 p1                -> score p0 p1
		done p0                     ->
		1s: done p1                 -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, more to come, reconcile
		saving p0 p1                ->
		reconciled                  -> poll 1s
		postponed p0                ->
		postponed p1                ->
		polled p0 p1, the last      -> score p0 p1
		done p0                     ->
		done p1                     -> poll 200ms
		200ms: polled nothing       -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, reconcile
		saving p0 p1                ->
		reconciled                  -> poll 1s
		1s: polled nothing          -> reconcile
	`},
	{name: "the last records of one partition are not the end of the stream while another one has more", text: `
		polled p0 p1                -> score p0 p1
		done p0 with 1 anomalies    ->
		done p1                     -> poll 10ms
		polled p0, the last         -> score p0
		1s: done p0                 -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, more to come, reconcile
		saving p0 p1                ->
		reconciled                  -> poll 1s
		postponed p0                ->
		postponed p1                ->
		polled p1, the last         -> score p1
		100ms: done p1 with 1 anomalies -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, reconcile
	`},
	{name: "records that do not come for ten seconds keep no other partition behind", text: `
		polled p0 p1                -> score p0 p1
		done p0                     ->
		done p1                     -> poll 10ms
		9s: polled p0, the last     -> score p0
		done p0 with 1 anomalies    -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, more to come, reconcile
		reconciled                  -> poll 1s
		990ms: polled p0, the last  -> score p0
		done p0 with 1 anomalies    -> poll 10ms
		10ms: polled p0, the last   -> score p0
		done p0 with 1 anomalies    -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, reconcile
	`},
	{name: "time in which the detector does not poll is no wait for records", text: `
		polled p0 p1                -> score p0 p1
		done p0                     ->
		1s: done p1                 -> flush
		5s: flushed                 -> end with a commit
		ended committed             -> conclude committed, more to come, reconcile
		reconciled                  -> poll 1s
		polled p0, the last         -> score p0
		9s: done p0                 -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, more to come, reconcile
		reconciled                  -> poll 1s
	`},
	{name: "a partition that is read no more has no more to come", text: `
		polled p0 p1                -> score p0 p1
		done p0                     ->
		done p1                     -> poll 10ms
		gone p1                     ->
		polled p0, the last         -> score p0
		1s: done p0                 -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, reconcile
	`},
	{name: "what is postponed is stored before a revocation is noticed", text: `
		polled p0                   -> score p0
		1s: done p0                 -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, more to come, reconcile
		saving p0                   ->
		reconciled                  -> poll 1s
		postponed p0                ->
		polled nothing, assignment changed -> store p0, end with an abort
	`},
	{name: "what is postponed is stored in an outage, when nothing is scored", text: `
		polled p0 p1                -> score p0 p1
		done p0                     ->
		1s: done p1                 -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, more to come, reconcile
		saving p0 p1                ->
		reconciled                  -> poll 1s
		postponed p0                ->
		poll failed                 -> conclude aborted nothing, store p0, unassign all, reopen in 2s
		postponed p1                -> store p1
		2s: waited                  -> open
	`},
	{name: "what is postponed is stored before a pause, and without what was aborted", text: `
		polled p0                   -> score p0
		1s: done p0                 -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, more to come, reconcile
		saving p0                   ->
		reconciled                  -> poll 1s
		postponed p0                ->
		polled p0                   -> score p0
		done p0                     -> poll 200ms
		polled nothing              -> flush
		flush failed                -> end with an abort
		ended aborted               -> conclude aborted, reconcile
		reconciled                  -> store p0, pause 2s
	`},
	{name: "stop while a partition owes a checkpoint, and another one has not answered", text: `
		polled p0 p1                -> score p0 p1
		done p0                     ->
		1s: done p1                 -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, more to come, reconcile
		saving p0 p1                ->
		reconciled                  -> poll 1s
		postponed p0                ->
		stop                        -> cut
		polled nothing              -> store p0, reconcile
		reconciled                  ->
		postponed p1                -> store p1
		checkpointed p0             ->
		checkpointed p1             -> close and leave
	`},
	{name: "while the detector drains nothing is postponed", text: `
		stop with successors        -> drain
		polled p0                   -> score p0
		1s: done p0                 -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, reconcile
	`},
	{name: "a transaction is as large as the broker can take in time", text: `
		polled p0                   -> score p0
		done p0 with 400 anomalies  -> poll 10ms
		polled nothing              -> flush
		20s: flushed                -> end with a commit
		ended committed             -> conclude committed, more to come, reconcile
		reconciled                  -> poll 1s for 50 records
		polled p0                   -> score p0
		done p0 with 49 anomalies   -> poll 200ms for 50 records
		polled p0                   -> score p0
		done p0 with 1 anomalies    -> flush
	`},
	{name: "a transaction that is given up only after its timeout was too large, and is no other producer's work", text: `
		polled p0                   -> score p0
		reload p0                   -> discard
		20s: discarded              -> end with an abort
		end fenced                  -> conclude aborted, unassign all, reopen in 2s
		2s: waited                  -> open
		opened                      -> poll 1s for 75 records
	`},
	{name: "a topic refuses a record, which the next attempt leaves out", text: `
		polled p0                   -> score p0
		done p0 with 1 anomalies    -> poll 10ms
		polled nothing              -> flush
		flush refused               -> end with an abort
		ended aborted               -> conclude aborted, reconcile
		reconciled                  -> poll 1s
	`},
	{name: "a topic refuses records and does not say which", text: `
		polled p0                   -> score p0
		done p0 with 2 anomalies    -> poll 10ms
		polled nothing              -> flush
		flush failed for good       -> end with an abort
		ended aborted               -> conclude aborted, reconcile
		reconciled                  -> close and stay
		closed                      -> finish: failed for good
	`},
	{name: "writes fail, with growing pauses until one succeeds", text: `
		polled p0, the last         -> score p0
		done p0                     -> poll 10ms
		polled nothing              -> flush
		flush failed                -> end with an abort
		ended aborted               -> conclude aborted, reconcile
		reconciled                  -> pause 2s
		2s: waited                  -> poll 1s
		polled p0, the last         -> score p0
		done p0                     -> poll 10ms
		polled nothing              -> flush
		flush failed                -> end with an abort
		ended aborted               -> conclude aborted, reconcile
		reconciled                  -> pause 4s
		4s: waited                  -> poll 1s
		polled p0, the last         -> score p0
		done p0                     -> poll 10ms
		polled nothing              -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, reconcile
		reconciled                  -> poll 1s
	`},
	{name: "a slice needs older history", text: `
		polled p0 p1                -> score p0 p1
		reload p1                   ->
		done p0                     -> discard
		discarded                   -> end with an abort
		ended aborted               -> conclude aborted, reload p1, reconcile
		reconciled                  -> poll 1s
	`},
	{name: "a partition panics while it scores", text: `
		polled p0 p1                -> score p0 p1
		done p0                     ->
		gone p1                     -> discard
		discarded                   -> end with an abort
		ended aborted               -> conclude aborted, reload p1, reconcile
		reconciled                  -> poll 1s
	`},
	{name: "a partition is revoked before the commit", text: `
		polled p0                   -> score p0
		done p0                     -> poll 10ms
		polled nothing              -> flush
		flushed                     -> end with a commit
		ended aborted               -> conclude aborted, reconcile
		reconciled                  -> poll 1s
	`},
	{name: "the session fails again and again while it polls", text: `
		poll failed                 -> conclude aborted nothing, unassign all, reopen in 2s
		2s: waited                  -> open
		opened                      -> poll 1s
		polled p0                   -> score p0
		done p0                     -> poll 10ms
		poll failed                 -> conclude aborted, unassign all, reopen in 4s
		4s: waited                  -> open
		opened                      -> poll 1s
		1m0s: poll failed           -> conclude aborted nothing, unassign all, reopen in 2s
	`},
	{name: "the outcome of a commit is unknown: the next session learns it", text: `
		polled p0                   -> score p0
		done p0                     -> poll 10ms
		polled nothing              -> flush
		flushed                     -> end with a commit
		end failed                  -> conclude aborted, unassign all, reopen in 2s
		2s: waited                  -> open
		opened                      -> poll 1s
	`},
	{name: "another process has taken over the membership", text: `
		poll failed for good        -> conclude aborted nothing, unassign all, close and stay
		closed                      -> finish: failed for good
	`},
	{name: "another producer fences three sessions in a row", text: `
		poll fenced                 -> conclude aborted nothing, unassign all, reopen in 2s
		waited                      -> open
		opened                      -> poll 1s
		poll fenced                 -> conclude aborted nothing, unassign all, reopen in 4s
		waited                      -> open
		opened                      -> poll 1s
		poll fenced                 -> conclude aborted nothing, unassign all, close and stay
		closed                      -> finish: fenced
	`},
	{name: "the broker fences transactions that take too long, which is no other producer", text: `
		polled p0                   -> score p0
		done p0 with 16 anomalies   -> poll 10ms
		polled nothing              -> flush
		20s: flush failed           -> end with an abort
		end fenced                  -> conclude aborted, unassign all, reopen in 2s
		waited                      -> open
		opened                      -> poll 1s for 8 records
		poll fenced                 -> conclude aborted nothing, unassign all, reopen in 4s
		waited                      -> open
		opened                      -> poll 1s for 8 records
		poll fenced                 -> conclude aborted nothing, unassign all, reopen in 8s
	`},
	{name: "the first failure ends a detector that is to fail fast", config: func(c *Config) { c.FailFast = true }, text: `
		poll failed                 -> conclude aborted nothing, unassign all, close and stay
		closed                      -> finish: failed
	`},
	{name: "no session can be opened", text: `
		poll failed                 -> conclude aborted nothing, unassign all, reopen in 2s
		waited                      -> open
		open failed                 -> finish: failed
	`},
	{name: "stop while there is nothing to do", text: `
		stop                        -> cut
		polled nothing              -> reconcile
		reconciled                  -> close and leave
		closed                      -> finish
	`},
	{name: "stop of a detector that is to keep its partitions", config: func(c *Config) { c.Stay = true }, text: `
		stop                        -> cut
		polled nothing              -> reconcile
		reconciled                  -> close and stay
		closed                      -> finish
	`},
	{name: "stop while the partitions score: what was read is committed, and stored", text: `
		polled p0 p1                -> score p0 p1
		done p0                     ->
		stop                        ->
		done p1                     -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, reconcile
		saving p0 p1                ->
		reconciled                  ->
		checkpointed p1             ->
		checkpointed p0             -> close and leave
		closed                      -> finish
	`},
	{name: "a partition dies while a stop waits for its checkpoint", text: `
		polled p0                   -> score p0
		stop                        ->
		done p0                     -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, reconcile
		saving p0                   ->
		reconciled                  ->
		gone p0                     -> close and leave
	`},
	{name: "stop while a transaction cannot be written", text: `
		polled p0                   -> score p0
		stop                        ->
		done p0                     -> flush
		flush failed                -> end with an abort
		ended aborted               -> conclude aborted, reconcile
		reconciled                  -> close and leave
	`},
	{name: "the last commit fails", text: `
		polled p0                   -> score p0
		stop                        ->
		done p0                     -> flush
		flushed                     -> end with a commit
		end failed                  -> conclude aborted, unassign all, close and leave uncommitted
		closed                      -> finish
	`},
	{name: "stop while there is no session", text: `
		poll failed                 -> conclude aborted nothing, unassign all, reopen in 2s
		stop                        -> cut
		waited                      -> finish
	`},
	{name: "stop while a session is opened", text: `
		poll failed                 -> conclude aborted nothing, unassign all, reopen in 2s
		waited                      -> open
		stop                        -> cut
		open failed                 -> finish
	`},
	{name: "stop with successors: the detector goes on until they are ready", text: `
		stop with successors        -> drain
		polled p0                   -> score p0
		stop                        ->
		done p0                     -> poll 10ms
		drained                     -> cut
		polled nothing              -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, reconcile
		reconciled                  -> close and leave
	`},
	{name: "a second stop hurries the first", text: `
		stop with successors        -> drain
		stop at once                -> hurry
		drained                     -> cut
		stop at once                ->
		polled nothing              -> reconcile
		reconciled                  -> close and leave
	`},
	{name: "stop at once does not wait for successors", text: `
		stop at once with successors -> cut
		polled nothing              -> reconcile
		reconciled                  -> close and leave
	`},
	{name: "a failure that waiting does not cure keeps the partitions for a restart", text: `
		polled p0                   -> score p0
		fail                        ->
		done p0                     -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, reconcile
		reconciled                  -> close and stay
		closed                      -> finish: failed
	`},
	{name: "a stop that takes too long is broken off", text: `
		polled p0                   -> score p0
		stop                        ->
		done p0                     -> flush
		29s: overdue no             ->
		1s: overdue yes             ->
		break off                   -> finish at once: broken
		break off                   ->
	`},
	{name: "the disk has no room: intake stops, and goes on by itself", text: `
		store: disk full            ->
		polled nothing              -> reconcile
		reconciled                  -> stop intake: disk full, pause 1s
		1s: waited                  -> end with a commit
		ended committed             -> conclude committed nothing, reconcile
		reconciled                  -> pause 1s
		1s: waited                  -> end with a commit
		ended committed             -> conclude committed nothing, reconcile
		58s: reconciled             -> stop intake: disk full, pause 1s
		store: ok                   ->
		1s: waited                  -> resume intake after 1m1s, poll 1s
		1s: polled nothing          -> reconcile
		reconciled                  -> poll 1s
	`},
	{name: "what was read is committed although the disk has no room", text: `
		polled p0, the last         -> score p0
		store: disk full            ->
		done p0                     -> poll 10ms
		polled nothing              -> flush
		flushed                     -> end with a commit
		ended committed             -> conclude committed, reconcile
		reconciled                  -> stop intake: disk full, pause 1s
	`},
	{name: "stop while intake is stopped", text: `
		store: disk full            ->
		polled nothing              -> reconcile
		reconciled                  -> stop intake: disk full, pause 1s
		stop                        -> cut
		waited                      -> close and leave
	`},
	{name: "the store fails again and again", text: `
		store: disk broken, hopeless ->
		polled nothing              -> reconcile
		saving p0                   ->
		reconciled                  ->
		checkpointed p0             -> close and stay
		closed                      -> finish: disk broken
	`},
}
