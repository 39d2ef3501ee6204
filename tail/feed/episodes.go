package feed

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/episode"
	"anomalydetector/messages"
	"anomalydetector/tail"
	"anomalydetector/tail/published"
)

// Episodes is a stream.Listener for the episodes topic of one detector. Detectors do not share it.
type Episodes struct{ to *published.Episodes }

// NewEpisodes makes an Episodes.
func NewEpisodes(to *published.Episodes) *Episodes { return &Episodes{to} }

// Begin implements stream.Listener.
func (f *Episodes) Begin(_ messages.Identity, from map[int32]int64, _ int64, anew bool) {
	f.to.Begin(from, anew)
}

// Own says whether a record tells where the stream is: records of states do, too.
func (f *Episodes) Own(record *kgo.Record) bool {
	if episode.IsStateKey(record.Key) {
		return true
	}
	_, err := episode.ParseRecord(record.Value)
	return err == nil
}

// Add decodes a run of records and gives them on.
func (f *Episodes) Add(records []*kgo.Record, next map[int32]int64) {
	var entries []published.Entry
	var bad int64
	for _, record := range records {
		if episode.IsStateKey(record.Key) || record.Value == nil {
			continue
		}
		if one, err := episode.ParseRecord(record.Value); err == nil {
			entries = append(entries, published.Entry{Record: one, Place: tail.Place{Partition: record.Partition, Offset: record.Offset}})
		} else {
			bad++
		}
	}
	f.to.Add(entries, bad, next)
}

// Tell implements stream.Listener.
func (f *Episodes) Tell(caught bool, problem string) { f.to.Tell(caught, problem) }
