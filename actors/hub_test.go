package actors

import (
	"sync"
	"testing"

	"anomalydetector/messages"
)

// TestSlowWatcherLosesWhatOthersGet, in order; the loss is counted, and nobody waits.
func TestSlowWatcherLosesWhatOthersGet(t *testing.T) {
	var h Hub
	h.committed("d", make([]messages.Finding, 1)) // nobody watches
	slow, quick := h.Watch(2), h.Watch(10)
	for i := range 5 {
		h.committed("d", []messages.Finding{{Value: float64(i)}, {}})
	}
	h.committed("d", nil) // nothing was found
	if slow.Lost() != 6 || quick.Lost() != 0 || h.watching.Load() != 2 {
		t.Errorf("lost are %d and %d, %d watch", slow.Lost(), quick.Lost(), h.watching.Load())
	}
	slow.Close()
	slow.Close()
	quick.Close()
	for w, want := range map[*Watcher]int{slow: 2, quick: 5} {
		got := 0
		for event := range w.C {
			if event.Detector != "d" || event.Findings[0].Value != float64(got) {
				t.Errorf("event %d is %+v", got, event)
			}
			got++
		}
		if got != want {
			t.Errorf("%d events came, want %d", got, want)
		}
	}
	if h.watching.Load() != 0 || slow.Lost() != 6 {
		t.Errorf("in the end %d watch, %d are lost", h.watching.Load(), slow.Lost())
	}
}

// TestWatchersComeAndGoWhileEventsCome: what each has got and lost is all there was.
func TestWatchersComeAndGoWhileEventsCome(t *testing.T) {
	var h Hub
	const detectors, each = 4, 2000
	steady := h.Watch(8)
	var got int64
	var reading, telling, coming sync.WaitGroup
	reading.Go(func() {
		for range steady.C {
			got++
		}
	})
	for range detectors {
		telling.Go(func() {
			for range each {
				h.committed("d", make([]messages.Finding, 1))
			}
		})
		coming.Go(func() {
			for range 200 {
				w := h.Watch(1)
				w.Close()
				w.Lost()
			}
		})
	}
	telling.Wait()
	coming.Wait()
	steady.Close()
	reading.Wait()
	if got+steady.Lost() != detectors*each {
		t.Errorf("%d came and %d were lost, want %d together", got, steady.Lost(), detectors*each)
	}
}

// TestHubTellsChangesOfStateNotOfNumbers.
func TestHubTellsChangesOfStateNotOfNumbers(t *testing.T) {
	var h Hub
	w := h.Watch(10)
	live := func(offset int64, phase messages.Phase) *Report {
		return &Report{Status: messages.DetectorStatus{State: messages.StateLive, Partitions: []messages.PartitionStatus{{Phase: phase, Offset: offset}}}}
	}
	reports := []*Report{live(1, messages.Replaying), live(2, messages.Replaying), live(2, messages.Ready), live(3, messages.Ready), {}}
	var before *Report
	for _, now := range reports {
		h.reported("d", before, now)
		before = now
	}
	w.Close()
	var got []*Report
	for event := range w.C {
		got = append(got, event.Report)
	}
	if len(got) != 3 || got[0] != reports[0] || got[1] != reports[2] || got[2] != reports[4] {
		t.Errorf("%d changes are told: %+v", len(got), got)
	}
}
