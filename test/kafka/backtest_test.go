package kafka_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// TestBacktestFindsWhatADetectorCommits on the same rows: from the file, and from the topic that --into writes them into.
func TestBacktestFindsWhatADetectorCommits(t *testing.T) {
	for _, name := range []string{"hegemony_mean_holes", "hegemony_median"} {
		t.Run(name, func(t *testing.T) { backtestFindsWhatADetectorCommits(t, name) })
	}
}

func backtestFindsWhatADetectorCommits(t *testing.T, name string) {
	w := newWorld(t, name)
	w.createInput()
	input, err := filepath.Abs(filepath.Join("..", "..", "testdata", "golden", name, "input.jsonl.gz"))
	must(t, err)
	conf := w.conf()
	if told := w.backtest(conf, input, "--into", w.input()); !strings.HasPrefix(told, fmt.Sprintf("wrote %d records", len(w.golden.Records))) {
		t.Errorf("--into says %s", told)
	}
	w.fed = len(w.golden.Records)
	p := w.start(conf)
	w.untilCommitted()
	p.stop()
	w.verify()
	var committed []string
	for _, r := range w.read(w.output()) {
		anomaly, _, err := msgp.ReadMapStrIntfBytes(r.Value, nil)
		must(t, err)
		datapoint, _ := anomaly["datapoint"].(map[string]any)
		var key []string
		for _, field := range w.golden.Conf.IO.KeyFields {
			key = append(key, fmt.Sprint(datapoint[field]))
		}
		deviation, _ := anomaly["deviation"].(float64)
		committed = append(committed, found{strings.Join(key, ","), r.Timestamp.UnixMilli(), deviation}.String())
	}
	slices.Sort(committed)
	for from, source := range map[string][]string{"the file": {input}, "the topic": {"--topic"}} {
		if got := w.found(conf, source...); !slices.Equal(got, committed) {
			t.Errorf("from %s there are %d anomalies, and %d are committed; the first are %q and %q", from, len(got), len(committed), got[:min(3, len(got))], committed[:min(3, len(committed))])
		}
	}
	if len(committed) != len(w.golden.Expected) {
		t.Errorf("%d anomalies are committed, want %d", len(committed), len(w.golden.Expected))
	}
}

// found is an anomaly.
type found struct {
	Entity    string
	Timestamp int64
	Deviation float64
}

func (f found) String() string {
	return fmt.Sprintf("%s at %d: %x", f.Entity, f.Timestamp, math.Float64bits(f.Deviation))
}

// found are the anomalies of a backtest, in order.
func (w *world) found(conf string, source ...string) (all []string) {
	w.Helper()
	for line := range strings.Lines(w.backtest(append([]string{conf, "--anomalies", "-"}, source...)...)) {
		var one found
		must(w.T, json.Unmarshal([]byte(line), &one))
		all = append(all, one.String())
	}
	slices.Sort(all)
	return all
}

// backtest returns what a backtest prints.
func (w *world) backtest(arguments ...string) string {
	w.Helper()
	command := w.command([]string{"KAFKA_HOST=" + w.broker}, append([]string{"backtest"}, arguments...)...)
	var problems bytes.Buffer
	command.Stderr = &problems
	printed, err := command.Output()
	if err != nil {
		w.Fatalf("backtest %q ends with %v: %s", arguments, err, &problems)
	}
	return string(printed)
}
