package synthetic

import (
	"strings"
	"testing"
	"time"
)

func TestOptionsOutOfRangeAreRefusedByName(t *testing.T) {
	for name, c := range map[string]struct {
		change func(o *Options)
		want   string
	}{
		"no entities":             {func(o *Options) { o.Entities = 0 }, "Entities"},
		"negative history":        {func(o *Options) { o.HistoryBins = -1 }, "HistoryBins"},
		"negative live bins":      {func(o *Options) { o.LiveBins = -1 }, "LiveBins"},
		"negative events":         {func(o *Options) { o.Events = -1 }, "Events"},
		"no bin":                  {func(o *Options) { o.Bin = 0 }, "Bin"},
		"part of a second":        {func(o *Options) { o.Bin = 1500 * time.Millisecond }, "Bin"},
		"before 1970":             {func(o *Options) { o.Start = time.Unix(-1, 0) }, "Start"},
		"start between seconds":   {func(o *Options) { o.Start = o.Start.Add(time.Millisecond) }, "Start"},
		"no start":                {func(o *Options) { o.Start = time.Time{} }, "Start"},
		"end after the year 9999": {func(o *Options) { o.LiveBins = maxBins }, "LiveBins"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Default()
			c.change(&o)
			if err := o.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Validate returned %v, want an error that names %s", err, c.want)
			}
			if _, err := New(o); err == nil {
				t.Fatal("New made a stream of them")
			}
		})
	}
}

func TestEventsThatDoNotFitAreRefused(t *testing.T) {
	for name, change := range map[string]func(o *Options){
		"too few live bins":  func(o *Options) { o.LiveBins = longest(usualEvents, o.Bin) - 1 },
		"too few entities":   func(o *Options) { o.Entities = 20 },
		"one more than fits": func(o *Options) { o.Events = 161 },
	} {
		t.Run(name, func(t *testing.T) {
			o := Default()
			change(&o)
			if _, err := New(o); err == nil || !strings.Contains(err.Error(), "Events") {
				t.Fatalf("New returned %v, want an error that names Events", err)
			}
		})
	}
}

func TestSmallestStreams(t *testing.T) {
	for name, o := range map[string]Options{
		"one entity, no events":     {Entities: 1, Start: time.Unix(0, 0), Bin: time.Second, HistoryBins: 1},
		"one entity, one event":     {Entities: 1, Start: time.Unix(0, 0), Bin: time.Second, LiveBins: 24, Events: 1},
		"no bins":                   {Entities: 1, Start: time.Unix(0, 0), Bin: time.Second},
		"bins longer than a window": {Entities: 3, Start: time.Unix(0, 0), Bin: 100 * time.Hour, LiveBins: 48, Events: 4},
	} {
		t.Run(name, func(t *testing.T) {
			s := mustNew(t, o)
			if len(s.Events()) != o.Events {
				t.Fatalf("%d events, want %d", len(s.Events()), o.Events)
			}
			each(s, func(int, Datapoint) {})
		})
	}
}

func TestAllPlacesCanBeTaken(t *testing.T) {
	o := Default()
	o.Events = 160
	if events := mustNew(t, o).Events(); len(events) != 160 {
		t.Fatalf("%d events, want 160", len(events))
	}
}

func BenchmarkBin(b *testing.B) {
	o := Default()
	o.Entities = 10_000
	s := mustNew(b, o)
	b.ReportAllocs()
	points := 0
	for i := 0; b.Loop(); i++ {
		points += len(s.Bin(i % s.Bins()))
	}
	b.ReportMetric(float64(points)/b.Elapsed().Seconds(), "points/s")
}
