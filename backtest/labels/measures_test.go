package labels

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMeasuresAreWords(t *testing.T) {
	j := NewJudge([]Label{
		{Entity: "a", From: 100 * minute, Until: 310 * minute, Kind: "outage"},
		{Entity: "a", From: 500 * minute, Until: 501 * minute, Kind: "spike"},
		{Entity: "a", From: 600 * minute, Until: 601 * minute, Kind: "spike"},
		{Entity: "gone", From: 600 * minute, Until: 601 * minute},
		{Entity: "a", From: 0, Until: 1},
		{Entity: "a", From: 5000 * minute, Until: 5000 * minute},
	}, DefaultOptions(15*time.Minute))
	s := j.Score(0, slices.Values([]*EntityJudge{taken(j, "a", 0, 1425, 195, 196, 400, 500)}))
	var got []string
	for _, m := range s.Measures() {
		got = append(got, m.Title+": "+m.Anomalies+" | "+m.Episodes)
		if m.Means == "" {
			t.Errorf("%s has no definition", m.Name)
		}
	}
	want := `Events: 3 | 
Labels without their entity: 1, such as gone | 
Labels after the input: 1 | 
Labels too early: 1 | 
Found: 2 | 2
Missed: 1 (1 spike) | 1 (1 spike)
Reports: 4 | 3
Inside a label: 3 | 2
Soon after one: 0 | 0
False: 1 | 1
False a day: 1.00 | 1.00
Delay, median: 0 s (0 bins) | 0 s (0 bins)
Delay, 90 %: 1 h 35 min (6.33 bins) | 1 h 35 min (6.33 bins)
Precision: 0.750 | 0.667
Recall: 0.667 | 0.667
F1: 0.706 | 0.667
NAB, standard: `
	if text := strings.Join(got, "\n"); !strings.HasPrefix(text, want) {
		t.Errorf("%s\nwant\n%s", text, want)
	}
	nothing := NewJudge(nil, Options{}).Score(0, slices.Values([]*EntityJudge{})).Measures()
	if last := nothing[len(nothing)-1]; last.Anomalies != "–" || last.Episodes != "–" {
		t.Errorf("%+v", last)
	}
	for ms, want := range map[int64]string{1500: "1.5 s", 5 * minute: "5 min", 26 * 60 * minute: "1 d 2 h"} {
		if got := delay(&ms, nil); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
