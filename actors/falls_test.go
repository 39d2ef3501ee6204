package actors

import (
	"errors"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// TestCheckpointOfNothingIsNoProgress: a partition that panics when it stores what it
// has scored has made none when its next actor stores that there is nothing new.
func TestCheckpointOfNothingIsNoProgress(t *testing.T) {
	config := benchConfig()
	ours := &member{}
	d := &Detector{
		config: config, partitions: map[int32]*member{0: ours}, saving: make(map[int32]struct{}), watching: watching{end: func() {}},
		falls: falls{loading: make(map[int32]int), working: make(map[int32]int)},
	}
	for range attempts {
		ours.pid, ours.ready = &actor.PID{}, true
		ours.scored, ours.proving = true, true // it has scored, and that was committed
		d.lost(nil, 0, ours, errors.New("panic"))
		d.checkpointed(nil, &messages.Checkpointed{Partition: 0})
	}
	if d.falls.working[0] != attempts || !d.stopping || d.result == nil {
		t.Errorf("%d panics in a row are counted, and the detector goes on: %t; want %d", d.falls.working[0], !d.stopping, attempts)
	}
	ours.proving = true
	d.checkpointed(nil, &messages.Checkpointed{Partition: 0})
	if d.falls.working[0] != 0 {
		t.Error("what was scored is stored, and that is no progress")
	}
}
