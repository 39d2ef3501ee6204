package source

import (
	"context"
	"time"

	"anomalydetector/tail"
	"anomalydetector/web/answers"
)

const (
	statusEvery = 5 * time.Second
	mostAtOnce  = 200    // anomalies that are read at a time
	mostEnded   = 10_000 // episodes that are told with one status
)

// watch is one watcher of events.
type watch struct {
	source *Source
	of     *known
	filter tail.Filter
	reader *tail.Reader
	tell   func(answers.Event) error
	until  int64 // stream time up to which it was told of ended episodes
}

// Follow first tells where it begins, then everything after the cursor, then a status, and then what happens.
// Each anomaly is followed by its episode. An episode that ends comes with the next status. An episode or a
// status replaces the one that was told before. Until the output topic has been read up to its end, Follow
// tells the status only: otherwise records that are years old would come as news.
func (s *Source) Follow(ctx context.Context, q answers.FollowQuery, event func(answers.Event) error) error {
	d, filter, err := s.prepare(ctx, q.Filter)
	if err != nil {
		return err
	}
	from, err := parseCursor(q.Cursor)
	if err != nil {
		return badCursor(err, q.Cursor)
	}
	w := &watch{source: s, of: d, filter: filter, tell: event}
	ticker := time.NewTicker(s.wakeup)
	defer ticker.Stop()
	if err := w.await(ctx, d.Tail.CaughtUp(), ticker.C); err != nil {
		return err
	}
	w.begin(from, q.Cursor != "")
	if err := event(answers.Event{ID: w.id()}); err != nil {
		return err
	}
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

// await tells the status until the output topic has been read up to its end.
func (w *watch) await(ctx context.Context, caughtUp <-chan struct{}, tick <-chan time.Time) error {
	for isOpen(caughtUp) {
		if err := w.status(ctx); err != nil {
			return err
		}
		select {
		case <-caughtUp:
		case <-tick:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// begin places the watcher after a cursor, or at this moment.
func (w *watch) begin(from cursor, resumed bool) {
	w.until = w.of.Tail.State().StreamTime
	if !resumed {
		w.reader = w.of.Tail.Since(w.of.Tail.Vector(), w.filter)
		return
	}
	if from.until > 0 {
		w.until = min(from.until, w.until)
	}
	w.reader = w.of.Tail.SinceIn(from.topic, from.vector, w.filter)
}

// id is the cursor after everything that was told; empty: there is none yet.
func (w *watch) id() string {
	if w.reader == nil {
		return ""
	}
	return w.after(w.reader.Vector())
}

func (w *watch) after(vector tail.Vector) string {
	return cursor{topic: w.reader.Topic(), until: w.until, vector: vector}.String()
}

// anomalies tells all anomalies that there are for now.
func (w *watch) anomalies(ctx context.Context) error {
	for {
		items, gap := w.reader.Next(mostAtOnce)
		if gap != nil {
			if err := w.tell(answers.Event{ID: w.id(), Gap: w.gap(gap)}); err != nil {
				return err
			}
		}
		for i := range items {
			id := w.after(items[i].After)
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

func isOpen(channel <-chan struct{}) bool {
	select {
	case <-channel:
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

// status tells which episodes have ended, and then the status. If the status is not known at the moment, it
// tells nothing.
func (w *watch) status(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	status, err := w.source.Status(ctx)
	if err != nil {
		return nil // the next one tells it
	}
	if w.reader != nil {
		if err := w.ended(ctx); err != nil {
			return err
		}
	}
	return w.tell(answers.Event{ID: w.id(), Status: &status})
}

// ended tells the episodes that have ended since the last time.
func (w *watch) ended(ctx context.Context) error {
	until := w.of.Tail.State().StreamTime
	if until <= w.until {
		return nil
	}
	ended, _ := w.of.Tail.EndedBetween(w.filter, w.until, until, mostEnded)
	w.until = until
	told := w.of.episodes(ended)
	w.source.judgeAll(ctx, w.of, ended, told)
	for i := range told {
		if err := w.tell(answers.Event{ID: w.id(), Episode: &told[i]}); err != nil {
			return err
		}
	}
	return nil
}
