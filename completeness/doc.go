// Package completeness knows which windows of a partition are complete: equal to those of one run that was
// never interrupted and remembers everything.
//
// A partition remembers less than that. It reads the topic again from some offset on, and it drops entities
// that have been away for long. A Tracker keeps the few times that tell whether a point needs any of what is
// missing. It decides no verdict, and holds no window.
//
// All times are Unix milliseconds, and all lengths of time milliseconds. The package never reads a clock, logs
// or does I/O, and imports nothing of ours: the same calls give the same answers.
//
// Read in this order: tracker.go (the questions about windows), sweep.go (which entities may be dropped), clock.go
// (stream time), lateness.go (how late records are).
package completeness
