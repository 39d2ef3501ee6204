package page

import (
	"math"
	"testing"
	"time"

	"anomalydetector/web/answers"
)

func TestNumbersAreAsLongAsTheyAreUseful(t *testing.T) {
	for value, want := range map[float64][2]string{
		0: {"0", "0"}, 0.7152: {"0.72", "0.7152"}, 1: {"1", "1"}, -0.5: {"−0.5", "−0.5"}, 0.0413: {"0.041", "0.0413"},
		0.00018: {"0.00018", "0.00018"}, 44.31: {"44.3", "44.31"}, 127.43: {"127", "127.43"}, 1234.5: {"1,234", "1,234"}, -98765.4: {"−98,765", "−98,765"},
		100: {"100", "100"}, 1200: {"1,200", "1,200"}, 1e12: {"1e+12", "1e+12"}, 1e-9: {"1e−09", "1e−09"},
	} {
		if got := [2]string{brief(&value), number(&value)}; got != want {
			t.Errorf("%v is written %q, want %q", value, got, want)
		}
	}
	if brief(nil) != unknown || signed(nil) != "not finite" {
		t.Error("a number that is not known is not told")
	}
	deviation := -1234.56
	if signed(&deviation) != "−1,235" {
		t.Error(signed(&deviation))
	}
}

func TestSpansHaveAtMostTwoUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0 s", 59 * time.Second: "59 s", 15 * time.Minute: "15 min", 3 * time.Hour: "3 h", 195 * time.Minute: "3 h 15 min", 73 * time.Hour: "3 days", 5 * 366 * 24 * time.Hour: "5 years", -time.Hour: "0 s"} {
		if got := span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestEntitiesAreNamedAsPeopleSayThem(t *testing.T) {
	asn := func(name, value string) answers.Field { return answers.Field{Name: name, Value: value, ASN: true} }
	tests := []struct {
		fields      []answers.Field
		short, full string
	}{
		{[]answers.Field{asn("scope", "-1"), asn("asn", "64524")}, "global · AS64524", "AS64524 in the global graph"},
		{[]answers.Field{asn("scope", "64500"), asn("asn", "64524")}, "AS64500 · AS64524", "AS64524 in scope AS64500"},
		{[]answers.Field{{Name: "startpoint", Value: "-1"}, {Name: "endpoint", Value: "a, b"}}, "-1 · a, b", "-1 · a, b"},
		{[]answers.Field{asn("asn", "x")}, "x", "x"},
		{nil, "k,e,y", "k,e,y"},
	}
	for _, test := range tests {
		if a, b := short(test.fields, "k,e,y"), full(test.fields, "k,e,y"); a != test.short || b != test.full {
			t.Errorf("%v is called %q and %q", test.fields, a, b)
		}
	}
}

func TestOnlyPublicASesHavePagesElsewhere(t *testing.T) {
	for value, want := range map[string]bool{"3356": true, "64495": true, "64496": false, "64511": false, "64512": false, "65534": false, "65535": false, "65536": false, "65551": false, "65552": true,
		"4199999999": true, "4200000000": false, "4294967295": false, "0": false, "23456": false, "-1": false, "x": false, "": false, "1e3": false} {
		if got := public(value); got != want {
			t.Errorf("AS%s: %v", value, got)
		}
	}
	scope := []answers.Field{{Name: "scope", Value: "3356", ASN: true}, {Name: "asn", Value: "64500", ASN: true}}
	if _, links := elsewhere(scope); len(links) == 0 || links[0].Href != "https://www.ihr.live/en/network/AS3356" {
		t.Errorf("the scope's pages are not linked: %v", links)
	}
	if _, links := elsewhere([]answers.Field{{Name: "startpoint", Value: "3356"}}); links != nil {
		t.Error("a field that holds no AS number has pages of an AS")
	}
}

func TestAScaleHoldsAllValuesBetweenRoundNumbers(t *testing.T) {
	low, high := -0.05, 0.2
	tests := [][]float64{{0, 1}, {0.7, 0.72}, {5, 5}, {0, 0}, {-3, 12}, {1e-8, 3e-8}, {99990, 100010}, {1e300, 2e300}}
	for _, values := range tests {
		var points []answers.Point
		for _, v := range values {
			points = append(points, answers.Point{Value: v})
		}
		for _, e := range []answers.Entity{{}, {Low: &low, High: &high}} {
			s := scaleOf(points, e)
			for _, v := range values {
				if at := s.at(v); !(at >= -1e-9 && at <= 1+1e-9) {
					t.Errorf("%v: %v is placed at %v of %+v", values, v, at, s)
				}
			}
			if n := len(s.levels()); n < 2 || n > 8 {
				t.Errorf("%v: %d levels", values, n)
			}
		}
	}
	if s := scaleOf([]answers.Point{{Value: 0.1}}, answers.Entity{Low: &low, High: &high}); s.low != 0 {
		t.Errorf("values that are never below 0 are drawn from %v on", s.low)
	}
}

func TestColoursFollowTheThreshold(t *testing.T) {
	for deviation, want := range map[float64]string{5: "u1", 9.9: "u1", 10: "u2", 20: "u3", -5.1: "d1", -12: "d2", -400: "d3"} {
		if got := step(&deviation, 5); got != want {
			t.Errorf("%v is %s, want %s", deviation, got, want)
		}
	}
	far := math.Inf(1)
	if step(&far, 5) != "u3" || step(nil, 5) != "u3" {
		t.Error("a deviation that is not finite is not the darkest")
	}
}

func TestOldDataIsShownByItsOwnTime(t *testing.T) {
	now := time.Date(2026, 11, 24, 21, 34, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		behind time.Duration
		old    bool
	}{"fresh": {4 * time.Minute, false}, "an hour late": {time.Hour, false}, "a day late": {25 * time.Hour, true}, "ahead": {-2 * time.Hour, true}} {
		until := now.Add(-test.behind)
		c := clock{Now: now, Ref: now}
		c.follow(answers.Detector{DataUntil: &until, BinSeconds: 900})
		if c.Old != test.old || test.old && !c.Ref.Equal(until) {
			t.Errorf("%s: %+v", name, c)
		}
	}
}
