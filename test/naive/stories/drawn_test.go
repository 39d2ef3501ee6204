package stories_test

import (
	"slices"
	"strings"
	"testing"

	"anomalydetector/test/naive"
	"anomalydetector/test/naive/stories"
)

// TestTheLedgerTellsWhatTheNaiveDetectorTells tells both random stories.
func TestTheLedgerTellsWhatTheNaiveDetectorTells(t *testing.T) {
	count := make(map[string]int)
	failed := 0
	for seed := range uint64(2000) {
		story := stories.Draw(seed)
		events := tellLedger(t, story)
		for i := range events {
			count[events[i].Kind+" "+events[i].Event+" "+events[i].Outcome]++
		}
		if difference := naive.Difference(linesOf(stories.Text(events)), linesOf(story.Want)); difference != "" {
			if failed++; failed > 5 {
				t.FailNow()
			}
			t.Errorf("seed %d: %s\n%+v %+v", seed, difference, story.Rules, story.Episodes)
		}
	}
	for _, kind := range []string{"deviation resolved silent", "deviation resolved absorbed", "deviation reopened ", "absence resolved returned",
		"absence resolved forgotten", "absence resolved unknown", "gap resolved filled", "gap resolved unknown"} {
		if count[kind] < 20 {
			t.Errorf("%q was told %d times: the stories test too little", kind, count[kind])
		}
	}
}

func linesOf(text string) []string { return slices.Collect(strings.Lines(text)) }
