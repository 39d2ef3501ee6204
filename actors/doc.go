// Package actors says who does what: a detector for each configuration, its producer, a partition for each Kafka
// partition that this process has, an entity for each key. Data flows one way, from the detector through partition
// and entity to the producer; only answers come back.
//
// A state belongs to one actor, and one goroutine works with it. The package never opens connections or files and
// never reads the wall clock: it declares what it needs of stream where it uses it. What is subtle and needs no actor
// is in pure packages: detection scores, round decides what a detector does next, and standstill tells what it waits
// for in vain. Of the others it imports messages, datapoint, and the types of stream and persistence.
package actors
