package stream

import (
	"context"
	"testing"

	"anomalydetector/messages"
)

// TestAssignmentIsKnownWithItsOffsets: a detector that took the first one for empty would drop all its partitions.
func TestAssignmentIsKnownWithItsOffsets(t *testing.T) {
	for name, c := range map[string]struct {
		told []map[string][]int32
		want bool
	}{
		"partitions, and their offsets are not known": {[]map[string][]int32{{"in": {0, 1}}}, false},
		"nothing":                     {[]map[string][]int32{{}}, true},
		"partitions that went again":  {[]map[string][]int32{{"in": {0}}, {}}, true},
		"more than what is known":     {[]map[string][]int32{{}, {"in": {0}}}, true},
		"partitions of another topic": {[]map[string][]int32{{"other": {0}}}, true},
		"the group has told nothing":  {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Session{config: Config{InputTopic: "in"}}
			s.owned.wake = func() {}
			for _, more := range c.told {
				s.joined(context.Background(), nil, more)
			}
			if s.owned.joined != c.want {
				t.Errorf("the assignment is known: %t, want %t", s.owned.joined, c.want)
			}
		})
	}
}

// TestPartitionThatTheClientHasNotTakenOverIsAskedForAgain: the client takes it over after it has said that it is assigned, and does not say when.
func TestPartitionThatTheClientHasNotTakenOverIsAskedForAgain(t *testing.T) {
	_, session := joined(t, 1)
	session.owned.mu.Lock()
	session.owned.partitions[7], session.owned.awaited[7] = messages.Assignment{Partition: 7}, mostAsked
	session.owned.mu.Unlock()
	for range mostAsked {
		if list, _ := session.Assignments(); len(list) != 1 || !session.Changed() {
			t.Fatalf("assigned are %+v; changed: %t", list, session.Changed())
		}
		_, err := session.Poll(context.Background(), 1) // it would wait for ever if nothing had changed
		must(t, err)
		_, err = session.End(context.Background(), false)
		must(t, err)
	}
	if list, _ := session.Assignments(); len(list) != 1 || session.Changed() { // it was revoked meanwhile
		t.Fatalf("assigned are %+v; changed: %t", list, session.Changed())
	}
}
