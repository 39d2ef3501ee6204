package completeness

import "testing"

func TestLatenessIsBoundedUnlessItRepeats(t *testing.T) {
	bound := 4 * dayMs
	var l lateness
	l.note(bound-1, bound, false)
	if got := l.at(today, bound); got != bound-1 {
		t.Errorf("what is usual counts as %d, want %d", got, bound-1)
	}
	l.note(today, bound, true)
	if got := l.at(today, bound); got != bound-1 {
		t.Errorf("one record of 1970 makes the lateness %d, want %d", got, bound-1)
	}
	l.note(today-dayMs, bound, true)
	if got := l.at(today+dayMs, bound); got != today-dayMs {
		t.Errorf("a second one makes it %d, want %d", got, today-dayMs)
	}
	l.at(today+bound+dayMs, bound)
	if got := l.at(today+3*bound, bound); got != bound-1 {
		t.Errorf("when they have ended it is %d, want %d", got, bound-1)
	}
	var restored lateness
	restored.restore(today, bound)
	if got := restored.at(today, bound); got != bound {
		t.Errorf("a stored lateness of decades counts as %d, want %d", got, bound)
	}
}
