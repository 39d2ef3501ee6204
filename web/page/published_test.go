package page_test

import (
	"regexp"
	"strings"
	"testing"

	"anomalydetector/web/page/sample"
)

func TestPublishedEpisodesAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		path string
		want []string
		not  []string
	}{
		"now": {"/", []string{"10 entities have vanished.", "Partition 7 has a gap, with 311 of usually 41,280 entities, since 20:45 UTC.", "silent 11", "vanished , usually 0.19",
			"5 more of scope AS64535 vanished at 20:15 UTC, too.", "311 of usually 41,280 entities"}, nil},
		"silent ones":           {"/?state=silent", []string{"vanished , usually 0.61", "no data since"}, []string{"AS64530 -1,64530"}},
		"nobody is silent":      {"/?state=silent&detector=atlas+delay", []string{"No entity is silent."}, nil},
		"gaps":                  {"/?kind=gap", []string{"gaps only ×", "10 partitions", "0 of usually 412,800 entities", "over"}, []string{"vanished ,"}},
		"a kind that is none":   {"/?kind=hole", []string{"kind=hole: it is deviation, absence or gap"}, nil},
		"a state that is none":  {"/?state=both", []string{"state=both: it is open, ended or silent"}, nil},
		"an absent entity":      {entityPath("hegemony", "-1,65020"), []string{"AS65020 in the global graph has vanished.", "It has been absent since 18:15 UTC, for 3 h 30 min so far"}, nil},
		"one that came back":    {entityPath("hegemony", "64512,65021"), []string{"Its last absence began at Mon 23 Nov 15:45 UTC and lasted 9 h: came back."}, nil},
		"a flapping one":        {entityPath("hegemony", "64513,65022"), []string{"back to usual, reopened 3 times.", "reopened 3 times"}, nil},
		"those that went along": {entityPath("hegemony", "64535,65030"), []string{"Changed at the same time in this scope", "AS65031", "vanished , usually 0.19"}, []string{"the opposite way", "taken over"}},
	} {
		t.Run(name, func(t *testing.T) {
			answer, body := get(t, sample.Published, c.path)
			text := plain(body)
			for _, want := range c.want {
				if answer.StatusCode != 200 || !strings.Contains(text, want) {
					t.Errorf("%d, without %q:\n%.3000s", answer.StatusCode, want, text)
				}
			}
			for _, not := range c.not {
				if strings.Contains(text, not) {
					t.Errorf("%q is told", not)
				}
			}
		})
	}
}

func TestAbsencesAndGapsAreDrawn(t *testing.T) {
	count := func(path, class string) int {
		_, body := get(t, sample.Published, path)
		return len(regexp.MustCompile(`<rect class="`+class+`" x="[0-9.]+%"`).FindAllString(body, -1))
	}
	for _, c := range []struct {
		path, class string
		want        int
	}{
		{"/", "gap", 2}, {"/", "hole", 0}, {"/?by=entity&rows=all", "absent", 11}, {"/?by=scope&rows=all", "absent", 3},
		{entityPath("hegemony", "-1,65020"), "absent", 1}, {entityPath("hegemony", "-1,65020"), "missing", 0}, {entityPath("hegemony", "-1,65020"), "gap", 1},
		{entityPath("hegemony", "64512,65021"), "absent", 1}, {entityPath("hegemony", "64513,65022"), "absent", 0},
	} {
		if got := count(c.path, c.class); got != c.want {
			t.Errorf("%s has %d of class %s, want %d", c.path, got, c.class, c.want)
		}
	}
}

func TestWithoutPublishedEpisodesNobodyIsSilent(t *testing.T) {
	_, body := get(t, sample.Busy, "/?state=silent")
	if text := plain(body); !strings.Contains(text, "this detector does not publish its episodes") || strings.Contains(text, "silent 0") {
		t.Errorf("%.600s", text)
	}
	if _, body := get(t, sample.Busy, "/"); strings.Contains(body, "state=silent") {
		t.Error("silent entities can be asked for")
	}
}
