package source

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"anomalydetector/episode"
	"anomalydetector/tail"
	"anomalydetector/web/answers"
)

// How an episode ended shows in the points that followed, which are in the entity's window. Once there are
// enough of them, the outcome does not change any more.
const (
	mostOutcomes    = 20_000 // how many are remembered
	outcomePatience = 500 * time.Millisecond
	askAgainAfter   = 5 * time.Second // for an outcome that may still change
)

// outcomes are the known outcomes, by the episode's id and the time of its last anomaly.
type outcomes struct {
	mu    sync.Mutex
	found map[endedEpisode]found
}

type endedEpisode struct {
	id     string
	lastAt int64
}

// found is an outcome that was asked for.
type found struct {
	outcome episode.Outcome // Unknown: there was no answer, or the window lacks points
	certain bool
	at      time.Time
}

func nameOf(e *tail.Episode) endedEpisode { return endedEpisode{e.ID, e.LastAt} }

// get returns false if the outcome must be asked for.
func (o *outcomes) get(name endedEpisode, now time.Time) (found, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	one, known := o.found[name]
	return one, known && (one.certain || now.Sub(one.at) < askAgainAfter)
}

func (o *outcomes) put(name endedEpisode, one found) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.found == nil || len(o.found) >= mostOutcomes {
		o.found = make(map[endedEpisode]found)
	}
	o.found[name] = one
}

// judgeAll fills in the outcomes of ended episodes: all that are known, and as many others as can be asked
// for in a moment. The rest stay nil.
func (s *Source) judgeAll(ctx context.Context, d *known, all []tail.Episode, told []answers.Episode) {
	now, err := s.all(ctx)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, outcomePatience)
	defer cancel()
	for i := range all {
		e := &all[i]
		if e.Open {
			continue
		}
		one, known := d.ended.get(nameOf(e), s.config.Now())
		if !known && ctx.Err() == nil {
			one = s.findOutcome(ctx, d, e, now)
			one.at = s.config.Now()
			d.ended.put(nameOf(e), one)
		}
		told[i].Outcome = word(one.outcome)
	}
}

// findOutcome asks for the window of an episode's entity.
func (s *Source) findOutcome(ctx context.Context, d *known, e *tail.Episode, now *looked) found {
	answer, _ := s.config.Asker.Entity(ctx, d.Name, e.Entity)
	owner := preferred(answer.Found)
	if answer.Partial || ctx.Err() != nil || owner == nil {
		return found{}
	}
	points := make([]episode.Point, len(owner.Window))
	for i, point := range owner.Window {
		points[i] = episode.Point{At: point.At, Value: point.Value}
	}
	slices.SortStableFunc(points, func(a, b episode.Point) int { return cmp.Compare(a.At, b.At) })
	outcome, certain := d.outcome(e, points, owner.Partition, now)
	return found{outcome: outcome, certain: certain}
}

// outcome is the outcome of an ended episode, from the points of its entity in the order of time. It is
// Unknown if the points begin after the episode, or if the partition lags behind. It is certain once later
// points cannot change it.
func (d *known) outcome(e *tail.Episode, points []episode.Point, partition int32, now *looked) (outcome episode.Outcome, certain bool) {
	if e.Open || len(points) == 0 || points[0].At > e.LastAt {
		return episode.Unknown, false
	}
	followed := 0
	for i := len(points) - 1; i >= 0 && points[i].At > e.LastAt; i-- {
		followed++
	}
	if followed >= d.Tail.Rules().ClearAfter {
		return d.Tail.Judge(*e, points), true
	}
	if at, known := partitionTime(now.status, d.Name, partition); !known || at <= e.EndedAt {
		return episode.Unknown, false
	}
	return d.Tail.Judge(*e, points), false
}

func word(outcome episode.Outcome) *answers.Outcome {
	if outcome == episode.Unknown {
		return nil
	}
	text := answers.Outcome(outcome.String())
	return &text
}
