// Package standstill tells when a detector stands still: it waits for something, and for a bounded time nothing of
// that has moved. Each second the detector shows its Watch what it waits for and how far that is, and the Watch
// returns the lines to be logged.
//
//	pending without movement ──its limit is over──> stands still: told, then again after 30 s, 1 min, ... 10 min
//	stands still ──moves, or is not waited for any more──> over: told once, with how long it stood
//
// A detector that has nothing to read waits for nothing: an idle stream never stands still.
//
// The package is pure: it knows no clock, no client of Kafka, no actors and no logger. From package stream it takes
// the names of topics, and of what a client does when it meets an error.
package standstill
