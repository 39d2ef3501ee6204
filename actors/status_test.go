package actors

import (
	"errors"
	"testing"

	"anomalydetector/messages"
	"anomalydetector/round"
)

// TestStateIsThatOfTheRoundAndThePartitions, in one word.
func TestStateIsThatOfTheRoundAndThePartitions(t *testing.T) {
	partition := func(role messages.Role, phase messages.Phase) func(*Detector) {
		return func(d *Detector) {
			number := int32(len(d.partitions))
			d.partitions[number] = newTrackedPartition(number, role)
			d.partitions[number].phase = phase
		}
	}
	unjoined := func(d *Detector) { d.joined = false }
	stopped := func(d *Detector) { d.round.Stop(d.config.Now(), false, false) }
	drains := func(d *Detector) { d.round.Stop(d.config.Now(), false, true) }
	stalls := func(d *Detector) {
		d.round.StoreIs(errors.New("disk full"), false)
		d.round.Reconciled(d.config.Now())
	}
	assigned, standby := messages.RoleAssigned, messages.RoleStandby
	for name, c := range map[string]struct {
		is   []func(*Detector)
		want messages.State
	}{
		"the group has not answered":            {[]func(*Detector){unjoined, partition(standby, messages.Ready)}, messages.StateOpening},
		"it has no partition":                   {nil, messages.StateLive},
		"all partitions are ready":              {[]func(*Detector){partition(assigned, messages.Ready), partition(standby, messages.Replaying)}, messages.StateLive},
		"a partition replays":                   {[]func(*Detector){partition(assigned, messages.Ready), partition(assigned, messages.Replaying)}, messages.StateReplaying},
		"a partition takes windows from others": {[]func(*Detector){partition(assigned, messages.Importing)}, messages.StateReplaying},
		"a partition is broken":                 {[]func(*Detector){partition(assigned, messages.Broken)}, messages.StateReplaying},
		"it has standby partitions only":        {[]func(*Detector){partition(standby, messages.Replaying)}, messages.StateStandby},
		"it waits for its successors":           {[]func(*Detector){partition(assigned, messages.Ready), drains}, messages.StateDraining},
		"it stops":                              {[]func(*Detector){partition(assigned, messages.Ready), stopped}, messages.StateStopped},
		"its successors are ready":              {[]func(*Detector){drains, func(d *Detector) { d.round.Drained(d.config.Now()) }}, messages.StateStopped},
		"the state cannot be stored":            {[]func(*Detector){partition(assigned, messages.Ready), stalls}, messages.StateStopped},
	} {
		d := newDetector(benchConfig())
		d.round.Start()
		if got := d.state(); got != messages.StateOpening {
			t.Fatalf("before it has a session it is %s", got)
		}
		d.session, d.joined = &narrow{}, true
		d.round.Opened(d.config.Now(), nil)
		for _, is := range c.is {
			is(d)
		}
		if got := d.state(); got != c.want {
			t.Errorf("%s: it is %s, want %s", name, got, c.want)
		}
	}
}

// TestStatusNamesTheStepUnderWay of the round.
func TestStatusNamesTheStepUnderWay(t *testing.T) {
	d := newDetector(benchConfig())
	expect := func(want round.Step) {
		t.Helper()
		if got := d.status().status.Step; got != string(want) {
			t.Errorf("its step is %q, want %q", got, want)
		}
	}
	d.round.Start()
	expect(round.Opening)
	d.session, d.joined = &narrow{}, true
	d.round.Opened(d.config.Now(), nil)
	expect(round.Polling)
}
