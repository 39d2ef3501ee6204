package report

import (
	"strings"
	"testing"
)

func TestSoakTellsALeakFromASawtooth(t *testing.T) {
	const mega = 1e6
	soak := Soak{Minutes: 60, Lives: []SoakLife{{From: 0, To: 3600}}}
	for i := range 1800 {
		at := float64(2 * i)
		soak.Samples = append(soak.Samples, SoakSample{At: at, RSS: 500*mega + at*mega/20, Held: 400 * mega, Heap: 300*mega + float64(i%50)*4*mega,
			Goroutines: 50 + float64(i%3), Files: 30 + at/100, Threads: 11, Disk: 300*mega + float64(i%120)*mega})
	}
	soak.Judge(120, 240, 1)
	rising := strings.Join(soak.Rising(), "; ")
	for figure, rises := range map[string]bool{"RSS in life 1": true, "file descriptors": true, "RSS without": false, "heap": false, "goroutines": false,
		"threads": false, "data directory": false} {
		if strings.Contains(rising, figure) != rises {
			t.Errorf("%s: want rising %v; rising are: %s", figure, rises, rising)
		}
	}
	if len(soak.Flat) != len(soakFigures) {
		t.Errorf("%d figures are judged, want %d", len(soak.Flat), len(soakFigures))
	}
}

// TestSoakJudgesWhatMergesMoveByItsHighestValues: a tooth may last nearly as long as the run, and end at its top.
func TestSoakJudgesWhatMergesMoveByItsHighestValues(t *testing.T) {
	for name, leak := range map[string]float64{"none": 0, "five megabytes a minute": 5e6} {
		soak := Soak{Minutes: 60, Lives: []SoakLife{{From: 0, To: 3600}}}
		for i := range 1800 {
			at := float64(2 * i)
			tooth := float64(i%590) / 590 // 20 minutes
			soak.Samples = append(soak.Samples, SoakSample{At: at, Disk: 150e6 + 450e6*tooth + leak*at/60, Files: 40 + 20*tooth})
		}
		soak.Judge(120, 240, 1)
		if rising := soak.Rising(); (len(rising) > 0) != (leak > 0) {
			t.Errorf("leak %s: rising are %v", name, rising)
		}
	}
}
