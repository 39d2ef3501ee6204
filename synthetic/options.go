package synthetic

import (
	"fmt"
	"time"
)

// Options say what a stream looks like. Equal options give equal streams.
type Options struct {
	Seed        uint64        // of all random numbers
	Entities    int           // number of (scope, asn) pairs, at least 1
	Start       time.Time     // of the first bin; whole seconds, from 1970 on
	Bin         time.Duration // time between two datapoints of an entity; whole seconds
	HistoryBins int           // bins without events before the live ones: they fill the detector's windows
	LiveBins    int           // bins in which events happen
	Events      int           // number of events; New says whether they fit
}

// Default are the options of a stream in which a detector with the default settings finds all
// events and nothing else: three days of history, then two days with twenty events.
func Default() Options {
	return Options{
		Seed:        1,
		Entities:    200,
		Start:       time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC),
		Bin:         15 * time.Minute,
		HistoryBins: 288,
		LiveBins:    192,
		Events:      20,
	}
}

// The limits keep every AS number and every timestamp valid.
const (
	maxEntities = 1_000_000_000
	maxBins     = 1_000_000_000
)

var latest = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

// Validate returns an error that names the first option out of range. Whether the events fit is said by New.
func (o Options) Validate() error {
	for _, count := range []struct {
		name                 string
		value, least, atMost int
	}{
		{"Entities", o.Entities, 1, maxEntities},
		{"HistoryBins", o.HistoryBins, 0, maxBins},
		{"LiveBins", o.LiveBins, 0, maxBins},
		{"Events", o.Events, 0, maxEntities},
	} {
		if count.value < count.least || count.value > count.atMost {
			return fmt.Errorf("synthetic stream: %s is %d, want %d to %d", count.name, count.value, count.least, count.atMost)
		}
	}
	if o.Bin < time.Second || o.Bin%time.Second != 0 {
		return fmt.Errorf("synthetic stream: Bin is %v, want whole seconds, at least one", o.Bin)
	}
	if o.Start.Before(time.Unix(0, 0)) || o.Start.After(latest) || o.Start.Nanosecond() != 0 {
		return fmt.Errorf("synthetic stream: Start is %v, want whole seconds between the years 1970 and 9999", o.Start)
	}
	if room := (latest.Unix() - o.Start.Unix()) / int64(o.Bin/time.Second); int64(o.HistoryBins+o.LiveBins) > room {
		return fmt.Errorf("synthetic stream: HistoryBins and LiveBins are %d and %d, want their sum to end before the year 9999: at most %d",
			o.HistoryBins, o.LiveBins, room)
	}
	return nil
}

// at is the time of bin i in Unix milliseconds.
func (o Options) at(i int) int64 {
	return o.Start.UnixMilli() + int64(i)*o.Bin.Milliseconds()
}
