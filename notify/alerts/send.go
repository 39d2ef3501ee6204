package alerts

import (
	"container/list"
	"time"
)

// Sending is an alert that is on its way to a target.
type Sending struct {
	Alert
	item    *item
	version int
}

// Next are at most n alerts to send to a target now: first those with news for it, then those that it has not heard of for
// Resend. If there are none, it tells how long to wait for the next one, unless Apply comes before.
func (s *Set) Next(to, n int, now time.Time) (batch []Sending, wait time.Duration) {
	s.sweep(now)
	wait = s.config.Resend
	if !s.live {
		return nil, wait
	}
	add := func(e *list.Element) {
		it := e.Value.(*item)
		batch = append(batch, Sending{it.Alert, it, it.version})
	}
	queues := s.targets[to]
	for e := queues.news.Front(); e != nil && len(batch) < n; e = e.Next() {
		add(e)
	}
	for e := queues.told.Front(); e != nil && len(batch) < n; e = e.Next() {
		if due := s.due(to, e).Sub(now); due > 0 {
			return batch, due
		}
		add(e)
	}
	return batch, wait
}

// due is when an item that a target was told of is to be told again.
func (s *Set) due(to int, e *list.Element) time.Time {
	return e.Value.(*item).places[to].told.Add(s.config.Resend)
}

// Sent says that a target has what Next gave. Without Sent, Next gives it again.
func (s *Set) Sent(to int, batch []Sending, now time.Time) {
	queues := s.targets[to]
	for _, sent := range batch {
		it := sent.item
		if it.gone || it.version != sent.version {
			continue // it has news again
		}
		p := &it.places[to]
		if p.news {
			queues.news.Remove(p.element)
			p.news, p.element = false, queues.told.PushBack(it)
		} else {
			queues.told.MoveToBack(p.element)
		}
		p.told = now
		if it.within == s.untold && it.known() {
			s.remove(it)
		}
	}
}

// Waiting is how many alerts are to be sent to a target now.
func (s *Set) Waiting(to int, now time.Time) int {
	if !s.live {
		return 0
	}
	queues := s.targets[to]
	count := queues.news.Len()
	for e := queues.told.Front(); e != nil && !s.due(to, e).After(now); e = e.Next() {
		count++
	}
	return count
}

// sweep removes what was resolved long ago.
func (s *Set) sweep(now time.Time) {
	for e := s.ended.Front(); e != nil; e = s.ended.Front() {
		it := e.Value.(*item)
		if now.Sub(it.ended) < s.config.Keep {
			break
		}
		if it.known() {
			s.remove(it)
		} else {
			it.enter(s.untold)
		}
	}
	for e := s.untold.Front(); e != nil; e = s.untold.Front() {
		it := e.Value.(*item)
		if now.Sub(it.ended) < s.config.KeepUntold {
			break
		}
		s.drop(it)
	}
}
