package cluster

import (
	"errors"
	"slices"
	"testing"

	"anomalydetector/stream"
)

// TestMembersAreGoneOnceOthersOwnAll: not while the group changes, not while a
// partition has no owner, and not where the broker cannot be asked.
func TestMembersAreGoneOnceOthersOwnAll(t *testing.T) {
	earlier := []member{{of("a", 0)}, {of("b", 1)}}
	for name, c := range map[string]struct {
		found  []stream.Member
		stable bool
		err    error
		gone   []string
	}{
		"nobody":             {[]stream.Member{of("a", 0), of("b", 1)}, true, nil, nil},
		"b, and a took over": {[]stream.Member{of("a", 0, 1)}, true, nil, []string{"b"}},
		"not yet taken over": {[]stream.Member{of("a", 0)}, true, nil, nil},
		"the group changes":  {[]stream.Member{of("a", 0, 1)}, false, nil, nil},
		"an old view":        {[]stream.Member{of("a", 0, 1)}, true, errors.New("away"), nil},
		"one that came back": {[]stream.Member{of("a", 0, 1), of("b")}, true, nil, nil},
	} {
		var v view
		v.update(c.found, c.stable, noon)
		v.err = c.err
		if gone := v.gone(earlier, 2); !slices.Equal(gone, c.gone) {
			t.Errorf("%s: gone are %v, want %v", name, gone, c.gone)
		}
	}
}
