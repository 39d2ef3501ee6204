package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"anomalydetector/backtest/labels"
	"anomalydetector/detection"
	"anomalydetector/synthetic"
)

var small = size{seeds: 2, entities: 60, days: 14, events: 24}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheOriginalsSettingsAreInTheGrid(t *testing.T) {
	s, err := originals()
	must(t, err)
	want := detection.Settings{GranularityMinutes: 15, HistoryHours: 72, MinRatio: 0.6, Threshold: 5, MinDeviation: 0.01, Metric: detection.MeanDeviation}
	if s != want {
		t.Errorf("the original's are %+v, want %+v", s, want)
	}
	here := 0
	for _, other := range gridAround(s) {
		if other == s {
			here++
		}
	}
	if here != 1 {
		t.Errorf("they are in the grid %d times", here)
	}
}

func TestSilenceIsNotFoundAndEachEventIsCountedOnce(t *testing.T) {
	s, err := originals()
	must(t, err)
	all, err := newStreams(small, 1)
	must(t, err)
	outcomes, err := all.try(t.Context(), []detection.Settings{s, s}, true)
	must(t, err)
	o := outcomes[0]
	if o.Events != len(all.labels) || o.Events == 0 || o.Episodes.Found+o.Episodes.Missed != o.Events || o.messages != o.Episodes.Reports {
		t.Errorf("%d labels, %+v", len(all.labels), o.Score)
	}
	for _, kind := range o.Episodes.Kinds {
		silent := kind.Kind == "vanish" || strings.HasSuffix(kind.Kind, "vanishes")
		if silent && kind.Found > 0 || kind.Kind == "outage" && kind.Found == 0 {
			t.Errorf("of %d %s, %d are found", kind.Events, kind.Kind, kind.Found)
		}
	}
	wrong := int64(0)
	for _, n := range o.wrong {
		wrong += n
	}
	if wrong != o.Episodes.False {
		t.Errorf("%d false messages by kind of entity, %d in all", wrong, o.Episodes.False)
	}
	r := report{all, "best", [2]detection.Settings{s, s}, [2]outcome(outcomes)}
	events, found := r.count(func(event) bool { return true })
	if events != o.Events || found != [2]int{o.Episodes.Found, o.Episodes.Found} {
		t.Errorf("%d events and %v found, want %d and %d", events, found, o.Events, o.Episodes.Found)
	}
}

func TestTheSettingWithTheLargestF1IsTheBest(t *testing.T) {
	of := func(f1 float64) outcome { return outcome{Score: &labels.Score{Episodes: labels.Fit{F1: &f1}}} }
	none := outcome{Score: &labels.Score{}}
	if best := bestOf([]outcome{none, of(0.3), of(0.5), of(0.5), of(0.4), none}); best != 2 {
		t.Errorf("the best is %d", best)
	}
}

// TestThePageHasAPlaceForEachTable and each place has a table.
func TestThePageHasAPlaceForEachTable(t *testing.T) {
	content, err := os.ReadFile("../../docs/detection.md")
	must(t, err)
	page := filepath.Join(t.TempDir(), "page.md")
	must(t, os.WriteFile(page, content, 0o644))
	must(t, run(t.Context(), []string{"--seeds", "2", "--entities", "60", "--days", "14", "--events", "24", "--series", "none", "--page", page}, io.Discard, io.Discard))
	filled, err := os.ReadFile(page)
	must(t, err)
	places := regexp.MustCompile(`<!-- make detection: (\w+) -->\n\n\|[^!]*\|\n\n<!-- end -->\n`)
	if n, all := len(places.FindAll(filled, -1)), bytes.Count(filled, []byte("<!-- make detection")); n != all || n != 15 {
		t.Errorf("%d of %d places have a table, want 15:\n%s", n, all, filled)
	}
	if bytes.Equal(filled, content) {
		t.Error("other streams give the same tables")
	}
	must(t, os.WriteFile(page, []byte("nothing\n"), 0o644))
	if err := fill(page, map[string]string{"grid": ""}); err == nil || !strings.Contains(err.Error(), "no place for the table grid") {
		t.Errorf("a page without places: %v", err)
	}
}

func TestKindsTakeTurns(t *testing.T) {
	got := turns(map[synthetic.Kind]int{synthetic.Spike: 3, synthetic.Outage: 1}, 7)
	if len(got) != 4 || got[0] != synthetic.Spike || got[1] != synthetic.Outage || got[3] != synthetic.Spike {
		t.Errorf("%v", got)
	}
}

// TestHabitOnSeriesIsTheReferences has the published score of the reference on the thirty series, if they are beside the project.
func TestHabitOnSeriesIsTheReferences(t *testing.T) {
	original, err := originals()
	must(t, err)
	const folder = "../../../shared/nab"
	s, err := readSeries(folder)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the series are not beside the project")
	}
	must(t, err)
	scores, _ := s.scores(original)
	if got := *scores[1].Episodes.NAB.Standard; got < 66.95 || got >= 67.05 {
		t.Errorf("habit scores %v, the reference 67.0", got)
	}
	if _, err := seriesTable(t.TempDir(), original); err != nil {
		t.Errorf("without the series: %v", err)
	}
}
