package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func rows() []Row {
	run := func(steady float64) Run { return Run{Steady: steady, Total: steady / 2, PeakRSS: 50e6} }
	list := []Row{
		{Name: "count", Label: "counting", Runs: []Run{run(4e6), run(5e6), run(6e6)}},
		{Name: "detector", Label: "detector", Runs: []Run{run(1e6)}},
		{Name: "slow", Label: "a <slow> peer", Peer: true, Runs: []Run{run(10e3), run(20e3)}},
	}
	Compare(list, "count")
	return list
}

func TestRowsAreComparedWithTheLimitAndThePeers(t *testing.T) {
	list := rows()
	if got := list[1].Ratios; len(got) != 2 || got["count"] != 0.2 || got["slow"] != 1e6/15e3 {
		t.Errorf("the detector's ratios are %v", got)
	}
	if got := list[2].Ratios; len(got) != 1 || got["count"] != 15e3/5e6 {
		t.Errorf("the peer's ratios are %v: none to itself, none to the detector", got)
	}
	if got, want := list[0].Steady, (Spread{5e6, 4e6, 6e6}); got != want {
		t.Errorf("the limit is %v, want %v", got, want)
	}
}

func TestRunCountsBytesByPointAndByLivePoint(t *testing.T) {
	run := RunOf([]Sample{{time.Second, 100, 0}}, 0, 1, 1000, 500, 50)
	if run.WrittenPerPoint != 10 || run.BytesPerLive != 10 || !run.Unsteady {
		t.Errorf("run is %+v", run)
	}
}

func TestTableIsAligned(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(Table([]string{"a", "äöü"}, [][]string{{"long cell", "1"}, {"x", "22222"}}), "\n"), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines, want 4", len(lines))
	}
	for _, line := range lines {
		if utf8.RuneCountInString(line) != utf8.RuneCountInString(lines[0]) {
			t.Errorf("line %q is not as wide as the others", line)
		}
	}
	if lines[2] != "| long cell |     1 |" {
		t.Errorf("a row is %q", lines[2])
	}
}

func TestNumbersAreShortWithThreeDigits(t *testing.T) {
	for x, want := range map[float64]string{0: "-", -3: "-", 0.0012: "0.0012", 1: "1.00", 12.34: "12.3", 999.4: "999", 999.6: "1.00 k",
		1234: "1.23 k", 999_600: "1.00 M", 1.5e6: "1.50 M", 25e9: "25.0 G"} {
		if got := Short(x); got != want {
			t.Errorf("%v is shown as %q, want %q", x, got, want)
		}
	}
}

func TestChartIsWellFormedWhateverTheRows(t *testing.T) {
	for name, list := range map[string][]Row{
		"none":        nil,
		"usual":       rows(),
		"nothing ran": {{Name: "a", Label: "a"}},
		"only asides": {{Name: "a", Label: "a", Aside: true}},
		"all equal":   {{Name: "a", Label: "a", Steady: Spread{100, 100, 100}}},
	} {
		t.Run(name, func(t *testing.T) {
			chart := Chart(list)
			decoder := xml.NewDecoder(strings.NewReader(chart))
			for {
				if _, err := decoder.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%v in\n%s", err, chart)
				}
			}
			for _, bad := range []string{"NaN", "Inf", `width="-`} {
				if strings.Contains(chart, bad) {
					t.Errorf("the chart contains %s", bad)
				}
			}
			for _, row := range list {
				label := strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(row.Label)
				if strings.Contains(chart, ">"+label+"<") == row.Aside {
					t.Errorf("%s is drawn: %v", row.Label, row.Aside)
				}
			}
		})
	}
}

func TestTextShowsAllPartsThatRan(t *testing.T) {
	result := Result{Throughput: rows(), Notes: []string{"a peer was left out"}}
	text := result.Text()
	for _, want := range []string{"Throughput", "5.00 M (4.00 M - 6.00 M)", "66.7x", "Note: a peer was left out"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "Restart") {
		t.Error("a part is shown that did not run")
	}
	result.Latency = []Latency{LatencyOf("idle", []float64{3, 1, 2})}
	result.Burst = []Burst{{Bin: "1", Points: 5}}
	result.Partitions = []Scale{ScaleOf(Shape{Points: 1}, rows()[0].Runs)}
	result.Entities = result.Partitions
	result.Restart = []Restart{{Entities: 1, Seconds: []float64{1}, Spread: SpreadOf([]float64{1}),
		ColdBins: []ColdBin{{Seconds: 2, CPU: 20, Peak: 12e6, Rest: 11e6, Next: 13e6}}}}
	result.Memory = []Memory{Memory{Entities: 10, Before: 100, After: 300, Budget: 100}.Completed()}
	text = result.Text()
	for _, want := range []string{"Restart", "20.0 us", "12 MB", "11 MB", "13 MB", "| idle", "burst", "by partitions", "by entities", "20.0 B"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "nodes") {
		t.Error("a part is shown that did not run")
	}
	result.Moves = []Moves{moves()}
	result.Questions = []Questions{Questions{Nodes: 2, Rate: 50, Asked: 4, Errors: 1, Without: rows()[0].Runs, With: rows()[1].Runs}.Completed([]float64{3, 1, 2})}
	result.Total = CompareTotals([]Total{{Nodes: 1, Runs: rows()[1].Runs}, {Nodes: 2, Runs: rows()[0].Runs}})
	result.Standby = []Standby{Standby{Partitions: 10, Rate: 10_000, Without: []StandbyRun{{Core: 15}, {Core: 17}},
		With: []StandbyRun{{Core: 18, Connections: 2}, {Core: 20, Connections: 1}}}.Completed()}
	text = result.Text()
	for _, want := range []string{"Moves: 2.00 k entities", "| 50.0 a second |", "0.20x", "What several nodes do together", "5.00x",
		"16.0 % (15.0 % - 17.0 %)", "3.0 % |", " 0 | ", " 2 |"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if _, err := json.Marshal(&result); err != nil {
		t.Error(err)
	}
}

// moves has two ways, one of them twice.
func moves() Moves {
	m := Moves{Entities: 2000, WindowPoints: 288, Session: 15}
	m.Add("standby", "joins", false, Move{Partitions: 5, First: 1, All: 2, Longest: 1, Taken: 5, PeakRSS: 1e6})
	m.Add("standby", "killed", true, Move{Partitions: 5, First: 15.5, All: 16, Reported: 15.6, Longest: 16.5, PeakRSS: 3e6})
	m.Add("replay", "joins", false, Move{Partitions: 5, First: 3, All: 4, Longest: 4})
	m.Add("standby", "killed", true, Move{Partitions: 5, First: 16.5, All: 18, Reported: 15.8, Longest: 25, PeakRSS: 2e6})
	m.Sort()
	return m
}

func TestMovesAreOfOneEventAfterTheOther(t *testing.T) {
	m := moves()
	var got []string
	for _, row := range m.Rows {
		got = append(got, row.Event+" "+row.Way)
	}
	if want := "joins standby, joins replay, killed standby"; strings.Join(got, ", ") != want {
		t.Errorf("rows are %v, want %s", got, want)
	}
}

func TestSessionTimeoutIsSubtractedWhereOnlyItTells(t *testing.T) {
	m := moves()
	if got, want := m.Rows[2].Above, (Spread{2, 1, 3}); got != want {
		t.Errorf("above the session timeout are %v, want %v", got, want)
	}
	lines := strings.Split(m.table(), "\n")
	for i, want := range map[int][]string{
		2: {"joins", "standby", "1.00 s", "| - |", "5 of 5", "1 MB"},
		4: {"killed", "16.00 s", "17.00 s (16.00 s - 18.00 s)", "2.00 s (1.00 s - 3.00 s)", "15.70 s (15.60 s - 15.80 s)", "20.75 s", "0 of 10", "3 MB"},
	} {
		line := strings.Join(strings.Fields(lines[i]), " ")
		for _, part := range want {
			if !strings.Contains(line, part) {
				t.Errorf("%q is missing in %q", part, line)
			}
		}
	}
}
