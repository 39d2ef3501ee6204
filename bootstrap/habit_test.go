package bootstrap

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// TestOnlyBacktestKnowsHabit so far: a detector and an import of windows refuse it, and a check says so.
func TestOnlyBacktestKnowsHabit(t *testing.T) {
	text, err := os.ReadFile("../configs/hegemonydetector.conf")
	must(t, err)
	t.Chdir(t.TempDir())
	must(t, os.WriteFile("own.conf", []byte(strings.Replace(string(text), "[detection]\n", "[detection]\nmethod = habit\n", 1)), 0o644))
	for _, arguments := range [][]string{{"own.conf"}, {"run", "own.conf"}, {"check", "own.conf"}, {"state", "import", "own.conf", "none"},
		{"state", "import", "own.conf", "--csv", "none.csv"}} {
		o := newOutside(t, nil)
		if code := exits(t, o.run(arguments...), o); code != exitUsage || !strings.Contains(o.output.String(), "own.conf: [detection] method: so far only the command backtest knows the method habit; want original") {
			t.Errorf("%v exits with %d and says\n%s", arguments, code, o.output)
		}
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
	if code != exitClean || !strings.Contains(printed, "method=habit history_min_ratio=0.2") || !strings.Contains(printed, ": on average -0.") {
		t.Fatalf("it exits with %d and prints\n%s%s", code, printed, told)
	}
	heard := map[string]int{}
	for _, one := range foundIn(t, read(t, "a.jsonl")) {
		name, _, _ := strings.Cut(one.Setting, " ")
		heard[fmt.Sprint(name, " ", one.Entity, " ", one.Test)]++
		if (one.Test == "mean") != (one.Mean != nil) || one.Mean != nil && math.Abs(*one.Mean) <= *one.MeanUsual {
			t.Errorf("%+v", one)
		}
	}
	if heard["method=original -1,1 "] > 0 || heard["method=original -1,2 "] > 0 || heard["method=habit -1,1 value"] < 5 || heard["method=habit -1,2 mean"] < 10 {
		t.Errorf("heard %v", heard)
	}
	if page := read(t, "r.html"); !strings.Contains(page, "original or habit") || !strings.Contains(page, "at this time of day") {
		t.Error("the report does not say what the method is")
	}
}
