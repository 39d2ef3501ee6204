package api

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"anomalydetector/web/answers"
	"anomalydetector/web/answers/madeup"
)

// This also holds if an episode goes on, and if there are more than are kept.
func TestKeptJSONEqualsJSONWrittenAnew(t *testing.T) {
	var w written
	outcome := answers.Recovered
	for round := range 2 {
		for i := range 3 * mostWritten {
			a := answers.Anomaly{ID: fmt.Sprintf("%032x", i), Detector: "d", Value: madeup.Number(float64(i)), Fields: []answers.Field{}}
			if got := w.anomaly(&a); !bytes.Equal(got, Encode(&a)) {
				t.Fatalf("round %d: %s", round, got)
			}
		}
	}
	if kept := len(w.young) + len(w.aged); kept > 2*mostWritten {
		t.Errorf("%d are kept", kept)
	}
	a := answers.Anomaly{ID: "1", Detector: "d", Fields: []answers.Field{}}
	for _, change := range []func(){func() {}, func() { a.Output.Offset = 11 }, func() { a.Output.Partition = 4 }, func() { a.Output.Topic = "again" }, func() { a.Detector = "f" }} {
		change()
		if got := w.anomaly(&a); !bytes.Equal(got, Encode(&a)) {
			t.Errorf("got %s, want %s", got, Encode(&a))
		}
	}
	e := answers.Episode{ID: "1", Detector: "d", State: answers.Open, Points: 1, PeakID: "1", Fields: []answers.Field{}}
	for _, change := range []func(){
		func() {}, func() { e.Points = 2 }, func() { e.PeakID, e.Value = "2", madeup.Number(2) }, func() { e.LastAt = time.UnixMilli(5) },
		func() { e.State = answers.Ended }, func() { e.Outcome = &outcome }, func() { e.Reopened = 1 }, func() { e.Concurrent = 3 }, func() { e.Detector = "f" },
	} {
		change()
		if got := w.episode(&e); !bytes.Equal(got, Encode(&e)) {
			t.Errorf("got %s, want %s", got, Encode(&e))
		}
	}
}
