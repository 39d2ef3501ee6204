package simulation

import (
	"slices"
	"testing"
)

// TestShrinkKeepsTheFaultsThatFail: two of nine faults fail together, and nothing else does.
func TestShrinkKeepsTheFaultsThatFail(t *testing.T) {
	s := &Scenario{}
	for kind := range faultKind(9) {
		s.Faults = append(s.Faults, Fault{Kind: kind})
	}
	has := func(s *Scenario, kind faultKind) bool {
		return slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.Kind == kind })
	}
	shrunk := Shrink(s, func(less *Scenario) bool { return has(less, pause) && has(less, requestFails) })
	if len(shrunk.Faults) != 2 || !has(shrunk, pause) || !has(shrunk, requestFails) {
		t.Errorf("shrunk to %d faults, want %s and %s", len(shrunk.Faults), pause, requestFails)
	}
	if len(s.Faults) != 9 {
		t.Errorf("the schedule itself has %d faults left, want 9", len(s.Faults))
	}
}

// TestEachKindOfFaultHasWords, of which a failure's report is made.
func TestEachKindOfFaultHasWords(t *testing.T) {
	for kind := range faultKinds {
		if kind.String() == "" {
			t.Errorf("kind %d has no words", kind)
		}
	}
}
