package completeness

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A clock that is stored and read at any moment goes on as one that is not, and tells the time of a Tracker.
func TestAClockGoesOnAfterItIsStored(t *testing.T) {
	r := rand.New(rand.NewPCG(20, 1))
	for range 500 {
		var plain, stored Clock
		tracker := New(24 * time.Hour)
		at := int64(1_700_000_000_000)
		for range 200 {
			switch r.IntN(10) {
			case 0:
				at += (r.Int64N(9) - 4) * leap
			default:
				at += r.Int64N(1000)
			}
			key, known := string(rune('a'+r.IntN(6))), 1+r.IntN(10)
			for _, c := range []*Clock{&plain, &stored} {
				if !c.Near(at) {
					c.Outlier(at, key, known)
				}
			}
			if !tracker.Near(at) {
				tracker.Outlier(at, key, known)
			}
			if r.IntN(3) == 0 {
				b := stored.Append(nil)
				rest, ok := stored.Decode(append(slices.Clone(b), 7))
				if !ok || len(rest) != 1 {
					t.Fatalf("%v, %d bytes are left", ok, len(rest))
				}
				for cut := range b {
					var other Clock
					if rest, ok := other.Decode(b[:cut]); ok && len(rest) > 0 {
						t.Fatal("a part of it is read")
					}
				}
			}
			if plain.Time() != stored.Time() || plain.Time() != tracker.StreamTime() {
				t.Fatalf("the times are %d, %d and %d", plain.Time(), stored.Time(), tracker.StreamTime())
			}
		}
	}
}
