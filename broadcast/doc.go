// Package broadcast hands each event to all watchers, and never makes the sender wait: a watcher that is too slow loses
// events, and counts them.
//
// It is a concurrent data structure with a lock of its own, and imports nothing of this module.
package broadcast
