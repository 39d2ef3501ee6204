package limiter

import (
	"slices"
	"testing"
)

func TestFirstToAskIsFirstServed(t *testing.T) {
	limiter := New(2)
	var begun []string
	ask := func(name string) *Permit {
		one := &Permit{Limiter: limiter, Begun: func() { begun = append(begun, name) }}
		one.Ask()
		return one
	}
	first, second, third, fourth, fifth := ask("first"), ask("second"), ask("third"), ask("fourth"), ask("fifth")
	check := func(when string, want ...string) {
		t.Helper()
		if !slices.Equal(begun, want) {
			t.Errorf("%s: %v have begun, want %v", when, begun, want)
		}
	}
	check("two at the same time", "first", "second")
	third.End()
	check("a request is given up", "first", "second")
	first.End()
	check("one ends", "first", "second", "fourth")
	first.End()
	check("one ends that has ended", "first", "second", "fourth")
	first.Ask()
	second.End()
	fourth.End()
	check("two end", "first", "second", "fourth", "fifth", "first")
	fifth.End()
	first.End()
	ask("sixth")
	ask("seventh")
	check("all have ended", "first", "second", "fourth", "fifth", "first", "sixth", "seventh")
}

func TestResizeTakesNoPermitBack(t *testing.T) {
	limiter := New(2)
	begun := 0
	ask := func() *Permit {
		one := &Permit{Limiter: limiter, Begun: func() { begun++ }}
		one.Ask()
		return one
	}
	first, second := ask(), ask()
	ask()
	ask()
	limiter.Resize(1)
	first.End()
	if begun != 2 {
		t.Errorf("%d permits have begun while one of two was under way and one is allowed", begun)
	}
	second.End()
	if begun != 3 {
		t.Errorf("%d permits have begun, want 3: the next one when both have ended", begun)
	}
	limiter.Resize(2)
	if begun != 4 {
		t.Errorf("%d permits have begun, want 4: two are allowed again", begun)
	}
}
