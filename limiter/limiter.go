package limiter

import (
	"slices"
	"sync"
)

// Limiter gives out permits, at most a number of them at the same time. nil gives out any
// number at once.
type Limiter struct {
	mu      sync.Mutex
	atOnce  int
	free    int // below zero while more permits are out than there should be
	waiting []*Permit
}

// New gives out at most atOnce permits at the same time.
func New(atOnce int) *Limiter { return &Limiter{atOnce: atOnce, free: atOnce} }

// Resize changes how many permits may be out. It takes none back.
func (l *Limiter) Resize(atOnce int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free += atOnce - l.atOnce
	l.atOnce = atOnce
	l.pass()
}

// Permit belongs to one worker, which asks for it, works when Begun is called, and ends it.
type Permit struct {
	Limiter *Limiter
	Begun   func() // called by any goroutine; must neither block nor use the limiter
	has     bool   // guarded by the limiter
}

// Ask queues for the permit, once until it is ended. Begun may be called before Ask returns.
func (p *Permit) Ask() {
	if p.Limiter == nil {
		p.Begun()
		return
	}
	p.Limiter.mu.Lock()
	defer p.Limiter.mu.Unlock()
	p.Limiter.waiting = append(p.Limiter.waiting, p)
	p.Limiter.pass()
}

// End gives the permit back, or leaves the queue.
func (p *Permit) End() {
	l := p.Limiter
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.has {
		p.has = false
		l.free++
		l.pass()
		return
	}
	l.waiting = slices.DeleteFunc(l.waiting, func(other *Permit) bool { return other == p })
}

// pass gives out what is free.
func (l *Limiter) pass() {
	for ; l.free > 0 && len(l.waiting) > 0; l.free-- {
		next := l.waiting[0]
		l.waiting = l.waiting[1:]
		next.has = true
		next.Begun()
	}
}
