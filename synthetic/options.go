package synthetic

import (
	"fmt"
	"slices"
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
	Events      int           // number of events; New says whether they fit. A transit loss is one

	// Kinds are those of the events, in turn; a kind that stands there twice is twice as frequent. Nil: Shift, Spike and
	// Outage. A Spike takes the place of an Outage if no entity is left whose level is high enough for one.
	Kinds []Kind
	// EntityKinds are those of the entities, in turn. Nil: seven of ten are Ordinary; the others are Constant, Noisy and Sparse.
	EntityKinds []EntityKind
	// Hard makes a stream in which not all can be found. Changes are of all sizes, and most are small. They happen to entities
	// of all kinds. The noise has now and then a wild value.
	Hard bool
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
	if i := slices.IndexFunc(o.Kinds, func(k Kind) bool { return k >= kinds }); i >= 0 {
		return fmt.Errorf("synthetic stream: Kinds has the unknown kind %d", o.Kinds[i])
	}
	if i := slices.IndexFunc(o.EntityKinds, func(k EntityKind) bool { return k >= entityKinds }); i >= 0 {
		return fmt.Errorf("synthetic stream: EntityKinds has the unknown kind %d", o.EntityKinds[i])
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

// kinds are those of the events, in turn.
func (o *Options) kinds() []Kind {
	if len(o.Kinds) == 0 {
		return usualEvents
	}
	return o.Kinds
}

// entityKind is the kind of the i-th entity, unless it depends on a transit.
func (o *Options) entityKind(i int) EntityKind {
	if len(o.EntityKinds) == 0 {
		return usualKinds[i%len(usualKinds)]
	}
	return o.EntityKinds[i%len(o.EntityKinds)]
}

// transits is whether the stream has transits: ASes that many scopes depend on.
func (o *Options) transits() bool {
	return slices.Contains(o.Kinds, TransitLoss)
}
