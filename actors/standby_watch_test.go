package actors

import (
	"slices"
	"testing"
	"time"

	"anomalydetector/messages"
	"anomalydetector/standstill"
)

// TestStandbyThatGetsNoHistoryIsTold, until it gets on or is taken from us.
func TestStandbyThatGetsNoHistoryIsTold(t *testing.T) {
	_, config, _, _ := hanging()
	ours, theirs := newTrackedPartition(0, messages.RoleAssigned), newTrackedPartition(1, messages.RoleStandby)
	ours.phase, theirs.phase, theirs.generation = messages.Ready, messages.Replaying, 1
	d := newDetector(config)
	d.session, d.partitions = &narrow{}, map[int32]*trackedPartition{0: ours, 1: theirs}
	const limit = 30 * time.Second // if no error is known
	now := time.UnixMilli(0)
	seen := func(after time.Duration) (lines []standstill.Line) {
		for range int(after / time.Second) {
			now = now.Add(time.Second)
			lines = append(lines, d.watch.See(now, d.pending(), nil)...)
		}
		return lines
	}
	if lines := seen(limit - time.Second); len(lines) > 0 {
		t.Errorf("too early: %+v", lines)
	}
	theirs.replay.done = 1000
	if lines := seen(limit - time.Second); len(lines) > 0 {
		t.Errorf("it gets on, and it is said: %+v", lines)
	}
	lines := seen(5 * time.Second)
	if len(lines) != 1 || lines[0].Waiting != standstill.ReplayingStandby || !slices.Equal(lines[0].Partitions, []int32{1}) {
		t.Fatalf("it stands still, and it is said: %+v", lines)
	}
	theirs.phase = messages.Ready
	if lines := seen(time.Second); len(lines) != 1 || !lines[0].Over {
		t.Errorf("it is ready, and it is said: %+v", lines)
	}
}
