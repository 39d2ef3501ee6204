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
	news   news // of episodes; nil until the watcher has begun
	tell   func(answers.Event) error
}

// Follow first tells where it begins, then everything after the cursor, then a status, and then what happens.
// Each anomaly is followed by its episode, if that is known yet. A published episode comes when its record does. Without
// published episodes, one that ends comes with the next status. An episode or a
// status replaces the one that was told before. Until the topics have been read up to their ends, Follow
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
	for _, caughtUp := range []<-chan struct{}{d.Tail.CaughtUp(), d.lives.caughtUp()} {
		if err := w.await(ctx, caughtUp, ticker.C); err != nil {
			return err
		}
	}
	w.begin(from, q.Cursor != "")
	if err := event(answers.Event{ID: w.id()}); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, moreNews := w.reader.More(), w.news.more()
		if err := w.anomalies(ctx); err != nil {
			return err
		}
		if err := w.episodes(ctx, false); err != nil {
			return err
		}
		if first {
			if err := w.status(ctx); err != nil {
				return err
			}
		}
		select {
		case <-more:
		case <-moreNews:
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
	if !resumed {
		w.news = w.of.lives.news(w.filter, nil)
		w.reader = w.of.Tail.Since(w.of.Tail.Vector(), w.filter)
		return
	}
	w.news = w.of.lives.news(w.filter, &from)
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
	at := cursor{topic: w.reader.Topic(), vector: vector}
	w.news.place(&at)
	return at.String()
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
			if one, is := w.news.episodeOf(&items[i].Entry); is {
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
		if err := w.episodes(ctx, true); err != nil {
			return err
		}
	}
	return w.tell(answers.Event{ID: w.id(), Status: &status})
}

// episodes tells the episodes that have changed since the last time.
func (w *watch) episodes(ctx context.Context, tick bool) error {
	return w.news.next(ctx, tick, func(one answers.Episode) error {
		return w.tell(answers.Event{ID: w.id(), Episode: &one})
	})
}
