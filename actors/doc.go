// Package actors runs the detectors of a process, one for each configuration.
//
//	detector            owns the Kafka session: polls, hands out slices, commits or aborts
//	├─ producer         writes anomalies and dead letters into the running transaction
//	└─ partition        one for each Kafka partition: decodes records, routes them, stores checkpoints
//	   ├─ entity        one for each key: keeps its window, and scores its datapoints
//	   └─ directory     knows the names of the entities, so that people can search them
//
// Data flows one way: from Kafka through detector, partition and entity to the producer, and back to Kafka. Only answers
// flow against it. The state of an actor belongs to one goroutine. There is no mutex: goroutines share atomic values, and
// values that are immutable once they are sent.
//
// The package opens no connections and no files, and never reads the wall clock: Config brings the session, the store and
// the clock. What is subtle and needs no actor is in pure packages: detection scores, completeness knows which windows are
// complete, round decides what a detector does next, and standstill notices what it waits for in vain. Besides these the
// package imports messages, datapoint, limiter, broadcast and prefetch, and types of stream and persistence.
//
// # Where to start
//
// A newcomer reads the files in this order.
//
// The detector, from its round to its end:
//
//	config.go               what a detector needs, and the interfaces that other packages implement
//	detector.go             the actor: the messages that it takes, and its state
//	detector_round.go       messages become events of the round, effects of the round become calls
//	detector_steps.go       the steps that wait for the broker, each on a goroutine
//	detector_conclude.go    the end of a transaction
//	detector_partitions.go  partitions, from the assignment until they are ready
//	tracked.go, extent.go   what the detector knows of a partition: its phase, its offsets
//	detector_standby.go     partitions that another node scores
//	stall.go                intake stops while checkpoints fail
//	detector_stop.go        the end, and the wait for successors before it
//
// What a detector tells about itself:
//
//	detector_watch.go, detector_pending.go, detector_look.go    standstills
//	status.go, report.go, summary.go, counts.go, hub.go         status, metrics, log, watchers
//
// The partition, from its assignment to a checkpoint:
//
//	partition.go, phase.go  the actor, and the phases of its life
//	assign.go               an assignment begins
//	import.go               windows of another node
//	replay.go               history from the topic
//	bring_episodes.go       the state of its episodes, from memory, the store or the episodes topic
//	work.go                 the queue of slices and history, which waits for the limiter
//	score.go, tally.go      a slice
//	ahead.go                what is known of records before they are scored
//	episodes.go             what of it matters for episodes, and their records
//	cached.go               the entities in memory
//	commit.go               the transaction ends
//	checkpoint.go           plan, write, settle
//	postpone.go             a commit whose checkpoint waits, while the detector is behind the stream
//	store.go, source.go     stored windows, and which of them can be used
//	sweep.go                entities without points are dropped
//	limited_log.go          lines that must not fill the log
//
// The entity and the producer:
//
//	entity.go, deliver.go                           a window, and how a message gets to it
//	habit.go                                        a state of the method habit in place of the window
//	records.go, explain.go                          the bytes and headers of an anomaly and of a dead letter
//	producer.go                                     the writer
//	refused.go, refused_detector.go                 records that a topic refuses for good
//
// Questions from other packages:
//
//	ask.go, reply.go                                status and entities
//	ask_entities.go, directory.go                   searches by name
//	names.go, changes.go, listing.go                the names, their changes, and the keys on disk
//
// Panics:
//
//	fault.go, falls.go                              how a panic is caught, and how many are too many
package actors
