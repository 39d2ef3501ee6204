package look

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
		if got := [2]string{Brief(&value), Number(&value)}; got != want {
			t.Errorf("%v is written %q, want %q", value, got, want)
		}
	}
	if Brief(nil) != Unknown || Signed(nil) != "not finite" {
		t.Error("a number that is not known is not told")
	}
	deviation := -1234.56
	if Signed(&deviation) != "−1,235" {
		t.Error(Signed(&deviation))
	}
}

func TestSpansHaveAtMostTwoUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0 s", 59 * time.Second: "59 s", 15 * time.Minute: "15 min", 3 * time.Hour: "3 h", 195 * time.Minute: "3 h 15 min", 73 * time.Hour: "3 days", 5 * 366 * 24 * time.Hour: "5 years", -time.Hour: "0 s"} {
		if got := Span(d); got != want {
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
		if a, b := Short(test.fields, "k,e,y"), Full(test.fields, "k,e,y"); a != test.short || b != test.full {
			t.Errorf("%v is called %q and %q", test.fields, a, b)
		}
	}
}

func TestColoursFollowTheThreshold(t *testing.T) {
	for deviation, want := range map[float64]string{5: "u1", 9.9: "u1", 10: "u2", 20: "u3", -5.1: "d1", -12: "d2", -400: "d3"} {
		if got := Step(&deviation, 5); got != want {
			t.Errorf("%v is %s, want %s", deviation, got, want)
		}
	}
	far := math.Inf(1)
	if Step(&far, 5) != "u3" || Step(nil, 5) != "u3" {
		t.Error("a deviation that is not finite is not the darkest")
	}
}
