package actors

import (
	"runtime"
	"testing"
	"time"
	"unsafe"

	"anomalydetector/detection"
)

// TestEntityOfThreeDaysTakesFewBytes counts what an entity with a full window of 288 points keeps in the heap, with its part of
// the maps and registries around it. The store keeps some 200 bytes more for it.
func TestEntityOfThreeDaysTakesFewBytes(t *testing.T) {
	const entities, most, stored = 2_000, 4_400, 200
	config := benchConfig()
	config.History = 72 * time.Hour
	config.Rules = detection.NewRules(detection.Settings{GranularityMinutes: 15, HistoryHours: 72, MinRatio: 0.6, Threshold: 5, MinDeviation: 0.01})
	p := newBench(t, config)
	records := p.bin(entities)
	before := heap()
	p.score(t, records)
	for range 300 {
		p.again(records)
		p.score(t, records)
	}
	p.score(t, p.bin(1))
	each := (float64(heap()) - float64(before)) / entities
	p.stop(t)
	runtime.KeepAlive(p)
	runtime.KeepAlive(records)
	t.Logf("%.0f bytes an entity", each)
	// The allocator has a class of 224 bytes, and the next one has 240.
	if size := unsafe.Sizeof(child{}); size > 224 {
		t.Errorf("what a partition keeps of an entity beside its points takes %d bytes", size)
	}
	if each > most-stored {
		t.Errorf("an entity takes %.0f bytes, want at most %d", each, most-stored)
	}
}
