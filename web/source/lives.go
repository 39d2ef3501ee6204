package source

import (
	"context"

	"anomalydetector/tail"
	"anomalydetector/web/answers"
)

// lives are the episodes of a detector. They come from one of two places: a detector that publishes its episodes is followed
// (published); of another one, they are folded from its anomalies (folded).
type lives interface {
	// list gives a page of episodes: open ones first, then the latest first.
	list(ctx context.Context, f tail.Filter, q answers.EpisodesQuery) (items []answers.Episode, next string, err error)
	// tell puts the episodes of an entity into an answer that has its window.
	tell(answer *answers.Entity, now *looked) error
	// draw adds gaps to lanes, absences to their rows, and rows that have absences and no anomaly, as long as there are at most
	// limit rows. It returns for how many of these there was no room. Place is the key field of the rows, or tail.ByEntity.
	draw(lanes *answers.Lanes, f tail.Filter, place, limit int) (left int, err error)
	// news is what a watcher is told, from a cursor on; nil: from now on.
	news(f tail.Filter, from *cursor) news
	// caughtUp returns a channel that is closed once all episodes are known.
	caughtUp() <-chan struct{}
	// held says in words what is missing.
	held() (partial bool, problems []string)
}

// news tells a watcher what happens to episodes. It serves one goroutine.
type news interface {
	// episodeOf is the episode of an anomaly, as far as it is known.
	episodeOf(e *tail.Entry) (answers.Episode, bool)
	// next calls tell with the episodes that have changed. At each tick it looks for what changes with time alone.
	next(ctx context.Context, tick bool, tell func(answers.Episode) error) error
	// more returns a channel that is closed once next has something to tell; nil: only a tick brings something.
	more() <-chan struct{}
	// place notes in a cursor how far the watcher is.
	place(c *cursor)
}
