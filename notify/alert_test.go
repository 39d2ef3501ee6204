package notify

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"anomalydetector/episode"
	"anomalydetector/notify/alerts"
)

func TestKeyFieldsBecomeLegalLabels(t *testing.T) {
	got := labelNames([]string{"scope", "a-b", "a.b", "kind", "1st", "", "é", "__name__", "entity", "field_kind"})
	want := []string{"scope", "a_b", "a_b_2", "field_kind", "field_1st", "field_", "_", "field___name__", "field_entity", "field_kind_2"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	legal := regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	for _, name := range got {
		if !legal.MatchString(name) || slices.Contains(ownLabels, name) {
			t.Errorf("%q is no name for a label", name)
		}
	}
}

func TestLongValuesAreCutAndStayApart(t *testing.T) {
	long := strings.Repeat("é", 1000)
	a, b := cut(long+"a"), cut(long+"b")
	if a == b || len(a) > labelMost || !utf8.ValidString(a) || !strings.HasPrefix(a, "éééé") {
		t.Errorf("%q and %q", a, b)
	}
	if got := cut("a\xffb"); got != "a�b" {
		t.Errorf("%q", got)
	}
}

func TestSummaryIsTheSentenceOfThePage(t *testing.T) {
	n := &Notifier{config: Config{Detector: "d", KeyFields: []string{"scope", "asn"}}}
	base := alerts.Alert{Kind: alerts.Deviation, Entity: "1,2", Values: []string{"1", "2"}, Direction: "above", OpenedAt: 1_700_000_000_000,
		Usual: episode.NumberOf(0.5), Value: episode.NumberOf(1500), Deviation: episode.NumberOf(123.4)}
	for name, c := range map[string]struct {
		change func(*alerts.Alert)
		want   string
	}{
		"above": {func(*alerts.Alert) {}, "AS2 in scope AS1 rose from 0.5 to 1,500, 123 deviations above its usual level, since 2023-11-14 22:13 UTC."},
		"infinite": {func(a *alerts.Alert) { a.Deviation = episode.NumberOf(math.Inf(-1)); a.Value = episode.NumberOf(0) },
			"AS2 in scope AS1 fell from 0.5 to 0, infinitely many deviations below its usual level, since 2023-11-14 22:13 UTC."},
		"not known": {func(a *alerts.Alert) { a.Usual = episode.Number{} },
			"AS2 in scope AS1 is 123 deviations above its usual level, since 2023-11-14 22:13 UTC."},
		"turned": {func(a *alerts.Alert) { a.Value, a.Deviation = episode.NumberOf(0.1), episode.NumberOf(-6) },
			"AS2 in scope AS1 fell from 0.5 to 0.1, 6.0 deviations below its usual level, since 2023-11-14 22:13 UTC."},
		"absent": {func(a *alerts.Alert) { a.Kind = alerts.Absence }, "AS2 in scope AS1 has been absent since 2023-11-14 22:13 UTC; usually 0.5."},
		"returned": {func(a *alerts.Alert) {
			a.Kind, a.Resolved, a.ResolvedAt, a.Outcome = alerts.Absence, true, a.OpenedAt+3_600_000, "returned"
		}, "AS2 in scope AS1 was absent from 2023-11-14 22:13 UTC to 2023-11-14 23:13 UTC: returned."},
	} {
		a := base
		c.change(&a)
		if got := n.summary(&a); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestTimeOfAResolutionMayBeThatOfItsEvent(t *testing.T) {
	n := &Notifier{}
	for want, resolved := range map[int64]int64{7: 0, 5: 5} {
		a, told := n.alert(&Event{Record: episode.Record{Event: "resolved", Kind: "absence", At: 7, Resolved: resolved}})
		if !told || !a.Resolved || a.ResolvedAt != want {
			t.Errorf("%+v, want %d", a, want)
		}
	}
}

func TestLinkIsThatOfTheEntity(t *testing.T) {
	n := &Notifier{config: Config{Detector: "d", Page: "https://h/"}}
	for want, a := range map[string]alerts.Alert{
		"https://h/entity?anomaly=x&detector=d&key=1%2C%26": {Kind: alerts.Deviation, Entity: "1,&", ID: "x"},
		"https://h/entity?detector=d&key=1":                 {Kind: alerts.Absence, Entity: "1", ID: "x"},
		"https://h/?detector=d":                             {Kind: alerts.Gap},
	} {
		if got := n.link(&a); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := n.link(&alerts.Alert{Kind: alerts.Absence, Entity: cut(strings.Repeat("a", 300))}); got != "https://h/?detector=d" {
		t.Errorf("%q for an entity whose key was cut", got)
	}
}
