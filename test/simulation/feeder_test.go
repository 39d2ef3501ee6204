//go:build synctests

package simulation

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestNothingIsUnderWayWhileTheFeederPauses: the second record is held up on its way when the
// pause begins. It is in the input before anything is done.
func TestNothingIsUnderWayWhileTheFeederPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scenario := Draw(1)
		scenario.Nodes, scenario.Partitions, scenario.Aborts = 0, 1, false
		scenario.Records = scenario.Records[:2]
		scenario.Records[0].When, scenario.Records[1].When = 0, 2*time.Second
		r := newRun(scenario, t.TempDir())
		r.broker.start()
		r.operator.begin()
		r.feeder.begin()
		fed := make(chan struct{})
		go func() {
			defer close(fed)
			r.feeder.feed()
		}()
		time.Sleep(time.Second)
		for broker := range brokers {
			r.broker.holdFor(link{feederParty, brokerAddress(broker)}, 5*time.Second)
		}
		time.Sleep(2 * time.Second)
		paused := false
		r.feeder.pause(func() {
			paused = true
			if ends, ok := r.operator.ends(); !ok || ends[0] != 2 {
				t.Errorf("the input has %d records during the pause, want 2", ends[0])
			}
		})
		if !paused {
			t.Error("the feeder did not pause")
		}
		<-fed
		r.feeder.end()
		r.operator.end()
		r.broker.stop()
	})
}
