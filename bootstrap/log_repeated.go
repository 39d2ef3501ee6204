package bootstrap

import (
	"log/slog"
	"time"
)

// repeated chooses the level for a problem that recurs: a warning if the problem is a new one or a
// minute has passed, debug otherwise.
type repeated struct {
	now  func() time.Time
	text string
	told time.Time
}

func (r *repeated) level(text string) slog.Level {
	now := r.now()
	if text == r.text && now.Sub(r.told) < time.Minute {
		return slog.LevelDebug
	}
	r.text, r.told = text, now
	return slog.LevelWarn
}
