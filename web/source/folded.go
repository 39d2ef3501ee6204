package source

import (
	"context"

	"anomalydetector/episode"
	"anomalydetector/tail"
	"anomalydetector/web/answers"
)

// folded are the runs of the anomalies that the tail holds. How they ended shows in the windows.
type folded struct {
	source *Source
	known  *known
}

func (l *folded) list(ctx context.Context, f tail.Filter, q answers.EpisodesQuery) (items []answers.Episode, next string, err error) {
	switch {
	case q.State == answers.SilentEntities:
		return nil, "", bad("state", string(q.State), "only a detector that publishes its episodes knows which entities are silent, and "+l.known.Name+" has no [episodes] output_topic")
	case q.Kind != "" && q.Kind != answers.Deviation:
		return []answers.Episode{}, "", nil
	}
	state := map[answers.EpisodeState]tail.EpisodeState{answers.Open: tail.Open, answers.Ended: tail.Ended}[q.State]
	found, next, err := l.known.Tail.Episodes(f, state, q.Cursor, limit(q.Limit))
	if err != nil {
		return nil, "", badCursor(err, q.Cursor)
	}
	items = l.known.episodes(found)
	l.source.judgeAll(ctx, l.known, found, items)
	return items, next, nil
}

// tell judges the outcomes by the answer's window.
func (l *folded) tell(answer *answers.Entity, now *looked) error {
	found, _, err := l.known.Tail.Episodes(tail.Filter{Entity: answer.Key}, tail.All, "", mostShown)
	if err != nil {
		return err
	}
	answer.Episodes = l.known.episodes(found)
	if answer.Partial || answer.Partition == nil {
		return nil
	}
	points := make([]episode.Point, len(answer.Window))
	for i, point := range answer.Window {
		points[i] = episode.Point{At: point.Time.UnixMilli(), Value: point.Value}
	}
	for i := range found {
		outcome, _ := l.known.outcome(&found[i], points, *answer.Partition, now)
		answer.Episodes[i].Outcome = word(outcome)
	}
	return nil
}

func (l *folded) draw(*answers.Lanes, tail.Filter, int, int) (left int, err error) { return 0, nil }

func (l *folded) caughtUp() <-chan struct{} { return l.known.Tail.CaughtUp() }

func (l *folded) held() (partial bool, problems []string) { return l.known.held() }

func (l *folded) news(f tail.Filter, from *cursor) news {
	n := &foldedNews{folded: l, filter: f, until: l.known.Tail.State().StreamTime}
	if from != nil && from.until > 0 {
		n.until = min(from.until, n.until)
	}
	return n
}

// foldedNews tells what has ended with the next tick.
type foldedNews struct {
	*folded
	filter tail.Filter
	until  int64 // stream time up to which the watcher was told of ended episodes
}

func (n *foldedNews) episodeOf(e *tail.Entry) (one answers.Episode, is bool) {
	found, is := n.known.Tail.EpisodeOf(e.Entity, e.ID)
	if is {
		one = n.known.episode(&found)
	}
	return one, is
}

func (n *foldedNews) next(ctx context.Context, tick bool, tell func(answers.Episode) error) error {
	until := n.known.Tail.State().StreamTime
	if !tick || until <= n.until {
		return nil
	}
	ended, _ := n.known.Tail.EndedBetween(n.filter, n.until, until, mostEnded)
	n.until = until
	told := n.known.episodes(ended)
	n.source.judgeAll(ctx, n.known, ended, told)
	for i := range told {
		if err := tell(told[i]); err != nil {
			return err
		}
	}
	return nil
}

func (n *foldedNews) more() <-chan struct{} { return nil }

func (n *foldedNews) place(c *cursor) { c.until = n.until }
