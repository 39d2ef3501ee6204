package labels

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"anomalydetector/backtest/times"
	"anomalydetector/test/series"
)

// TestScoreOfAPublishedDetectorIsNABsOwn runs the reports that the project keeps.
func TestScoreOfAPublishedDetectorIsNABsOwn(t *testing.T) {
	const folder = "testdata/nab"
	j := NewJudge(labelsOf(t, folder+"/labels.json"), DefaultOptions(5*time.Minute))
	var entities []*EntityJudge
	var at int64
	for _, row := range rowsIn(t, folder+"/reports.csv.gz") {
		if row[0] != "" {
			entities = append(entities, j.Entity(bare(row[0])))
			at = 0
		}
		step, err := strconv.ParseInt(row[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		at += step * 1000
		entities[len(entities)-1].Take(at, []Said{{true, row[2] == "1", false}})
	}
	if len(entities) != 30 {
		t.Fatalf("%d files, want 30", len(entities))
	}
	isPublished(t, j.Score(0, slices.Values(entities)), publishedIn(t, folder+"/published.json"))
}

// TestScoreOfThePublishedScoresIsNABsOwn runs the published anomaly scores themselves, with the published thresholds.
// A score that equals the threshold is a report. An entity is named as a file's name only.
func TestScoreOfThePublishedScoresIsNABsOwn(t *testing.T) {
	const folder = "../../../shared/nab"
	if _, err := os.Stat(folder); err != nil {
		t.Skip("the published anomaly scores are not beside the project: ", err)
	}
	j := NewJudge(labelsOf(t, folder+"/labels.json"), DefaultOptions(5*time.Minute))
	published := publishedIn(t, folder+"/windowedGaussian.json")
	files, err := filepath.Glob(folder + "/windowedGaussian/*/*.csv.gz")
	if err != nil || len(files) != 30 {
		t.Fatalf("%d files, want 30 (%v)", len(files), err)
	}
	var entities []*EntityJudge
	for _, file := range files {
		e := j.Entity(bare(base(file)))
		for _, row := range rowsIn(t, file) {
			at, err := instant(row[0], times.Parse)
			if err != nil {
				t.Fatal(err)
			}
			score, err := strconv.ParseFloat(row[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			e.Take(at, []Said{{true, score >= published["standard"].Threshold, false}})
		}
		entities = append(entities, e)
	}
	isPublished(t, j.Score(0, slices.Values(entities)), published)
}

// published is what NAB's program gives, by profile.
type published map[string]struct{ Threshold, Score float64 }

func publishedIn(t *testing.T, file string) (p published) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func isPublished(t *testing.T, s *Score, p published) {
	t.Helper()
	if s.Labels != 63 || s.NoEntity != 0 || s.Anomalies.NAB.Windows != 63 || s.Anomalies.NAB.Found != 42 {
		t.Errorf("%d labels, %d without entity, %d windows, %d found; want 63, 0, 63, 42", s.Labels, s.NoEntity, s.Anomalies.NAB.Windows, s.Anomalies.NAB.Found)
	}
	for profile, got := range map[string]*float64{
		"standard": s.Anomalies.NAB.Standard, "reward_low_FP_rate": s.Anomalies.NAB.LowFP, "reward_low_FN_rate": s.Anomalies.NAB.LowFN} {
		want, has := p[profile]
		if !has || got == nil || math.Abs(*got-want.Score) > 1e-9 {
			t.Errorf("%s: %v, want %v", profile, number(got), want.Score)
		}
	}
	// Nothing opened an episode, so that way of counting sees a detector that reports nothing.
	if got := s.Episodes.NAB.Standard; got == nil || *got != 0 {
		t.Errorf("no report at all scores %v, want 0", number(got))
	}
}

func TestNABScoresNothingZeroAndTheFirstRowsHundred(t *testing.T) {
	const rows = 2000
	for name, windows := range map[string][][2]int64{
		"one window":                           {{1000, 1100}},
		"one row":                              {{1000, 1000}},
		"adjacent windows":                     {{1000, 1100}, {1101, 1200}},
		"one begins with the end of the other": {{1000, 1100}, {1100, 1200}},
		"up to the last row":                   {{1000, 1100}, {1900, rows - 1}},
		"beyond the last row":                  {{1900, 3 * rows}},
		"begins in the probation":              {{250, 350}, {1000, 1100}},
		"begins early, after probation":        {{400, 500}, {600, 900}},
		"within the probation, one later":      {{100, 200}, {1000, 1100}},
	} {
		t.Run(name, func(t *testing.T) {
			var all []Label
			perfect := map[int64]bool{}
			for _, w := range windows {
				all = append(all, Label{Entity: "a", From: w[0] * 1000, Until: w[1] * 1000})
				if first := max(w[0], probation(rows)); first <= w[1] {
					perfect[first] = true
				}
			}
			j := NewJudge(all, DefaultOptions(time.Second))
			nothing, first := j.Entity("a"), j.Entity("a")
			for row := range int64(rows) {
				nothing.Take(row*1000, []Said{{true, row < probation(rows), false}})
				first.Take(row*1000, []Said{{true, perfect[row], perfect[row]}})
			}
			none, full := j.Score(0, slices.Values([]*EntityJudge{nothing})), j.Score(0, slices.Values([]*EntityJudge{first}))
			for _, c := range []struct {
				got  NAB
				want float64
			}{{none.Anomalies.NAB, 0}, {full.Anomalies.NAB, 100}, {full.Episodes.NAB, 100}} {
				for _, got := range []*float64{c.got.Standard, c.got.LowFP, c.got.LowFN} {
					if got == nil || math.Abs(*got-c.want) > 1e-9 {
						t.Errorf("%v, want %v", number(got), c.want)
					}
				}
			}
		})
	}
}

func TestNABWeighsAReportByItsPlace(t *testing.T) {
	// Rows 1000 to 1099 are the window of 3000 rows.
	score := func(reports ...int64) float64 {
		j := NewJudge([]Label{{Entity: "a", From: 1000, Until: 1099}}, DefaultOptions(time.Second))
		e := j.Entity("a")
		for row := range int64(3000) {
			e.Take(row, []Said{{true, slices.Contains(reports, row), false}})
		}
		return *j.Score(0, slices.Values([]*EntityJudge{e})).Anomalies.NAB.Standard
	}
	near := func(what string, got, want float64) {
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	near("a report before the window", score(1000, 500), 100-50*0.11)
	near("a report in the probation", score(1000, 449), 100)
	near("the first row after the probation", score(1000, 450), 100-50*0.11)
	near("a second report in the window", score(1000, 1001), 100)
	near("a report far after it", score(1000, 1397), 100-50*0.11)
	near("a report one width after it", score(1000, 1198), 100+50*0.11*(2/(1+math.Exp(5))-1))
	near("a report in its last row", score(1099), 50+50*(2/(1+math.Exp(-0.05))-1)/(2/(1+math.Exp(-5))-1))
	near("a missed window and a false report", score(500), -50*0.11)
}

func number(p *float64) any {
	if p == nil {
		return nil
	}
	return *p
}

func labelsOf(t *testing.T, file string) []Label {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := Parse(file, f)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// rowsIn are the rows of a compressed CSV file, without its header.
func rowsIn(t *testing.T, file string) [][]string {
	t.Helper()
	rows, err := series.Rows(file)
	if err != nil {
		t.Fatal(file, err)
	}
	return rows
}
