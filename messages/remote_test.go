package messages

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
)

// TestPackedWindowsAreTheSame: from node to node nothing of a window changes, to the
// last bit, whether it is packed or not.
func TestPackedWindowsAreTheSame(t *testing.T) {
	window := []WindowPoint{{1600158600000, 0.1 + 0.2}, {-1, math.Copysign(0, -1)}, {math.MaxInt64, math.MaxFloat64}, {math.MinInt64, math.SmallestNonzeroFloat64}}
	habit := HabitStatus{Hours: 48, Expected: []Expectation{{}, {true, false, 0.1 + 0.2, math.Copysign(0, -1), math.MaxFloat64}, {Known: true, Exact: true}}}
	for _, packed := range []bool{true, false} {
		copied := habit
		sent := EntityStatus{Partition: 3, Window: window, Habit: &copied}
		if packed {
			sent.Pack()
		}
		text, err := json.Marshal(sent)
		if err != nil {
			t.Fatal(err)
		}
		var got EntityStatus
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		got.Unpack()
		if want := (EntityStatus{Partition: 3, Window: window, Habit: &habit}); !reflect.DeepEqual(got, want) || math.Signbit(got.Window[1].Value) != true {
			t.Errorf("packed %t: got %+v, want %+v", packed, got, want)
		}
	}
	truncated := EntityStatus{Packed: make([]byte, 3*packedPoint-1)}
	truncated.Unpack()
	if len(truncated.Window) != 2 {
		t.Errorf("two points and a half are %d", len(truncated.Window))
	}
}
