package kafka_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// sunk is what testdata/sink.py finds in an anomaly.
type sunk struct {
	Top, Names       []string
	Deviation        string
	Fields           map[string]any
	Datapoint, Again string
}

// TestOriginalSinkReadsWhatComesOut: Python's msgpack reads each anomaly, and packs it to the same bytes again.
// With default settings nothing but the datapoint and the deviation is at the top level, so a consumer that
// looks there first finds each field of the datapoint. The record has the time of its bin.
func TestOriginalSinkReadsWhatComesOut(t *testing.T) {
	python := os.Getenv("PYTHON")
	if python == "" {
		t.Skip("PYTHON names no interpreter with msgpack")
	}
	w := newWorld(t, restoreCase)
	w.createInput()
	p := w.machine("data").reads(100)
	p.stop()
	anomalies := w.read(w.output())
	var lines bytes.Buffer
	for _, r := range anomalies {
		lines.WriteString(hex.EncodeToString(r.Value) + "\n")
	}
	command := exec.Command(python, "testdata/sink.py")
	command.Stdin, command.Stderr = &lines, os.Stderr
	out, err := command.Output()
	must(t, err)
	found := json.NewDecoder(bytes.NewReader(out))
	inputs := w.byPosition()
	for _, r := range anomalies {
		var s sunk
		must(t, found.Decode(&s))
		input := inputs[header(r, "partition")+"/"+header(r, "offset")]
		if !slices.Equal(s.Top, []string{"datapoint", "deviation"}) {
			t.Fatalf("at the top level are %q", s.Top)
		}
		if s.Datapoint != hex.EncodeToString(input.record.Value) || s.Again != hex.EncodeToString(r.Value) {
			t.Errorf("Python packs other bytes: %s, and %s for the whole; they were %x and %x", s.Datapoint, s.Again, input.record.Value, r.Value)
		}
		if deviation, err := strconv.ParseFloat(s.Deviation, 64); err != nil || deviation != w.golden.Expected[input.number] {
			t.Errorf("Python reads the deviation %s, want %v", s.Deviation, w.golden.Expected[input.number])
		}
		if !r.Timestamp.Equal(input.record.Timestamp) {
			t.Errorf("the anomaly has the time %v, its datapoint %v", r.Timestamp, input.record.Timestamp)
		}
		if names := slices.Sorted(maps.Keys(s.Fields)); len(names) == 0 || !slices.Equal(names, slices.Sorted(slices.Values(s.Names))) {
			t.Errorf("a consumer finds the fields %q of %q", names, s.Names)
		}
	}
	w.verify()
}

// placed is a record of the case, and its number.
type placed struct {
	number int
	record *kgo.Record
}

// byPosition are the records that were fed, by partition and offset.
func (w *world) byPosition() map[string]placed {
	offsets, found := make(map[int32]int), make(map[string]placed)
	for number, r := range w.golden.Records[:w.fed] {
		found[strconv.Itoa(int(r.Partition))+"/"+strconv.Itoa(offsets[r.Partition])] = placed{number, r}
		offsets[r.Partition]++
	}
	return found
}
