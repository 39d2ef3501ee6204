package bootstrap

import (
	"log/slog"
	"time"
)

// repeated is a problem that is met again and again: it is a warning when it is another
// one than before, and each minute.
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
