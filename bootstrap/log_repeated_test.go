package bootstrap

import (
	"log/slog"
	"testing"
	"time"
)

func TestProblemIsToldOnceAMinute(t *testing.T) {
	now := time.UnixMilli(0)
	r := repeated{now: func() time.Time { return now }}
	for step, c := range []struct {
		after time.Duration
		text  string
		want  slog.Level
	}{
		{0, "refused", slog.LevelWarn}, {time.Second, "refused", slog.LevelDebug}, {time.Second, "no topic", slog.LevelWarn},
		{59 * time.Second, "no topic", slog.LevelDebug}, {time.Second, "no topic", slog.LevelWarn}, {time.Second, "refused", slog.LevelWarn},
	} {
		now = now.Add(c.after)
		if got := r.level(c.text); got != c.want {
			t.Errorf("step %d: %s, want %s", step, got, c.want)
		}
	}
}
