package actors

import (
	"slices"
	"testing"
	"time"

	"anomalydetector/messages"
)

// TestStandbyThatGetsNoHistoryIsTold, until it gets on or is taken from us.
func TestStandbyThatGetsNoHistoryIsTold(t *testing.T) {
	_, config, _, _ := hanging()
	ours, theirs := newTrackedPartition(0, messages.RoleAssigned), newTrackedPartition(1, messages.RoleStandby)
	ours.phase, theirs.phase, theirs.generation = messages.Ready, messages.Replaying, standbyGenerations+1
	d := newDetector(config)
	d.session, d.partitions = &narrow{}, map[int32]*trackedPartition{0: ours, 1: theirs}
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
	theirs.replay.done = 1000
	if lines := seen(waitLimit - time.Second); len(lines) > 0 {
		t.Errorf("it gets on, and it is said: %+v", lines)
	}
	lines := seen(5 * time.Second)
	if len(lines) != 1 || lines[0].waiting != copying || !slices.Equal(lines[0].partitions, []int32{1}) {
		t.Fatalf("it stands still, and it is said: %+v", lines)
	}
	theirs.phase = messages.Ready
	if lines := seen(time.Second); len(lines) != 1 || !lines[0].over {
		t.Errorf("it is ready, and it is said: %+v", lines)
	}
}
