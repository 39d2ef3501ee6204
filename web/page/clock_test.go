package page

import (
	"testing"
	"time"

	"anomalydetector/web/answers"
)

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
