package source

import (
	"context"
	"time"

	"anomalydetector/tail"
	"anomalydetector/web/answers"
)

const (
	statusEvery = 5 * time.Second
	mostAtOnce  = 200 // anomalies
)

// watch is one watcher of what happens.
type watch struct {
	source *Source
	of     *known
	filter tail.Filter
	reader *tail.Reader
	tell   func(answers.Event) error
	until  int64 // stream time up to which ended episodes were told
}

// Follow tells where it begins, then what the cursor has not seen, then a status, and then what happens.
// After each anomaly comes the episode that it belongs to; an episode that ends is told
// with the next status. All of them have the same cursor as the last anomaly: nothing is
// told twice but episodes and the status, which replace what was told before.
func (s *Source) Follow(ctx context.Context, q answers.FollowQuery, event func(answers.Event) error) error {
	d, filter, err := s.prepare(ctx, q.Filter)
	if err != nil {
		return err
	}
	vector := d.Tail.Vector()
	if q.Cursor != "" {
		if vector, err = tail.ParseVector(q.Cursor); err != nil {
			return badCursor(err, q.Cursor)
		}
	}
	if err := event(answers.Event{ID: vector.String()}); err != nil {
		return err
	}
	w := &watch{source: s, of: d, filter: filter, tell: event, reader: d.Tail.Since(vector, filter), until: d.Tail.State().StreamTime}
	ticker := time.NewTicker(s.wakeup)
	defer ticker.Stop()
	for first := true; ; first = false {
		more := w.reader.More()
		if err := w.anomalies(ctx); err != nil {
			return err
		}
		if first {
			if err := w.status(ctx); err != nil {
				return err
			}
		}
		select {
		case <-more:
		case <-ticker.C:
			if err := w.status(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// anomalies tells all that there are for now.
func (w *watch) anomalies(ctx context.Context) error {
	for {
		items, gap := w.reader.Next(mostAtOnce)
		if gap != nil {
			if err := w.tell(answers.Event{ID: w.reader.Vector().String(), Gap: w.gap(gap)}); err != nil {
				return err
			}
		}
		for i := range items {
			id := items[i].After.String()
			anomaly := w.of.anomaly(&items[i].Entry)
			if err := w.tell(answers.Event{ID: id, Anomaly: &anomaly}); err != nil {
				return err
			}
			if found, is := w.of.Tail.EpisodeOf(items[i].Entry.Entity, items[i].Entry.ID); is {
				one := w.of.episode(&found)
				if err := w.tell(answers.Event{ID: id, Episode: &one}); err != nil {
					return err
				}
			}
		}
		if len(items) == 0 && isOpen(w.reader.More()) {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func isOpen(more <-chan struct{}) bool {
	select {
	case <-more:
		return false
	default:
		return true
	}
}

func (w *watch) gap(gap *tail.Gap) *answers.Gap {
	told := &answers.Gap{Detector: w.of.Name, Missing: gap.Missing, Reason: "these offsets of the output topic are not held, or not in the topic any more"}
	if gap.Remade {
		told.Reason = "the output topic was made again under its name"
	}
	return told
}

// status tells which episodes have ended, and how all is.
func (w *watch) status(ctx context.Context) error {
	status, err := w.source.Status(ctx)
	if err != nil {
		return err
	}
	id, until := w.reader.Vector().String(), w.of.Tail.State().StreamTime
	ended, _ := w.of.Tail.EndedBetween(w.filter, w.until, until, mostAtOnce) // of more, the list tells
	w.until = max(w.until, until)
	told := w.of.episodes(ended)
	w.source.judgeAll(ctx, w.of, ended, told)
	for i := range told {
		if err := w.tell(answers.Event{ID: id, Episode: &told[i]}); err != nil {
			return err
		}
	}
	return w.tell(answers.Event{ID: id, Status: &status})
}
