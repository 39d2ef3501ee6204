package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"anomalydetector/backtest"
	"anomalydetector/backtest/report"
	"anomalydetector/backtest/report/sample"
)

var update = flag.Bool("update", false, "write the outlines that the tests compare with")

func write(t *testing.T, r *backtest.Result) string {
	t.Helper()
	var page bytes.Buffer
	if err := report.Write(&page, r, report.About{Command: "anomalydetector backtest x.conf <in>", Version: "1.2.3", Made: "today"}); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

var pages = map[sample.Scenario]string{}

// page is the report of a scenario.
func page(t *testing.T, s sample.Scenario) string {
	t.Helper()
	if pages[s] == "" {
		pages[s] = write(t, sample.New(s))
	}
	return pages[s]
}

var (
	tags   = regexp.MustCompile(`(?s)<style>.*?</style>|<script.*?</script>|<svg.*?</svg>|<[^>]*>`)
	marks  = regexp.MustCompile(`(?s)<(h[1-3]|caption|legend|summary|footer)\b[^>]*>(.*?)</(?:h[1-3]|caption|legend|summary|footer)>|<(thead|dl|section|fieldset|details|table)\b([^>]*)>|<th scope="col"[^>]*>(.*?)</th>|<(tr|dt|path class="value"|g data-name|use class="(?:up|down)|rect class="known")`)
	values = regexp.MustCompile(`="[^"]*"`)
	spaces = regexp.MustCompile(`\s+`)
)

func plain(page string) string {
	return strings.TrimSpace(spaces.ReplaceAllString(html.UnescapeString(tags.ReplaceAllString(page, " ")), " "))
}

// outline is the structure of a page: headings, the heads of tables with the number of their rows, and the parts of pictures.
func outline(page string) string {
	page = regexp.MustCompile(`(?s)<style>.*?</style>|<script.*?</script>`).ReplaceAllString(page, "")
	var lines []string
	var last string
	count := 0
	say := func(line string) {
		if count > 0 {
			lines = append(lines, fmt.Sprintf("    %d × %s", count, last))
		}
		count, last = 0, ""
		if line != "" {
			lines = append(lines, line)
		}
	}
	for _, m := range marks.FindAllStringSubmatch(page, -1) {
		switch {
		case m[1] != "":
			say(m[1] + " " + plain(m[2]))
		case m[5] != "":
			say("    | " + plain(m[5]))
		case m[3] == "section" || m[3] == "table" || m[3] == "details" || m[3] == "thead":
			if id := regexp.MustCompile(`\bid="([^"]*)"`).FindStringSubmatch(m[4]); id != nil {
				say(m[3] + " #" + id[1])
			}
		case m[6] != "":
			if m[6] != last {
				say("")
			}
			count, last = count+1, m[6]
		default:
			say(m[3])
		}
	}
	say("")
	return strings.Join(lines, "\n") + "\n"
}

func TestReportHasTheStructureOfItsOutline(t *testing.T) {
	for _, s := range []sample.Scenario{sample.Grid, sample.One, sample.Nothing} {
		t.Run(string(s), func(t *testing.T) {
			path, got := filepath.Join("testdata", string(s)+".txt"), outline(page(t, s))
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the outline is not that of %s (-update writes it):\n%s", path, difference(string(want), got))
			}
		})
	}
}

// difference is the first lines that differ.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d is %q, want %q", i+1, b[i], a[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(b), len(a))
}

func TestEachReportSaysWhatItIs(t *testing.T) {
	for scenario, says := range map[sample.Scenario][]string{
		sample.Grid: {"5 to 6 episodes, depending on the setting.", "5,700 datapoints of 6 entities from 1 Nov 2026 00:00 to 10 Nov 2026 23:45 UTC.",
			"0.5 messages a day with threshold=5 dev_metric=mean, 0.6 with threshold=3 dev_metric=mean.", "The episodes of threshold=3 dev_metric=mean fit the labels best: F1 0.92.",
			"18 bad rows", "missing_value The row has no field hege. 17 hegemony-2026-11-01.jsonl.gz:1204, hegemony-2026-11-01.jsonl.gz:1205, hegemony-2026-11-03.jsonl.gz:9",
			"7 of 7 labels can be judged", "+32 in 2 entities", "precision inside / (inside + false)", "global · AS64530 -1,64530 named 30 anomalies 30 anomalies 30 anomalies",
			"Adds 32, for example AS64500 · AS3356 8 Nov 2026 07:30 ▲ +3.3 0.5218 0.3246 hegemony-2026-11-03.jsonl.gz:2957527", "threshold 5 or 3", "Made by anomalydetector 1.2.3, today · all times are UTC anomalydetector backtest x.conf <in>"},
		sample.One:     {"5 episodes, 92 anomalies.", "0.5 messages a day.", "No row is bad, and none is out of order."},
		sample.Calm:    {"No anomaly, at any setting.", "0 messages a day.", "No anomaly at any setting."},
		sample.Nothing: {"There is no datapoint in the input.", "0 rows"},
		sample.Partial: {"Interrupted. The backtest ended before the end of its input.", "Not all could be read. hegemony-2026-11-03.jsonl.gz:88213: unexpected end", "Asked for, and not in the input: -1,65001"},
		sample.Years:   {"1 entity 3 years of stream time", "ec2_cpu_utilization_24ae8d.csv 82 anomalies 191 anomalies 82 anomalies"},
		sample.Many:    {"hole of the pipeline", "labels can be judged; not judged: "},
		sample.Big:     {"drawn", "farthest of"},
		sample.Wide:    {"Pictures and tables by setting have the first 12 of 128 settings.", "threshold=10.9375 dev_metric=mean"},
	} {
		t.Run(string(scenario), func(t *testing.T) {
			text := plain(page(t, scenario))
			for _, want := range says {
				if !strings.Contains(text, want) {
					t.Errorf("does not say %q in: %.1500s", want, text)
				}
			}
			if partial := strings.Contains(text, "Interrupted."); partial != (scenario == sample.Partial) {
				t.Errorf("says that it is partial: %v", partial)
			}
		})
	}
}

// The policy lets nothing run or load but what is within the page.
func TestPolicyNamesTheStyleAndTheScript(t *testing.T) {
	for _, s := range sample.All() {
		page := page(t, s)
		policy := html.UnescapeString(regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)[1])
		for directive, pattern := range map[string]string{"style-src": `(?s)<style>(.*?)</style>`, "script-src": `(?s)<script type="module">(.*?)</script>`} {
			all := regexp.MustCompile(pattern).FindAllStringSubmatch(page, -1)
			if len(all) != 1 {
				t.Fatalf("%s: %d blocks for %s", s, len(all), directive)
			}
			sum := sha256.Sum256([]byte(all[0][1]))
			if want := directive + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q does not hold %q", s, policy, want)
			}
		}
		if !strings.HasPrefix(policy, "default-src 'none';") {
			t.Errorf("%s: the policy begins with %.40s", s, policy)
		}
		for _, m := range regexp.MustCompile(`\s(?:src|href|action)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if !strings.HasPrefix(m[1], "#") && !strings.HasPrefix(m[1], "data:image/svg") {
				t.Errorf("%s leads to %q", s, m[1])
			}
		}
		if found := regexp.MustCompile(`(?m)<[^>]*\s(?:style=""|on\w+="")[^>]*>|^(?:import|export) `).FindString(values.ReplaceAllString(page, `=""`)); found != "" {
			t.Errorf("%s has %q", s, found)
		}
	}
}

func TestEachLinkLeadsSomewhere(t *testing.T) {
	for _, s := range sample.All() {
		page := page(t, s)
		ids := map[string]int{}
		for _, m := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if ids[m[1]]++; ids[m[1]] > 1 {
				t.Errorf("%s has the id %s twice", s, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`\shref="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if ids[m[1]] == 0 {
				t.Errorf("%s: #%s leads nowhere", s, m[1])
			}
		}
	}
}

func TestForeignTextIsOnlyText(t *testing.T) {
	page := page(t, sample.Hostile)
	for _, mark := range []string{"<script>alert", "<img", "<b>\"", "</style><b>"} {
		if strings.Contains(page, mark) {
			t.Errorf("foreign text became a mark: %s", mark)
		}
	}
	text := plain(page)
	for _, want := range []string{"<script>alert(1)</script> · \"><img src=x onerror=alert(1)>", "Backtest of </title><script>alert(1)</script>", "</ul><img src=x onerror=alert(1)>.csv"} {
		if !strings.Contains(text, want) {
			t.Errorf("does not show %q", want)
		}
	}
}

func TestReportStaysSmall(t *testing.T) {
	for _, s := range []sample.Scenario{sample.Big, sample.Wide} {
		if n := len(page(t, s)); n > 3<<20 {
			t.Errorf("%s: %d bytes", s, n)
		}
	}
}

// Whatever a result holds, paths have numbers that browsers read.
func TestExtremeResultsAreDrawn(t *testing.T) {
	for name, change := range map[string]func(*backtest.Result){
		"no settings": func(r *backtest.Result) {
			r.Settings = nil
			for i := range r.Traces {
				for j := range r.Traces[i].Points {
					r.Traces[i].Points[j].Settings = nil
				}
			}
		},
		"no points":      func(r *backtest.Result) { r.Traces[0].Points = nil },
		"one point":      func(r *backtest.Result) { r.Traces[0].Points = r.Traces[0].Points[:1] },
		"nothing known":  func(r *backtest.Result) { *r = backtest.Result{} },
		"one instant":    func(r *backtest.Result) { r.Until, r.Bin = r.From, 0 },
		"no bin":         func(r *backtest.Result) { r.Bin = 0 },
		"early and late": func(r *backtest.Result) { r.Traces[0].Points[9].At = 0; r.From, r.Until = 0, math.MaxInt64/4 },
		"the widest range": func(r *backtest.Result) {
			r.Traces[0].Points[0].Value, r.Traces[0].Points[1].Value = -math.MaxFloat64, math.MaxFloat64
		},
		"infinite deviation": func(r *backtest.Result) {
			r.Traces[0].Points[900].Settings[0] = backtest.TraceVerdict{Usual: 1, Scale: 0, Anomalous: true, Deviation: math.Inf(-1)}
		},
		"infinite scale": func(r *backtest.Result) { r.Traces[0].Points[900].Settings[0].Scale = math.Inf(1) },
	} {
		t.Run(name, func(t *testing.T) {
			r := sample.New(sample.Grid)
			change(r)
			page := write(t, r)
			for _, bad := range []string{"NaN", "+Inf", "-Inf"} {
				if i := strings.Index(page, bad); i >= 0 {
					t.Errorf("has %q", page[max(0, i-60):i+20])
				}
			}
		})
	}
}

func TestAboutOneMessageADayIsOne(t *testing.T) {
	r := sample.New(sample.One)
	r.Settings[0].PerDay = 0.9989
	if text := plain(write(t, r)); !strings.Contains(text, " UTC. 1 message a day.") {
		t.Errorf("it says %.300s", text)
	}
}

// A result has only the hours with anomalies.
func TestCellsOfLanesDoNotFollowTheGapsBetweenAnomalies(t *testing.T) {
	r := sample.New(sample.One)
	last := r.Until - r.Until%3600000
	r.Settings[0].Hours = []backtest.Hour{{From: r.From, Anomalies: 1, Episodes: 1}, {From: last, Anomalies: 2, Episodes: 1}}
	text := plain(write(t, r))
	for _, want := range []string{"1 Nov 2026 00:00 to 02:00 UTC 1 anomaly, 1 episode opens", "10 Nov 2026 22:00 to 11 Nov 2026 00:00 UTC 2 anomalies, 1 episode opens"} {
		if !strings.Contains(text, want) {
			t.Errorf("no lane says %q", want)
		}
	}
}

func TestReportOfACutSecondPassSaysThatItsNumbersAreWhole(t *testing.T) {
	r := sample.New(sample.Grid)
	r.CutTraces = true
	if text := plain(write(t, r)); !strings.Contains(text, "Interrupted. All numbers are whole. Only the pictures of the entities end too early") ||
		strings.Contains(text, "before the end of its input") {
		t.Errorf("it says %.1500s", text)
	}
}

type full struct{}

var errFull = errors.New("no space")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteReturnsTheErrorOfTheWriter(t *testing.T) {
	if err := report.Write(full{}, sample.New(sample.Calm), report.About{}); !errors.Is(err, errFull) {
		t.Error(err)
	}
}
