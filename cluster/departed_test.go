package cluster

import (
	"errors"
	"slices"
	"testing"

	"anomalydetector/stream"
)

// TestMemberHasDepartedOnlyOnceOthersOwnEveryPartition: not during a rebalance, not while a
// partition has no owner, and not while the broker does not answer.
func TestMemberHasDepartedOnlyOnceOthersOwnEveryPartition(t *testing.T) {
	earlier := []member{{of("a", 0)}, {of("b", 1)}}
	for name, c := range map[string]struct {
		found    []stream.Member
		stable   bool
		err      error
		departed []string
	}{
		"nobody":             {[]stream.Member{of("a", 0), of("b", 1)}, true, nil, nil},
		"b, and a took over": {[]stream.Member{of("a", 0, 1)}, true, nil, []string{"b"}},
		"not yet taken over": {[]stream.Member{of("a", 0)}, true, nil, nil},
		"during a rebalance": {[]stream.Member{of("a", 0, 1)}, false, nil, nil},
		"the broker is away": {[]stream.Member{of("a", 0, 1)}, true, errors.New("away"), nil},
		"b came back":        {[]stream.Member{of("a", 0, 1), of("b")}, true, nil, nil},
	} {
		var v view
		v.update(c.found, c.stable, noon)
		v.err = c.err
		if departed := v.departed(earlier, 2); !slices.Equal(departed, c.departed) {
			t.Errorf("%s: departed are %v, want %v", name, departed, c.departed)
		}
	}
}
