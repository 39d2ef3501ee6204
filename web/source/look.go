package source

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"anomalydetector/messages"
)

const (
	freshFor     = time.Second            // how long an answer about all nodes serves other questions
	askFor       = 2 * time.Second        // how long nodes may take to answer
	lookPatience = 100 * time.Millisecond // how long to wait for a newer answer if there is an older one
)

// look is the latest answer about all nodes. One question to them is running at a time, on a goroutine of its
// own: neither a slow node nor a client that goes away holds up the other clients.
type look struct {
	mu     sync.Mutex
	latest *looked
	under  chan struct{} // closed when the running question has been answered; nil: none is running
	asking sync.WaitGroup
	closed bool
}

// looked is the status of all nodes at a time. It is immutable.
type looked struct {
	at      time.Time // when they had answered
	status  messages.ClusterStatus
	replays map[string]pace    // by detector
	seen    map[string][]int32 // by detector, the partitions in this and earlier answers
	unowned map[string][]int32 // by detector, those of them that no node that answered owns

	sightings map[string]sighting // by address
}

// pace is how fast a detector's replay goes.
type pace struct {
	at        time.Time
	remaining int64
	perSecond float64
}

// all asks all nodes, or takes an answer that is at most freshFor old. While a node does not answer, it takes
// an older one.
func (s *Source) all(ctx context.Context) (*looked, error) {
	latest, under := s.look.begin(s)
	if under == nil && latest == nil {
		return nil, notInTime() // closed
	}
	if under == nil {
		return latest, nil
	}
	var patience <-chan time.Time
	if latest != nil {
		timer := time.NewTimer(lookPatience)
		defer timer.Stop()
		patience = timer.C
	}
	select {
	case <-under:
		return s.look.current(), nil
	case <-patience:
		return latest, nil
	case <-ctx.Done():
		if latest == nil {
			return nil, notInTime()
		}
		return latest, nil
	}
}

// begin returns the latest answer. Unless that is fresh, it also returns a channel that is closed when there
// is a newer one.
func (l *look) begin(s *Source) (latest *looked, under <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.latest != nil {
		if age := s.config.Now().Sub(l.latest.at); 0 <= age && age < freshFor {
			return l.latest, nil
		}
	}
	if l.closed {
		return l.latest, nil
	}
	if l.under == nil {
		done := make(chan struct{})
		l.under = done
		before := l.latest
		l.asking.Go(func() {
			now := s.ask(before)
			l.mu.Lock()
			l.latest, l.under = now, nil
			l.mu.Unlock()
			close(done)
		})
	}
	return l.latest, l.under
}

func (l *look) current() *looked {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest
}

// ask asks all nodes.
func (s *Source) ask(before *looked) *looked {
	ctx, cancel := context.WithTimeout(context.Background(), askFor)
	defer cancel()
	now := &looked{status: s.config.Asker.Status(ctx), replays: make(map[string]pace), seen: make(map[string][]int32), unowned: make(map[string][]int32)}
	now.at = s.config.Now()
	if before == nil {
		before = &looked{}
	}
	now.notice(before.sightings)
	for _, d := range s.known {
		now.measure(d.Name, before.replays[d.Name])
		if s.config.Clustered {
			now.count(d.Name, before.seen[d.Name])
		}
		if at, known := streamTime(now.status, d.Name); known {
			d.Tail.Advance(at)
			if d.Episodes != nil {
				d.Episodes.Advance(at)
			}
		}
	}
	return now
}

// measure notes how fast a replay went since the last answer.
func (now *looked) measure(detector string, before pace) {
	remaining := pendingOf(now.status, detector)
	if remaining == 0 {
		return
	}
	next := pace{at: now.at, remaining: remaining}
	if seconds := now.at.Sub(before.at).Seconds(); !before.at.IsZero() && seconds > 0 && remaining <= before.remaining {
		next.perSecond = float64(before.remaining-remaining) / seconds
		if before.perSecond > 0 { // smooth it, because a replay comes in runs
			next.perSecond = (next.perSecond + before.perSecond) / 2
		}
	}
	now.replays[detector] = next
}

// count finds the partitions that no node owns, among those that the group knows and those that were seen
// before. The latter are needed because a node that has just died does not say what it had. A process that
// knows no other nodes cannot tell.
func (now *looked) count(detector string, seen []int32) {
	owned := make(map[int32]bool)
	partitionsOf(now.status, detector, func(_ messages.NodeStatus, _ messages.DetectorStatus, p messages.PartitionStatus) {
		seen = append(seen[:len(seen):len(seen)], p.Partition)
		owned[p.Partition] = owned[p.Partition] || p.Role == messages.RoleAssigned
	})
	for _, unowned := range now.status.Unowned {
		if unowned.Detector == detector {
			seen = append(seen[:len(seen):len(seen)], unowned.Partition)
		}
	}
	slices.Sort(seen)
	seen = slices.Compact(seen)
	now.seen[detector] = seen
	for _, partition := range seen {
		if !owned[partition] {
			now.unowned[detector] = append(now.unowned[detector], partition)
		}
	}
}

// list names partitions for people.
func list(partitions []int32) string {
	var words []string
	for _, partition := range partitions {
		words = append(words, fmt.Sprint(partition))
	}
	if len(words) == 1 {
		return "partition " + words[0]
	}
	return "partitions " + strings.Join(words, ", ")
}

// Close waits until the running question to the nodes has ended. Nobody is asked afterwards.
func (s *Source) Close() error {
	s.look.mu.Lock()
	s.look.closed = true
	s.look.mu.Unlock()
	s.look.asking.Wait()
	return nil
}
