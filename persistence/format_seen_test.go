package persistence_test

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"anomalydetector/persistence"
	"anomalydetector/test/formats"
)

// TestDirectoryOfEachFormatTellsLastSeen: with Options.Seen, even if it was written without.
// The owner's state is found, too, and a checkpoint keeps both.
func TestDirectoryOfEachFormatTellsLastSeen(t *testing.T) {
	eachFormat(t, func(t *testing.T, f *formats.Format, directory string) {
		dir, o := f.Unpack(t, directory), strict(t)
		o.Seen = true
		for range 2 {
			store := open(t, dir, o)
			for _, want := range f.Of(directory) {
				p := take(t, store, want)
				checkSeen(t, p, want)
				head, _ := p.Head()
				if err := checkpoint(t, p, head, nil); err != nil {
					t.Error(err)
				}
				p.Close()
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// checkSeen expects all entities among the silent. Those with a long key are not.
func checkSeen(t *testing.T, p *persistence.Partition, want *formats.Partition) {
	t.Helper()
	var silent []persistence.Silent
	for _, key := range formats.Keys(want.Windows) {
		const longest = 1000
		if times := want.Windows[key].Times; len(key) < longest {
			silent = append(silent, persistence.Silent{Key: key, LastSeen: slices.Max(times) / 1000 * 1000})
		}
	}
	if found, err := p.Silent(0, math.MaxInt64); err != nil || !slices.Equal(found, silent) {
		t.Errorf("%s/%d: last seen are %v, %v, want %v", want.Detector, want.Number, found, err, silent)
	}
	if state := p.State(); !bytes.Equal(state, want.State) {
		t.Errorf("%s/%d: the owner's state is %q, want %q", want.Detector, want.Number, state, want.State)
	}
}
