package actors

import (
	"slices"
	"sync"
)

// Limiter lets so many partitions decode and score at the same time, of all detectors
// that share it: more than there are processors get no more done, and keep whoever
// asks a question waiting. Who came first has the first turn. nil: all may.
type Limiter struct {
	mu      sync.Mutex
	atOnce  int
	free    int // below zero while more have a turn than may have the next
	waiting []*permit
}

// NewLimiter has so many at the same time.
func NewLimiter(atOnce int) *Limiter { return &Limiter{atOnce: atOnce, free: atOnce} }

// Resize has so many from now on. Turns that have begun are not cut short.
func (t *Limiter) Resize(atOnce int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free += atOnce - t.atOnce
	t.atOnce = atOnce
	t.pass()
}

// permit is a partition's. It is asked for, begins with a call, and ends.
type permit struct {
	turns *Limiter
	begun func() // must not block
	has   bool   // guarded by the Turns
}

// ask wants the next turn, once until it ends. It may have begun when ask returns.
func (t *permit) ask() {
	if t.turns == nil {
		t.begun()
		return
	}
	t.turns.mu.Lock()
	defer t.turns.mu.Unlock()
	t.turns.waiting = append(t.turns.waiting, t)
	t.turns.pass()
}

// end gives the turn to the next one, or the wish for it up.
func (t *permit) end() {
	if t.turns == nil {
		return
	}
	t.turns.mu.Lock()
	defer t.turns.mu.Unlock()
	if t.has {
		t.has = false
		t.turns.free++
		t.turns.pass()
		return
	}
	t.turns.waiting = slices.DeleteFunc(t.turns.waiting, func(other *permit) bool { return other == t })
}

// pass gives out what is free.
func (t *Limiter) pass() {
	for ; t.free > 0 && len(t.waiting) > 0; t.free-- {
		next := t.waiting[0]
		t.waiting = t.waiting[1:]
		next.has = true
		next.begun()
	}
}
