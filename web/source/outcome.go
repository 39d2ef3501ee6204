package source

import (
	"context"
	"slices"
	"time"

	"anomalydetector/episode"
	"anomalydetector/tail"
	"anomalydetector/web/answers"
)

// How an episode ended is in the points that followed, which the entity's window has. An
// outcome does not change, so it is asked for once.
const (
	mostOutcomes    = 20_000 // that are remembered
	outcomePatience = 500 * time.Millisecond
)

// outcomes are those that are known, by the episode's id and the time of its last anomaly.
// The token guards them.
type outcomes struct {
	token chan struct{}
	known map[endedEpisode]episode.Outcome
}

type endedEpisode struct {
	id     string
	lastAt int64
}

func nameOf(e *tail.Episode) endedEpisode { return endedEpisode{e.ID, e.LastAt} }

// judgeAll tells the outcomes of episodes that have ended: of all that are known, and of as
// many others as can be asked for within a moment. Those of the others stay nil.
func (s *Source) judgeAll(ctx context.Context, d *known, found []tail.Episode, told []answers.Episode) {
	select {
	case d.ended.token <- struct{}{}:
		defer func() { <-d.ended.token }()
	case <-ctx.Done():
		return
	}
	if d.ended.known == nil || len(d.ended.known) > mostOutcomes {
		d.ended.known = make(map[endedEpisode]episode.Outcome)
	}
	ctx, cancel := context.WithTimeout(ctx, outcomePatience)
	defer cancel()
	for i := range found {
		if found[i].Open {
			continue
		}
		outcome, known := d.ended.known[nameOf(&found[i])]
		if !known && ctx.Err() == nil {
			if outcome, known = s.ask(ctx, d, &found[i]); known {
				d.ended.known[nameOf(&found[i])] = outcome
			}
		}
		told[i].Outcome = word(outcome)
	}
}

// ask looks at the window of an episode's entity; false if it is not known, or may lack
// points.
func (s *Source) ask(ctx context.Context, d *known, e *tail.Episode) (episode.Outcome, bool) {
	answer, _ := s.config.Asker.Entity(ctx, d.Name, e.Entity)
	owner := preferred(answer.Found)
	if answer.Partial || ctx.Err() != nil || owner == nil {
		return episode.Unknown, false
	}
	var points []episode.Point
	for _, point := range owner.Window {
		points = append(points, episode.Point{At: point.At, Value: point.Value})
	}
	slices.SortStableFunc(points, func(a, b episode.Point) int { return moment(a.At).Compare(moment(b.At)) })
	if len(points) > 0 && points[0].At > e.LastAt {
		return episode.Unknown, true // the window begins later: what followed is not all there
	}
	return d.Tail.Judge(*e, points), true
}

func word(outcome episode.Outcome) *answers.Outcome {
	if outcome == episode.Unknown {
		return nil
	}
	text := answers.Outcome(outcome.String())
	return &text
}
