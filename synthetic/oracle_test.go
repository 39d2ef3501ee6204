package synthetic

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

const seeds = 3 // forty seeds were tried once

// The settings of the hegemony detector.
const (
	oracleThreshold    = 5
	oracleMinDeviation = 0.01
	oracleHistory      = 72 * 60 * 60 * 1000 // milliseconds
	oracleMinimum      = 0.6 * 288
)

// oracle is the detector, written as plainly as possible: no sorted window, nothing incremental.
type oracle struct {
	windows map[string][]Datapoint
}

// anomaly scores a datapoint against its entity's window, and then adds it.
func (o *oracle) anomaly(p Datapoint) bool {
	window := o.windows[p.Entity]
	for len(window) > 0 && window[0].At < p.At-oracleHistory {
		window = window[1:]
	}
	o.windows[p.Entity] = append(window, p)
	return float64(len(window)) > oracleMinimum && math.Abs(deviation(window, p.Value)) > oracleThreshold
}

func deviation(window []Datapoint, value float64) float64 {
	values := make([]float64, len(window))
	for i, p := range window {
		values[i] = p.Value
	}
	slices.Sort(values)
	half := len(values) / 2
	median := values[half]
	if len(values)%2 == 0 {
		median = (values[half-1] + values[half]) / 2
	}
	sum := 0.0
	for _, v := range values {
		sum += math.Abs(v - median)
	}
	mean := sum / float64(len(values))
	return (value - median) / (1.4826 * (oracleMinDeviation + mean))
}

// bin is an entity at a time.
type bin struct {
	entity string
	at     int64
}

// detect runs the oracle over a whole stream.
func detect(s *Stream) map[bin]bool {
	o := oracle{windows: make(map[string][]Datapoint)}
	anomalies := make(map[bin]bool)
	for i := range s.Bins() {
		for _, p := range s.Bin(i) {
			if o.anomaly(p) {
				anomalies[bin{p.Entity, p.At}] = true
			}
		}
	}
	return anomalies
}

func TestTheDefaultDetectorFindsAllEventsAndNothingElse(t *testing.T) {
	crowded, short := Default(), Default()
	crowded.Entities, crowded.LiveBins, crowded.Events = 60, 1000, 100
	short.Bin = 10 * time.Minute
	short.HistoryBins, short.LiveBins, short.Events = 432, 100, 60
	for name, o := range map[string]Options{"default": Default(), "crowded": crowded, "short bins": short} {
		for seed := range uint64(seeds) {
			o := o
			o.Seed = seed
			t.Run(fmt.Sprintf("%s, seed %d", name, seed), func(t *testing.T) {
				t.Parallel()
				compare(t, mustNew(t, o))
			})
		}
	}
}

// compare checks the oracle's anomalies against the labels.
func compare(t *testing.T, s *Stream) {
	anomalies := detect(s)
	for _, e := range s.Events() {
		if !anomalies[bin{e.Entity, e.From}] {
			t.Errorf("the first bin is no anomaly: %+v", e)
		}
		for at := e.From; at <= e.Until; at += s.options.Bin.Milliseconds() {
			delete(anomalies, bin{e.Entity, at})
		}
	}
	for b := range anomalies {
		t.Errorf("an anomaly without an event: %+v", b)
	}
}

// This is the guarantee in the package comment, with no random numbers in it.
func TestUsualValuesStayBelowTheLeastThreshold(t *testing.T) {
	farthest := 2 * (maxWave + maxNoise)
	if least := oracleThreshold * 1.4826 * oracleMinDeviation; farthest >= least {
		t.Fatalf("usual values are up to %v apart, the least threshold is %v", farthest, least)
	}
}

func TestEveryUsualLevelLeavesRoomForAChange(t *testing.T) {
	e := entity{wave: maxWave, noise: maxNoise}
	if change := leastChange * e.detectable(); change > 0.5 {
		t.Fatalf("a change of %v does not fit above or below a level of 0.5", change)
	}
}
