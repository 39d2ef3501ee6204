package actors

import (
	"testing"

	"anomalydetector/messages"
)

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
