// Package detection decides whether a datapoint lies too far out: it keeps the last hours of one
// entity's values (a Window) and scores each new value against them (a Verdict), bit-identical to
// Python's statistics.median and statistics.mean over the same float64 values.
//
// It never reads a clock, logs, does I/O, starts a goroutine or knows of actors, Kafka or storage:
// the same calls give the same verdicts. It imports the standard library only.
//
// Read in this order: rules.go (the settings as limits), window.go (the way of one point), score.go
// (the decision), then what they stand on: ring.go (arrival order and rollback), sorted.go (the
// median and the median deviation), spread.go (the mean deviation within a provable error), exact.go
// (the mean deviation to the last bit).
package detection
