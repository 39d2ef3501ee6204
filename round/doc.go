// Package round decides what a detector does next. It is pure: an event and the time go in, effects come out. It
// knows no actors, no Kafka, no store, no clock and no logger, so that its tests are transcripts of the protocol.
//
// A detector works in rounds: it polls a batch, lets each partition score its slice, and waits for all of them. If
// the commit interval is over, no more records come, or an anomaly was found at the end of the stream, it flushes the
// anomalies and ends the transaction. One step is under way at any time, so nothing is in flight when a transaction
// ends.
//
//	step        what is under way                            ends with               the next step
//	opening     a session with Kafka is opened               Opened                  polling, pausing; over after an error
//	polling     the session waits for records                Polled, Reconciled      scoring; without records flushing, ending, pausing or polling
//	scoring     the partitions score their slices            SliceDone, SliceFailed  polling, flushing; discarding if a slice failed
//	flushing    the broker acknowledges anomalies            Flushed                 ending
//	discarding  the producer takes what is on its way to it  Discarded               ending
//	ending      the transaction is committed or aborted      Ended, Reconciled       polling; pausing after a failed write, or if intake is stopped
//	pausing     nothing                                      Waited                  polling; ending, or pausing again, if intake is stopped
//	reopening   a failed session is closed, then a pause     Waited                  opening; over if the detector stops
//	storing     the partitions store the last checkpoints    Checkpointed, Gone      storing while one of them owes a checkpoint; closing
//	closing     the session is closed for good               Closed                  over
//	over        nothing, for good
//
// A session that fails while polling or ending is followed by reopening, or by closing if another session is of no
// use. Intake is stopped while the partitions cannot store their state. BreakOff leads from any step to over.
//
//	mode      what it changes                                               becomes
//	running   nothing                                                       draining or stopping (Stop), stopping (Fail)
//	draining  nothing: the detector goes on until its successors are ready  stopping (Drained, Fail)
//	stopping  instead of polling or pausing, the next step is flushing if records are uncommitted; else storing if checkpoints are owed or not answered; else closing
//
// Behind the stream (see backlog.go), partitions may postpone the checkpoint of a commit. When a poll finds nothing, and before a pause and the
// end, Store lets them write it; see storing.go.
//
// The detector's actor calls one method an event, runs the effects that it returns in their order, and calls the
// next method when an effect is answered. It answers Reconcile at once, after it has run the effects before it.
package round
