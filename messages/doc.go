// Package messages has what the actors say to each other, and what nodes say to each other.
//
// A message between actors (messages.go) is a noun, or an event in the past tense. It carries all that its receiver needs,
// and is immutable once it is sent, unless its comment says otherwise. The messages are grouped by sender and receiver.
// phases.go has the names for the phases of partitions and the states of detectors. remote.go and entities.go have the
// JSON that nodes exchange and the web API shows.
//
// The package has no actors, no I/O and no clock. Of this module it imports the value types of detection and episode only.
package messages
