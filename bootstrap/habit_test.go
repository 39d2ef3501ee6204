package bootstrap

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"anomalydetector/configs"
	"anomalydetector/detection"
)

// TestCheckPrintsTheMethod and the ratio that is the method's default.
func TestCheckPrintsTheMethod(t *testing.T) {
	text, err := os.ReadFile("../configs/hegemonydetector.conf")
	must(t, err)
	t.Chdir(t.TempDir())
	content := strings.Replace(string(text), "[detection]\n", "[detection]\nmethod = habit\n", 1)
	must(t, os.WriteFile("own.conf", []byte(strings.Replace(content, "\nhistory_min_ratio = 0.6\n", "\n", 1)), 0o644))
	o := newOutside(t, nil)
	code := exits(t, o.run("check", "own.conf"), o)
	if said := strings.Join(strings.Fields(o.output.String()), " "); code != exitClean || !strings.Contains(said, "method habit") || !strings.Contains(said, "history_min_ratio 0.2") {
		t.Errorf("it exits with %d and says\n%s", code, o.output)
	}
}

// TestBacktestComparesMethods has an entity that is up by 0.5 for six hours of each day, but not on the last day, and one that is down by 0.02 for
// a day. The original does not know the one, and does not see the other.
func TestBacktestComparesMethods(t *testing.T) {
	var text strings.Builder
	text.WriteString("timestamp,scope,asn,hege\n")
	for i := range 96 * 15 {
		daily, low := 0.2, 0.5
		if hour := i % 96 / 4; hour >= 6 && hour < 12 && i < 96*14 {
			daily = 0.7
		}
		if i >= 96*14 {
			low -= 0.02
		}
		noise := 0.005 * math.Sin(float64(i*i))
		fmt.Fprintf(&text, "%d,-1,1,%v\n%d,-1,2,%v\n", 1_600_041_600+900*i, daily+noise, 1_600_041_600+900*i, low+noise)
	}
	inFolder(t, map[string]string{"s.csv": text.String()})
	arguments := []string{conf, "s.csv", "--set", "detection.method=original,habit", "--set", "detection.history_min_ratio=0.2", "--set", "detection.min_dev=0.001"}
	code, printed, told := backtested(t, append(arguments, "--report", "r.html", "--anomalies", "a.jsonl")...)
	if code != exitClean || !strings.Contains(printed, "method=habit history_min_ratio=0.2") || !strings.Contains(printed, " below expectation on average; up to 0.") {
		t.Fatalf("it exits with %d and prints\n%s%s", code, printed, told)
	}
	heard := map[string]int{}
	for _, one := range foundIn(t, read(t, "a.jsonl")) {
		name, _, _ := strings.Cut(one.Setting, " ")
		heard[fmt.Sprint(name, " ", one.Entity, " ", one.Test)]++
		if (one.Test == "mean") != (one.Mean != nil) || one.Mean != nil && math.Abs(*one.Mean) <= *one.MeanLimit {
			t.Errorf("%+v", one)
		}
	}
	if heard["method=original -1,1 "] > 0 || heard["method=original -1,2 "] > 0 || heard["method=habit -1,1 value"] < 5 || heard["method=habit -1,2 mean"] < 10 {
		t.Errorf("heard %v", heard)
	}
	page := read(t, "r.html")
	for _, words := range []string{"original or habit", "at this time of day", "<small>mean −0.", ", limit 0."} {
		if !strings.Contains(page, words) {
			t.Errorf("the report does not say %q", words)
		}
	}
	_, printed, _ = backtested(t, append(arguments, "--json")...)
	var result backtestView
	must(t, json.Unmarshal([]byte(printed), &result))
	worst := result.Settings[1].Loudest[0].Worst
	if worst.Test != "mean" || worst.Mean == nil || worst.MeanLimit == nil || -*worst.Mean <= *worst.MeanLimit || len(result.Settings[1].Remarks) > 0 {
		t.Errorf("as JSON: %+v", worst)
	}
	for _, example := range result.Settings[1].Adds.Examples {
		if example.Test != "value" || example.Mean != nil {
			t.Errorf("as JSON: %+v", example)
		}
	}
}

// TestBacktestSaysWhyNothingIsScored, and that habit has the original's ratio.
func TestBacktestSaysWhyNothingIsScored(t *testing.T) {
	var text strings.Builder
	text.WriteString("timestamp,scope,asn,hege\n")
	for i := range 96 * 2 {
		fmt.Fprintf(&text, "%d,-1,1,0.5\n", 1_600_041_600+900*i)
	}
	inFolder(t, map[string]string{"s.csv": text.String()})
	const ratio = "history_min_ratio is 0.6, as configured, and habit's own default is 0.2"
	for _, c := range []struct {
		set  []string
		says []string
		not  string
	}{
		{[]string{"method=original"}, nil, "nothing is scored"},
		{[]string{"history_hours=100"}, []string{"nothing is scored: no entity had 241 datapoints in the 100 hours"}, "as configured, and"},
		{[]string{"method=habit"}, []string{ratio, "nothing is scored: the method habit needs 173 datapoints"}, ""},
		{[]string{"method=habit", "history_min_ratio=0.2"}, []string{"nothing is scored: the method habit needs 58 datapoints"}, "as configured, and"},
		{[]string{"method=original,habit", "history_hours=2", "history_min_ratio=0.6,0.2"}, []string{
			"2 settings, such as method=habit history_hours=2 history_min_ratio=0.6: nothing is scored: history_hours = 2 holds at most 8 datapoints"}, "method=original history_hours=2 history_min_ratio=0.6: nothing"},
	} {
		arguments := []string{conf, "s.csv"}
		for _, one := range c.set {
			arguments = append(arguments, "--set", "detection."+one)
		}
		code, printed, told := backtested(t, arguments...)
		if code != exitClean || c.not != "" && strings.Contains(printed, c.not) {
			t.Errorf("%v exits with %d and prints\n%s%s", c.set, code, printed, told)
		}
		says(t, printed, c.says...)
		_, _, told = backtested(t, append(arguments, "--csv")...)
		says(t, told, c.says...)
		_, printed, _ = backtested(t, append(arguments, "--json")...)
		if strings.Contains(printed, `"remarks"`) != (len(c.says) > 0) {
			t.Errorf("%v prints as JSON\n%s", c.set, printed)
		}
	}
}

// TestConfigurationsKnowTheLimitsOfHabit: package configs imports nothing, so it has the method's default ratio and its fewest datapoints itself.
func TestConfigurationsKnowTheLimitsOfHabit(t *testing.T) {
	text, err := os.ReadFile("../configs/hegemonydetector.conf")
	must(t, err)
	t.Chdir(t.TempDir())
	content := strings.Replace(string(text), "[detection]\n", "[detection]\nmethod = habit\n", 1)
	content = strings.Replace(content, "\nhistory_min_ratio = 0.6\n", "\n", 1)
	for _, hours := range []float64{1, 2, 2.75, 2.999, 3, 3.1, 6, 72} {
		must(t, os.WriteFile("own.conf", []byte(strings.Replace(content, "\nhistory_hours = 72\n", fmt.Sprintf("\nhistory_hours = %v\n", hours), 1)), 0o644))
		config, err := configs.Load("own.conf", func(string) string { return "" })
		must(t, err)
		if config.Detection.MinRatio != detection.HabitMinRatio || config.Detection.HistoryHours != hours {
			t.Errorf("%+v", config.Detection)
		}
		rules, scored := detection.NewHabitRules(settings(config)), false
		var h detection.Habit
		for i := range int64(96 * 5) {
			scored = h.Add(&rules, 1, i*900_000, 1).Reason != detection.TooFewPoints || scored
		}
		if warned := len(config.Warnings) > 0; warned == scored || scored != (rules.Needed() <= rules.Window().Full()) {
			t.Errorf("%v hours: it warns: %t; a datapoint is scored: %t", hours, warned, scored)
		}
	}
}
