// Package feed gives a tail what the stream reads of the output topic. It decodes the records, and leaves out
// those of other detectors.
//
// It imports datapoint, messages and tail, decides nothing about anomalies, and reads no clock.
package feed

import (
	"errors"
	"math"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/datapoint"
	"anomalydetector/messages"
	"anomalydetector/tail"
)

// Config names the detector whose anomalies are taken.
type Config struct {
	InputTopic string
	Group      string
	ValueField string
	KeyFields  []string
}

// Feed is a stream.Listener.
type Feed struct {
	config  Config
	tail    *tail.Tail
	decoder *datapoint.Decoder
}

// New makes a Feed for a tail.
func New(config Config, to *tail.Tail) *Feed {
	return &Feed{config: config, tail: to, decoder: datapoint.NewDecoder(config.ValueField, config.KeyFields)}
}

// Begin implements stream.Listener.
func (f *Feed) Begin(topic messages.Identity, from map[int32]int64, since int64, anew bool) {
	f.tail.Begin(topic.Topic, from, since, anew)
}

// Own says whether a record is an anomaly of the detector.
func (f *Feed) Own(record *kgo.Record) bool {
	_, err := f.entry(record)
	return err == nil
}

// Add decodes a run of records and gives them to the tail.
func (f *Feed) Add(records []*kgo.Record, next map[int32]int64) {
	entries := make([]tail.Entry, 0, len(records))
	var foreign, bad int64
	for _, record := range records {
		switch entry, err := f.entry(record); {
		case err == nil:
			entries = append(entries, entry)
		case errors.Is(err, errForeign):
			foreign++
		default:
			bad++
		}
	}
	if foreign+bad > 0 {
		f.tail.Count(foreign, bad)
	}
	f.tail.Add(entries, next)
}

// Tell implements stream.Listener.
func (f *Feed) Tell(caught bool, problem string) { f.tail.Tell(caught, problem) }

var (
	errForeign = errors.New("another detector's record")
	errBad     = errors.New("not an anomaly")
)

// entry decodes a record. A record with headers is the detector's if they name its input topic and, if they
// name a group, its group. A record without headers, as the original program writes it, is taken for that of
// any detector whose fields it has.
func (f *Feed) entry(record *kgo.Record) (e tail.Entry, err error) {
	e = tail.Entry{
		ID: header(record, "id"), At: record.Timestamp.UnixMilli(), Usual: math.NaN(), Scale: math.NaN(),
		Output: tail.Place{Partition: record.Partition, Offset: record.Offset}, Input: tail.Nowhere,
	}
	topic, group := header(record, "topic"), header(record, "group")
	if topic != "" && topic != f.config.InputTopic || group != "" && group != f.config.Group {
		return e, errForeign
	}
	anomaly, wrong := f.decoder.Decode(e.At, record.Value)
	switch {
	case wrong != nil && wrong.Reason == datapoint.FieldMissing:
		return e, errForeign
	case wrong != nil:
		return e, errBad
	case len(record.Key) > 0 && string(record.Key) != anomaly.Entity:
		return e, errForeign // its detector has other key fields
	}
	e.Entity, e.Fields, e.Value, e.Deviation = anomaly.Entity, anomaly.Fields, anomaly.Value, anomaly.Deviation
	if topic == "" {
		e.ID = ""
		return e, nil
	}
	partition, err1 := strconv.ParseInt(header(record, "partition"), 10, 32)
	offset, err2 := strconv.ParseInt(header(record, "offset"), 10, 64)
	if err1 == nil && err2 == nil && partition >= 0 && offset >= 0 {
		e.Input = tail.Place{Partition: int32(partition), Offset: offset}
	}
	e.Usual, e.Scale = number(record, "usual"), number(record, "scale")
	if header(record, "method") == "habit" {
		e.Habit = tail.Habit{Found: true, OfMean: header(record, "test") == "mean", Mean: number(record, "mean"), UsualMean: number(record, "usual_mean")}
	}
	if !f.fits(&e) {
		return e, errForeign
	}
	return e, nil
}

// fits says whether the deviation belongs to the value. If the record is that of a detector with another
// value field, it does not. If the deviation is of the mean of the last values, that of the value is smaller.
func (f *Feed) fits(e *tail.Entry) bool {
	deviation := (e.Value - e.Usual) / e.Scale
	if math.IsNaN(deviation) || math.IsInf(deviation, 0) {
		return true // there is nothing to compare
	}
	if e.Habit.OfMean {
		return math.Abs(deviation) <= (1+1e-6)*math.Abs(e.Deviation)
	}
	return math.Abs(deviation-e.Deviation) <= 1e-6*math.Abs(e.Deviation)
}

// header is the first header of a name: headers of the input record may follow ours.
func header(record *kgo.Record, key string) string {
	i := slices.IndexFunc(record.Headers, func(h kgo.RecordHeader) bool { return h.Key == key })
	if i < 0 {
		return ""
	}
	return string(record.Headers[i].Value)
}

// number is a header that holds a float64; NaN if it does not.
func number(record *kgo.Record, key string) float64 {
	x, err := strconv.ParseFloat(header(record, key), 64)
	if err != nil {
		return math.NaN()
	}
	return x
}
