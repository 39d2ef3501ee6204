package episode

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

// TestParseRecord: what a detector publishes is read as it was, and nothing else is read.
func TestParseRecord(t *testing.T) {
	deviation := Occurrence{Kind: Deviation, Entity: "k", Value: math.Inf(1), Deviation: 6, Step: Step{Event: Resolved, At: 9,
		Episode: Episode{ID: anID, Usual: math.NaN(), Low: 0.1, High: 0.2, Outcome: Recovered, EndedAt: 8, Peak: Anomaly{ID: anID}}}}
	absence := Occurrence{Kind: Absence, Entity: "k", Step: Step{Event: Opened, Episode: Episode{ID: anID}}}
	gap := Occurrence{Kind: Gap, Step: Step{Event: Opened, Episode: Episode{ID: anID}}}
	for _, o := range []Occurrence{deviation, absence, gap} {
		want := RecordOf(&o, "detector")
		value, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseRecord(value); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as %+v, error %v; want %+v", value, got, err, want)
		}
	}
	for value, want := range map[string]string{
		``:                                "unexpected end",
		`[]`:                              "cannot unmarshal",
		`{"event":"opened","kind":"gap"}`: "it has no id",
		`{"id":"i","event":"closed","kind":"gap"}`:                        `event "closed" of kind "gap"`,
		`{"id":"i","event":"opened","kind":"hole","entity":"k"}`:          `event "opened" of kind "hole"`,
		`{"id":"i","event":"opened","kind":"gap","entity":"k"}`:           `kind "gap" with entity "k"`,
		`{"id":"i","event":"opened","kind":"absence"}`:                    `kind "absence" with entity ""`,
		`{"id":"i","event":"opened","kind":"deviation","deviation":"no"}`: "invalid syntax",
	} {
		if r, err := ParseRecord([]byte(value)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is read as %+v, error %v; want %s", value, r, err, want)
		}
	}
}

// TestKeysThatHaveNoEpisodes: the key of a record must be its entity's alone.
func TestKeysThatHaveNoEpisodes(t *testing.T) {
	for key, want := range map[string]bool{"k": true, strings.Repeat("k", 999): true, strings.Repeat("k", 1000): false, "": false, "a\x00b": false} {
		c := newCrowd(ledgerRules)
		events := c.point('a', key, 1000*bin, 1)
		if got := len(events) == 1; got != want || c.ledger.Keeps(key) != want {
			t.Errorf("a key of %d bytes has %d events, kept %t; want an episode: %t", len(key), len(events), c.ledger.Keeps(key), want)
		}
	}
}
