// Package round decides what a detector does next. It is pure: an event and the time go in, effects come out. It
// knows no actors, no Kafka, no store, no clock and no logger, so that its tests are transcripts of the protocol.
//
// A detector works in rounds: it polls a batch, lets each partition score its slice, and waits for all of them. If
// the commit interval is over, or no more records come, it flushes the anomalies and ends the transaction. One step
// is under way at any time, so nothing is in flight when a transaction ends.
//
//	step        what is under way                               ends with               the next step
//	opening     a session with Kafka is opened                  Opened                  polling; over after an error
//	polling     the session waits for records                   Polled, Reconciled      scoring; without records flushing, ending, pausing or polling
//	scoring     the partitions score their slices               SliceDone, SliceFailed  polling or flushing; discarding if a slice failed
//	flushing    the broker acknowledges anomalies               Flushed                 ending
//	discarding  the producer takes what is on its way to it     Discarded               ending
//	ending      the transaction is committed or aborted         Ended, Reconciled       polling, or pausing after a failed write or for want of disk space
//	pausing     nothing                                         Waited                  polling; ending if intake is stopped
//	reopening   a failed session is closed, then a pause        Waited                  opening
//	storing     the partitions store the last checkpoints       Checkpointed, Gone      closing
//	closing     the session is closed for good                  Closed                  over
//	over        nothing, for good
//
// If the session fails while polling or ending, the next step is reopening, or closing if another session is of no
// use.
//
//	mode        what it changes                                               becomes
//	running     nothing                                                       draining or stopping (Stop, Fail)
//	draining    nothing: the detector goes on until its successors are ready  stopping (Drained, Fail)
//	stopping    no new records: what was read is committed, then storing and closing
//
// The detector's actor calls one method an event, runs the effects that it returns in their order, and calls the
// next method when an effect is answered. It answers Reconcile at once, after it has run the effects before it.
package round
