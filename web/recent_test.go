package web

import (
	"testing"
	"time"
)

func TestMedianIsOfTheLastTransactions(t *testing.T) {
	var r recent
	if took, known := r.median(); known {
		t.Errorf("before the first the median is %v", took)
	}
	for _, took := range []time.Duration{5, 1, 3} {
		r.add(took * time.Second)
	}
	if took, known := r.median(); !known || took != 3*time.Second {
		t.Errorf("median %v, known %v, want 3s", took, known)
	}
	for range len(r.took) { // these replace all others
		r.add(time.Millisecond)
	}
	if took, _ := r.median(); took != time.Millisecond {
		t.Errorf("median %v, want 1ms", took)
	}
}

func TestDetectionMedianIsThatOfTheNamedDetector(t *testing.T) {
	s := New(Config{Now: time.Now})
	s.Measure("a").Detection(40 * time.Millisecond)
	if seconds, known := s.DetectionMedian("a"); !known || seconds != 0.04 {
		t.Errorf("got %v, %v, want 0.04", seconds, known)
	}
	if _, known := s.DetectionMedian("b"); known {
		t.Error("a detector that measured nothing has a median")
	}
}
