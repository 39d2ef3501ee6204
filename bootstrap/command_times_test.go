package bootstrap

import (
	"testing"
	"time"
)

// Data and labels have tests of their own for the same grammar.
func TestFlagsTakeTheTimesThatDataHave(t *testing.T) {
	world := &World{Now: func() time.Time { return time.UnixMilli(1_800_000_000_000) }}
	want := time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)
	for _, text := range []string{"2026-01-03", "2026-01-03 00:00:00+00", "2026-01-03 00:00", "2026-01-03T05:30:00+05:30", "1767398400", "1767398400000"} {
		if at, err := moment(world, "--from", text); err != nil || !at.Equal(want) {
			t.Errorf("--from %s is %v, %v, want %v", text, at, err, want)
		}
		command := synthesizeCommand{Start: text, Bins: 1, Bin: time.Hour, Entities: 1, Kinds: []string{"spike"}, EntityKinds: []string{"ordinary"}}
		if o, err := command.options(); err != nil || !o.Start.Equal(want) {
			t.Errorf("--start %s is %v, %v, want %v", text, o.Start, err, want)
		}
	}
	if at, err := moment(world, "--from", "-7d"); err != nil || !at.Equal(world.Now().AddDate(0, 0, -7)) {
		t.Errorf("--from -7d is %v, %v", at, err)
	}
	for _, text := range []string{"1960-01-01", "-1e3", "2026-01-32", "7d"} {
		if at, err := moment(world, "--from", text); err == nil {
			t.Errorf("--from %s is %v", text, at)
		}
	}
}
