package alerts

import (
	"container/list"
	"time"
)

// Config are the bounds of a Set.
type Config struct {
	Targets int           // how many Alertmanagers there are
	Resend  time.Duration // how long an Alertmanager goes without hearing of an alert again
	Most    int           // how many alerts are held
	// Keep is how long a resolved alert is sent. If an Alertmanager is away, it is kept for it for KeepUntold.
	Keep, KeepUntold time.Duration
}

// Set are the alerts of one detector.
type Set struct {
	config  Config
	live    bool // the end of the topic has been reached: what is held is the present state
	items   map[key]*item
	targets []*target
	ended   *list.List // resolved items within Keep, the oldest first
	untold  *list.List // resolved items after Keep that a target does not know to be resolved
	refused int64      // events that found no room
}

// item is an alert that is held. It is in one queue of each target. If it is resolved, it is in ended or untold, too.
type item struct {
	Alert
	version int       // counts its changes
	ended   time.Time // when its end was learnt
	within  *list.List
	element *list.Element // in within; nil while it is open
	places  []place       // by target
	gone    bool          // it is not held any more
}

// place is where an item waits for a target.
type place struct {
	element *list.Element
	news    bool      // the target does not know the latest change
	told    time.Time // when the target was told last; zero: never
}

// target is an Alertmanager.
type target struct {
	news, told *list.List // of items; told is in the order of the times
	dropped    int64
}

// NewSet makes an empty Set.
func NewSet(config Config) *Set {
	s := &Set{config: config}
	for range config.Targets {
		s.targets = append(s.targets, &target{})
	}
	s.Clear()
	return s
}

// Clear forgets all alerts. What comes until Live is called is history.
func (s *Set) Clear() {
	for _, it := range s.items {
		it.gone = true
	}
	s.live, s.items, s.ended, s.untold = false, make(map[key]*item), list.New(), list.New()
	for _, to := range s.targets {
		to.news, to.told = list.New(), list.New()
	}
}

// Live says that what is held is the present state. Before that nothing is sent.
func (s *Set) Live(now time.Time) {
	if s.live {
		return
	}
	s.live = true
	for _, it := range s.items {
		if it.Resolved && now.Sub(it.ended) >= s.config.Keep {
			s.remove(it)
		}
	}
}

// Len is how many alerts are held.
func (s *Set) Len() int { return len(s.items) }

// Refused counts events that found no room.
func (s *Set) Refused() int64 { return s.refused }

// Dropped counts resolutions that a target was never told of.
func (s *Set) Dropped(to int) int64 { return s.targets[to].dropped }

// Apply takes an event of an episode. Events of an entity come in their order.
func (s *Set) Apply(a Alert, now time.Time) {
	if a.Resolved {
		s.resolve(a, now)
		return
	}
	// The direction is that of the peak, and it is a label. If it turns, the alert with the former one has ended.
	for _, other := range directions {
		if it := s.items[a.key().toward(other)]; other != a.Direction && it != nil && !it.Resolved {
			former := it.Alert
			former.Resolved, former.ResolvedAt = true, a.At
			s.end(it, former, now)
		}
	}
	it := s.items[a.key()]
	if it == nil {
		if it = s.add(a.key()); it == nil {
			return
		}
	}
	it.leave()
	it.Alert = a
	s.note(it)
}

// resolve ends the open alerts of an episode. An open alert of a later episode goes on.
func (s *Set) resolve(a Alert, now time.Time) {
	found := false
	for _, direction := range directions {
		it := s.items[a.key().toward(direction)]
		if it == nil {
			continue
		}
		found = true
		if !it.Resolved && it.ID == a.ID {
			told := a
			told.Direction = direction
			s.end(it, told, now)
		}
	}
	if found || s.live {
		return
	}
	// It was resolved before the start. The process that was here before may not have told it.
	if now.Sub(time.UnixMilli(a.ResolvedAt)) >= s.config.Keep {
		return
	}
	if it := s.add(a.key()); it != nil {
		s.end(it, a, now)
	}
}

// end makes an item resolved. If that is history, and long ago, the item is not held any more.
func (s *Set) end(it *item, a Alert, now time.Time) {
	it.ended = now
	if at := time.UnixMilli(a.ResolvedAt); !s.live && at.Before(now) {
		it.ended = at
	}
	if now.Sub(it.ended) >= s.config.Keep {
		s.remove(it)
		return
	}
	it.Alert = a
	it.enter(s.ended)
	s.note(it)
}

// note says that each target has to be told of an item.
func (s *Set) note(it *item) {
	it.version++
	for i, to := range s.targets {
		if p := &it.places[i]; !p.news {
			if p.element != nil {
				to.told.Remove(p.element)
			}
			p.news, p.element = true, to.news.PushBack(it)
		}
	}
}

// add makes room for an item; nil: there is none. Resolved alerts make room for open ones.
func (s *Set) add(k key) *item {
	if len(s.items) >= s.config.Most {
		oldest := s.untold.Front()
		if oldest == nil {
			oldest = s.ended.Front()
		}
		if oldest == nil {
			s.refused++
			return nil
		}
		s.drop(oldest.Value.(*item))
	}
	it := &item{places: make([]place, len(s.targets))}
	s.items[k] = it
	it.Kind, it.Entity, it.Direction, it.Partition = k.kind, k.entity, k.direction, k.partition
	return it
}

// drop removes an item, and counts the targets that were not told of its end.
func (s *Set) drop(it *item) {
	for i, to := range s.targets {
		if it.places[i].news {
			to.dropped++
		}
	}
	s.remove(it)
}

func (s *Set) remove(it *item) {
	it.gone = true
	it.leave()
	delete(s.items, it.key())
	for i, to := range s.targets {
		switch p := it.places[i]; {
		case p.element == nil:
		case p.news:
			to.news.Remove(p.element)
		default:
			to.told.Remove(p.element)
		}
	}
}

// enter puts a resolved item into ended or untold.
func (it *item) enter(in *list.List) {
	it.leave()
	it.within, it.element = in, in.PushBack(it)
}

func (it *item) leave() {
	if it.element != nil {
		it.within.Remove(it.element)
		it.within, it.element = nil, nil
	}
}

// known tells whether each target knows the latest change.
func (it *item) known() bool {
	for _, p := range it.places {
		if p.news {
			return false
		}
	}
	return true
}
