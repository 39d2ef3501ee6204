package page

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"anomalydetector/web/answers"
)

var (
	hegemony = []answers.KeyField{{Name: "scope", ASN: true}, {Name: "asn", ASN: true}}
	delay    = []answers.KeyField{{Name: "startpoint"}, {Name: "endpoint"}}
)

func TestSearchUnderstands(t *testing.T) {
	tests := []struct {
		query   string
		keys    []answers.KeyField
		want    string // fields, text, least deviation, side, state
		unknown int
	}{
		{"", hegemony, `map[] "" 0  `, 0},
		{"AS64510", hegemony, `map[asn:64510] "" 0  `, 0},
		{"as64510 scope:-1", hegemony, `map[asn:64510 scope:-1] "" 0  `, 0},
		{"scope:AS64500", hegemony, `map[scope:64500] "" 0  `, 0},
		{"scope:global", hegemony, `map[scope:-1] "" 0  `, 0},
		{"SCOPE:-1", hegemony, `map[scope:-1] "" 0  `, 0},
		{"dev>20", hegemony, `map[] "" 20  `, 0},
		{"dev>=20.5 up", hegemony, `map[] "" 20.5 up `, 0},
		{"deviation>7 down open", hegemony, `map[] "" 7 down open`, 0},
		{"ended", hegemony, `map[] "" 0  ended`, 0},
		{"645", hegemony, `map[] "645" 0  `, 0},
		{"-1,64524", hegemony, `map[] "-1,64524" 0  `, 0},
		{"Central Singapore", delay, `map[] "Central Singapore" 0  `, 0},
		{`endpoint:"CT4Singapore, Central Singapore, SG" dev>5`, delay, `map[endpoint:CT4Singapore, Central Singapore, SG] "" 5  `, 0},
		{"AS64500v4", delay, `map[] "AS64500v4" 0  `, 0},
		{"AS64500", delay, `map[] "AS64500" 0  `, 0},
		{`"2001:db8::1"`, delay, `map[] "2001:db8::1" 0  `, 0},
		{`"up"`, hegemony, `map[] "up" 0  `, 0},
		{"assets", hegemony, `map[] "assets" 0  `, 0},
		{"develop", hegemony, `map[] "develop" 0  `, 0},
		{"foo:bar AS1", hegemony, `map[asn:1] "" 0  `, 1},
		{"dev<20 dev>x dev>NaN dev>-3", hegemony, `map[] "" 0  `, 4},
		{"AS1", nil, `map[] "AS1" 0  `, 0},
		{`scope:`, hegemony, `map[scope:] "" 0  `, 0},
		{`"unclosed x`, hegemony, `map[] "unclosed x" 0  `, 0},
	}
	for _, test := range tests {
		s := readSearch(test.query, test.keys)
		if got := fmt.Sprintf("%v %q %v %s %s", s.fields, s.text, s.least, s.side, s.state); got != test.want || len(s.Unknown) != test.unknown {
			t.Errorf("%q is read as %s with unknown %q, want %s with %d", test.query, got, s.Unknown, test.want, test.unknown)
		}
	}
}

func TestAnASNumberOffersItsOtherMeaning(t *testing.T) {
	s := readSearch("AS64510", hegemony)
	if s.Instead == nil || s.Instead.Href != "scope:64510" {
		t.Errorf("%+v", s.Instead)
	}
	if again := readSearch(s.Instead.Href, hegemony); again.fields["scope"] != "64510" {
		t.Errorf("%+v", again)
	}
}

// FuzzSearch holds that every text can be read, and that no part of it is lost silently.
func FuzzSearch(f *testing.F) {
	for _, seed := range []string{"AS64510 scope:-1 dev>20", `endpoint:"a, b" "x`, "::", `a:"`, "dev>1e999", "\x00\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		s := readSearch(query, hegemony)
		if math.IsNaN(s.least) || math.IsInf(s.least, 0) || s.least < 0 {
			t.Errorf("at least %v deviations", s.least)
		}
		for name := range s.fields {
			if name != "scope" && name != "asn" {
				t.Errorf("a field %q", name)
			}
		}
		if strings.Trim(query, " \t\n\r\v\f\u0085\u00a0\u2028\u2029\u3000\"") != "" && len(s.fields) == 0 && s.text == "" && s.least == 0 && s.side == "" && s.state == "" && len(s.Unknown) == 0 && !strings.Contains(strings.ToLower(query), "dev") && strings.TrimSpace(query) != "" && len(terms(s.Query)) > 0 {
			t.Errorf("%q is lost", query)
		}
	})
}
