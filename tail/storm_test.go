package tail

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
	"unsafe"
)

// storm gives a tail a million anomalies of 400,000 entities in a few bins.
func storm(tail *Tail, count int, habit Habit) {
	r := rand.New(rand.NewPCG(16, 6))
	const partitions = 8
	var offsets [partitions]int64
	batch := make([]Entry, 0, 2000)
	for i := range count {
		p := int32(r.IntN(partitions))
		entity := r.IntN(400_000)
		scope, asn := fmt.Sprintf("%d", entity%5000), fmt.Sprintf("%d", 64500+entity)
		batch = append(batch, Entry{
			ID: fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()), Entity: scope + "," + asn, Fields: []string{scope, asn},
			At: int64(1_000_000+i/200_000) * bin, Value: r.Float64(), Usual: 0.5, Scale: 0.01, Deviation: 5 + 100*r.Float64(),
			Output: Place{p, offsets[p]}, Input: Place{int32(entity % 16), int64(i)}, Habit: habit,
		})
		offsets[p]++
		if len(batch) == cap(batch) || i == count-1 {
			tail.Add(batch, nil)
			batch = batch[:0]
		}
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The memory that the tail reckons is the memory that it takes. It gives up the oldest anomalies and knows
// how many.
func TestAStormStaysWithinItsBytes(t *testing.T) {
	if size := unsafe.Sizeof(row{}); size != 88 {
		t.Errorf("an anomaly takes %d bytes, also without a habit", size)
	}
	for name, most := range map[string]int64{"some given up": 4 << 20, "all held": 512 << 20, "all held, with habits": 512 << 20} {
		t.Run(name, func(t *testing.T) {
			const count = 40_000
			before := heap()
			config := testConfig()
			config.MostBytes = most
			tail := New(config)
			habit := Habit{}
			if name == "all held, with habits" {
				habit = Habit{Found: true, Mean: 1, UsualMean: 2}
			}
			storm(tail, count, habit)
			taken := heap() - before
			s := tail.State()
			if s.Bytes > most || taken > s.Bytes*5/4+1<<20 || taken > most*5/4 {
				t.Errorf("%d bytes taken, %d reckoned, of %d", taken, s.Bytes, most)
			}
			if int64(s.Anomalies)+s.Dropped != count || (s.Dropped > 0) != (name == "some given up") {
				t.Errorf("%d held, %d given up, of %d", s.Anomalies, s.Dropped, count)
			}
			t.Logf("%d anomalies of %d entities: %d bytes taken, %d reckoned", s.Anomalies, s.Entities, taken, s.Bytes)
			if all := allEntries(t, tail, Filter{}, 1000); len(all) != s.Anomalies || all[len(all)-1].At < s.From-1 {
				t.Errorf("%d listed, the last of %d; held from %d", len(all), all[len(all)-1].At, s.From)
			}
			points := 0
			for _, e := range allEpisodes(t, tail, Filter{Entity: allEntries(t, tail, Filter{}, 1000)[0].Entity}, All, 1000) {
				points += e.Points
			}
			if points == 0 {
				t.Error("the latest anomaly is in no episode")
			}
			runtime.KeepAlive(tail)
		})
	}
}

// The bin is shown though a part of it was given up.
func TestAStormInOneBinIsShown(t *testing.T) {
	config := testConfig()
	config.MostBytes = 100 * (rowBytes + perRef + entityBytes)
	tail := New(config)
	for i := range 1000 {
		tail.Add([]Entry{one(i, 1000, Place{0, int64(i)})}, nil)
	}
	s := tail.State()
	lanes, err := tail.Lanes(LanesQuery{By: ByEntity, Limit: 10})
	if err != nil || len(lanes.Rows) != 10 || lanes.All.Count != s.Anomalies || s.From > s.StreamTime || !s.Short {
		t.Errorf("%d rows of %d anomalies, error %v; %+v", len(lanes.Rows), lanes.All.Count, err, s)
	}
}

// The anomalies are of 400,000 entities, and each question is answered. The race detector makes everything
// ten times as slow, so under it the test has fewer.
func TestAMillionAnomaliesStayWithinTheBytes(t *testing.T) {
	count, most := 1_000_000, int64(DefaultMostBytes)
	if raceDetected {
		count, most = count/20, most/20
	}
	before := heap()
	config := testConfig()
	config.MostBytes = most
	tail := New(config)
	storm(tail, count, Habit{})
	taken := heap() - before
	s := tail.State()
	if s.Bytes > most || taken > most*5/4 {
		t.Errorf("%d bytes taken, %d reckoned, of %d", taken, s.Bytes, most)
	}
	if int64(s.Anomalies)+s.Dropped != int64(count) || !s.Short || s.Entities == 0 || s.Anomalies < count/20 {
		t.Errorf("of %d: %+v", count, s)
	}
	anomalies, _, err := tail.Anomalies(Filter{}, "", 100)
	if err != nil || len(anomalies) != 100 || anomalies[0].At != s.StreamTime {
		t.Errorf("%d anomalies, error %v", len(anomalies), err)
	}
	episodes, _, err := tail.Episodes(Filter{}, Open, "", 100)
	if err != nil || len(episodes) != 100 || episodes[0].Points == 0 {
		t.Errorf("%d episodes, error %v", len(episodes), err)
	}
	for _, by := range []int{0, ByEntity} {
		lanes, err := tail.Lanes(LanesQuery{By: by, Limit: 30})
		if err != nil || len(lanes.Rows) != 30 || lanes.All.Count == 0 || lanes.All.Count > s.Anomalies {
			t.Errorf("by %d: %d rows of %d anomalies, error %v", by, len(lanes.Rows), lanes.All.Count, err)
		}
	}
	t.Logf("%+v, %d bytes taken", s, taken)
	runtime.KeepAlive(tail)
}

// The range is whole again once everything that was given up would be too old anyway.
func TestAfterAStormTheRangeIsWholeAgain(t *testing.T) {
	config := testConfig()
	config.MostBytes = 100 * (rowBytes + perRef + entityBytes)
	tail := New(config)
	tail.Advance(1000 * bin)
	if s := tail.State(); s.Short {
		t.Errorf("before: %+v", s)
	}
	for i := range 1000 {
		tail.Add([]Entry{one(i, 1000, Place{0, int64(i)})}, nil)
	}
	rangeBins := int(config.Range.Milliseconds() / bin)
	for _, bins := range []int{1000, 1000 + rangeBins} {
		tail.Advance(int64(bins) * bin)
		if s := tail.State(); !s.Short || s.Dropped == 0 {
			t.Errorf("at bin %d: %+v", bins, s)
		}
	}
	tail.Advance(int64(1001+rangeBins) * bin)
	if s := tail.State(); s.Short || s.Dropped == 0 || s.From != 1001*bin {
		t.Errorf("afterwards: %+v", s)
	}
}

// The anomalies arrive from two partitions in turns.
func TestAnEntityOfManyAnomaliesIsPutInOrder(t *testing.T) {
	tail := New(testConfig())
	const runs, length = 50, 200
	for i := range runs {
		var batch []Entry
		for p := range int32(2) {
			for n := range length {
				e := one(1, 1000, Place{p, int64(i*length + n)})
				e.Input = Place{0, 2*e.Output.Offset + int64(p)}
				batch = append(batch, e)
			}
		}
		tail.Add(batch, nil)
	}
	episodes := allEpisodes(t, tail, Filter{}, All, 10)
	rows := tail.entities[0].rows
	for n := range rows {
		if tail.rows.at(rows[n]).inputOffset != int64(n) {
			t.Fatalf("row %d is of offset %d", n, tail.rows.at(rows[n]).inputOffset)
		}
	}
	if len(episodes) != 1 || episodes[0].Points != 2*runs*length {
		t.Errorf("%+v", episodes)
	}
}

// This test is for the race detector.
func TestReadersAndTheWriterDoNotDisturbEachOther(t *testing.T) {
	config := testConfig()
	config.MostBytes = 1 << 20
	tail := New(config)
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for n := range 3 {
		readers.Go(func() {
			reader := tail.Since(nil, Filter{})
			for {
				select {
				case <-stop:
					return
				case <-reader.More():
				}
				reader.Next(10)
				entries, _, _ := tail.Anomalies(Filter{Text: "1"}, "", 5)
				for _, e := range entries {
					tail.Anomaly(e.ID)
					tail.EpisodeOf(e.Entity, e.ID)
				}
				tail.Episodes(Filter{}, EpisodeState(n), "", 5)
				tail.Lanes(LanesQuery{By: n - 1, Limit: 5})
				tail.State()
				tail.Vector()
			}
		})
	}
	storm(tail, 20_000, Habit{})
	tail.Advance(1_000_100 * bin)
	close(stop)
	readers.Wait()
}

// BenchmarkStorm shows what a page costs after a million anomalies.
func BenchmarkStorm(b *testing.B) {
	tail := New(Config{KeyFields: 2, Rules: testConfig().Rules, Range: 72 * time.Hour})
	begun := time.Now()
	storm(tail, 1_000_000, Habit{})
	b.Logf("%+v after %v", tail.State(), time.Since(begun))
	entry, _, _ := tail.Anomalies(Filter{}, "", 1)
	for name, ask := range map[string]func(){
		"anomalies":          func() { tail.Anomalies(Filter{}, "", 100) },
		"anomalies of 1000":  func() { tail.Anomalies(Filter{}, "", 1000) },
		"anomalies by field": func() { tail.Anomalies(Filter{Fields: map[int]string{0: "17"}}, "", 100) },
		"anomalies by text":  func() { tail.Anomalies(Filter{Text: "6453"}, "", 100) },
		"anomaly":            func() { tail.Anomaly(entry[0].ID) },
		"entity":             func() { tail.Anomalies(Filter{Entity: entry[0].Entity}, "", 300) },
		"episodes":           func() { tail.Episodes(Filter{}, All, "", 100) },
		"ended":              func() { tail.EndedBetween(Filter{}, tail.State().StreamTime, tail.State().StreamTime+1, 100) },
		"lanes by scope":     func() { tail.Lanes(LanesQuery{By: 0, Limit: 30}) },
		"lanes by entity":    func() { tail.Lanes(LanesQuery{By: ByEntity, Limit: 30}) },
		"follow":             func() { tail.Since(tail.Vector(), Filter{}).Next(100) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ask()
			}
		})
	}
}
