package messages

import (
	"strings"
	"testing"
)

// The table in the comment of Phase is what LeadsTo says.
func TestPhasesFollowTheTable(t *testing.T) {
	want := map[Phase]string{
		Unassigned: "importing replaying broken",
		Importing:  "importing replaying broken",
		Replaying:  "importing replaying ready broken",
		Ready:      "importing replaying broken",
		Broken:     "importing replaying broken",
	}
	for _, phase := range Phases() {
		var next []string
		for _, other := range Phases() {
			if phase.LeadsTo(other) {
				next = append(next, string(other))
			}
		}
		if got := strings.Join(next, " "); got != want[phase] {
			t.Errorf("%s leads to %s, want %s", phase, got, want[phase])
		}
	}
}

// A node of an earlier version says phases, roles and states in its own words.
func TestWordsOfEarlierVersionsAreRead(t *testing.T) {
	for word, want := range map[string]Phase{"live": Ready, "following": Ready, "warming": Importing, "replaying": Replaying, "unknown": PhaseUnknown} {
		var phase Phase
		if err := phase.UnmarshalText([]byte(word)); err != nil || phase != want {
			t.Errorf("%s is read as %s, want %s", word, phase, want)
		}
	}
	var role Role
	var state State
	if _, _ = role.UnmarshalText([]byte("owner")), state.UnmarshalText([]byte("joining")); role != RoleAssigned || state != StateOpening {
		t.Errorf("owner is read as %s, joining as %s", role, state)
	}
}
