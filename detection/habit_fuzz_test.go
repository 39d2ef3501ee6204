package detection

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

// FuzzHabitState reads any bytes as a state. What is read is stored as the same bytes, and takes points.
func FuzzHabitState(f *testing.F) {
	rules := usualHabit()
	f.Add(new(Habit).AppendState(&rules, nil))
	for seed := range uint64(3) {
		s := randomStream(seed).one()
		var h Habit
		for i, e := range s.entries {
			h.Observe(&rules, 1, e.at, e.value)
			if i == 3 || i == 700 {
				f.Add(h.AppendState(&rules, nil))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var h Habit
		if h.ParseState(&rules, data) != nil {
			return
		}
		if again := h.AppendState(&rules, nil); !bytes.Equal(again, data) {
			t.Fatalf("%x is stored as %x", data, again)
		}
		at, _ := h.Last()
		for i := range int64(200) {
			next := max(0, min(at, math.MaxInt64-20*day)+i%7*quarter+i/50*day)
			h.PrefetchPoints(next)
			h.Add(&rules, uint64(i/3), next, float64(i%5))
			if i%11 == 0 {
				h.Rollback(uint64(i / 3))
			}
		}
	})
}

// FuzzHabit reads calls from bytes: a rollback is as if nothing had happened, a state that is read again goes on like the one that
// was stored, and Decide decides like Add. Each call is one byte of operation, one of time and one of the value.
func FuzzHabit(f *testing.F) {
	f.Add([]byte{0, 4, 1, 0, 4, 2, 1, 4, 9, 2, 0, 0, 3, 0, 0, 0, 4, 1})
	f.Add(bytes.Repeat([]byte{0, 64, 7, 0, 70, 9, 1, 200, 3}, 60))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 3000 {
			return
		}
		rules := usualHabit()
		var h, plain Habit
		epoch, at := uint64(0), int64(1_600_000_000_000)
		pending, verdicts := []point{}, []Verdict{} // of this epoch
		commit := func() {
			for i, p := range pending {
				if want := decision(plain.Add(&rules, epoch, p.at, p.value)); !same(verdicts[i], want) {
					t.Fatalf("%+v, want %+v", verdicts[i], want)
				}
			}
			verdicts = verdicts[:0]
			pending = pending[:0]
			epoch++
		}
		for ; len(data) >= 3; data = data[3:] {
			at = max(0, at+int64(int8(data[1]))*quarter/4+int64(data[0]>>4)*quarter*6)
			p := point{at, float64(int8(data[2])) / 10}
			if data[0]&8 != 0 && len(data) >= 11 {
				if x := math.Float64frombits(binary.BigEndian.Uint64(data[3:])); !math.IsNaN(x) && !math.IsInf(x, 0) {
					p.value = x
				}
			}
			switch data[0] & 7 {
			case 1:
				commit()
			case 2:
				h.Rollback(epoch)
				pending, verdicts = pending[:0], verdicts[:0]
				equalState(t, &h, &plain)
			case 3:
				commit()
				var read Habit
				if err := read.ParseState(&rules, h.AppendState(&rules, nil)); err != nil {
					t.Fatal(err)
				}
				h = read
			}
			h.PrefetchPoints(p.at)
			verdicts = append(verdicts, h.Decide(&rules, epoch, p.at, p.value, new(Evidence)))
			pending = append(pending, p)
		}
		commit()
		equalState(t, &h, &plain)
	})
}

func equalState(t *testing.T, got, want *Habit) {
	t.Helper()
	rules := usualHabit()
	if !bytes.Equal(got.AppendState(&rules, nil), want.AppendState(&rules, nil)) {
		t.Fatal("another state")
	}
}
