package source

import (
	"context"
	"slices"
	"sync"
	"time"

	"anomalydetector/messages"
	"anomalydetector/web/answers"
)

// A hole is a time in which no entity has a point. The windows of a few entities are enough to find it: each
// of them misses a bin now and then, but all of them only if the input has a hole.
const (
	holeEntities  = 8
	holesPatience = 500 * time.Millisecond
	holesFor      = time.Minute     // how long an answer serves others
	holesAgain    = 5 * time.Second // how long one serves that was cut short
)

// holes are the latest answer. While one question is being answered, others take the previous answer.
type holes struct {
	mu     sync.Mutex
	next   time.Time // when to ask anew
	asking bool
	spans  []answers.TimeSpan
}

// findHoles are the spans of the window in which no entity had a point; none if too little is known.
func (s *Source) findHoles(ctx context.Context, d *known, until time.Time) []answers.TimeSpan {
	h := &d.holes
	h.mu.Lock()
	spans, now := h.spans, s.config.Now()
	mine := !h.asking && !now.Before(h.next)
	h.asking = h.asking || mine
	h.mu.Unlock()
	if !mine {
		return spans
	}
	ctx, cancel := context.WithTimeout(ctx, holesPatience)
	defer cancel()
	var windows [][]messages.WindowPoint
	for _, key := range s.sample(ctx, d) {
		found, _ := s.config.Asker.Entity(ctx, d.Name, key)
		if owner := preferred(found.Found); owner != nil && owner.Points >= owner.Full/2 {
			windows = append(windows, owner.Window)
		}
	}
	again := holesAgain
	if ctx.Err() == nil {
		spans, again = common(windows, d.bin, until), holesFor
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.spans, h.next, h.asking = spans, now.Add(again), false
	return spans
}

// sample are a few entities, if possible some with anomalies.
func (s *Source) sample(ctx context.Context, d *known) []string {
	keys := d.recentKeys(holeEntities)
	if len(keys) < holeEntities {
		found, _ := s.config.Asker.Entities(ctx, d.Name, messages.EntitiesQuery{Limit: holeEntities})
		for _, one := range found.Names {
			keys = append(keys, one.Key)
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	return keys[:min(len(keys), holeEntities)]
}

// common are the spans without a point that all windows share. One window alone proves nothing about the
// others.
func common(windows [][]messages.WindowPoint, bin time.Duration, until time.Time) []answers.TimeSpan {
	if len(windows) < 2 {
		return nil
	}
	var all []answers.Point
	for _, window := range windows {
		for _, point := range window {
			all = append(all, answers.Point{Time: time.UnixMilli(point.At).UTC(), Value: point.Value})
		}
	}
	slices.SortFunc(all, func(a, b answers.Point) int { return a.Time.Compare(b.Time) })
	return missing(all, bin, until)
}
