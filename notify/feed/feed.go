// Package feed gives a notifier what the stream reads of the episodes topic. It decodes the records. It skips
// those that are no events: the state of a partition, and tombstones.
//
// It imports episode, messages and notify, decides nothing about alerts, and reads no clock.
package feed

import (
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/episode"
	"anomalydetector/messages"
	"anomalydetector/notify"
)

// Span is how far back the topic is read: to its beginning. The topic is compacted, so the latest record of an open
// episode may be of any age.
const Span time.Duration = math.MaxInt64

// To takes what the feed decodes; a *notify.Notifier.
type To interface {
	Clear()
	Live()
	Add([]notify.Event)
}

// Feed is a stream.Listener.
type Feed struct {
	to  To
	bad func(records int) // records that are no events
}

// New makes a Feed. It tells bad how many records could not be read.
func New(to To, bad func(records int)) *Feed { return &Feed{to, bad} }

// Begin implements stream.Listener.
func (f *Feed) Begin(_ messages.Identity, _ map[int32]int64, _ int64, anew bool) {
	if anew {
		f.to.Clear()
	}
}

// Own implements stream.Listener. The topic is read from its beginning in any case.
func (f *Feed) Own(*kgo.Record) bool { return true }

// Tell implements stream.Listener.
func (f *Feed) Tell(caught bool, _ string) {
	if caught {
		f.to.Live()
	}
}

// Add decodes a run of records and gives the events among them to the notifier.
func (f *Feed) Add(records []*kgo.Record, _ map[int32]int64) {
	events := make([]notify.Event, 0, len(records))
	bad := 0
	for _, record := range records {
		if len(record.Value) == 0 || episode.IsStateKey(record.Key) {
			continue
		}
		if r, err := episode.ParseRecord(record.Value); err == nil {
			events = append(events, notify.Event{Record: r, Partition: record.Partition})
		} else {
			bad++
		}
	}
	if bad > 0 {
		f.bad(bad)
	}
	f.to.Add(events)
}
