package stream

import (
	"context"
	"testing"
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
