package actors

import (
	"slices"
	"testing"
	"time"
)

// TestStandbyThatGetsNoHistoryIsTold, until it gets on or is taken from us.
func TestStandbyThatGetsNoHistoryIsTold(t *testing.T) {
	_, config, _, _ := hanging()
	theirs := &member{following: true, serial: followSerials + 1}
	d := &Detector{
		config: config, session: &narrow{}, watching: watching{doing: nothing},
		partitions: map[int32]*member{0: {ready: true}, 1: theirs},
	}
	now := time.UnixMilli(0)
	seen := func(after time.Duration) (lines []line) {
		for range int(after / time.Second) {
			now = now.Add(time.Second)
			lines = append(lines, d.see(now, d.pending(), nil)...)
		}
		return lines
	}
	if lines := seen(waitLimit - time.Second); len(lines) > 0 {
		t.Errorf("too early: %+v", lines)
	}
	theirs.done = 1000
	if lines := seen(waitLimit - time.Second); len(lines) > 0 {
		t.Errorf("it gets on, and it is said: %+v", lines)
	}
	lines := seen(5 * time.Second)
	if len(lines) != 1 || lines[0].waiting != copying || !slices.Equal(lines[0].partitions, []int32{1}) {
		t.Fatalf("it stands still, and it is said: %+v", lines)
	}
	theirs.ready = true
	if lines := seen(time.Second); len(lines) != 1 || !lines[0].over {
		t.Errorf("it is ready, and it is said: %+v", lines)
	}
}
