// Package feed gives a tail what the stream reads of the output topic: it decodes the records, and
// leaves out those that another detector wrote.
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

// New feeds a tail.
func New(config Config, to *tail.Tail) *Feed {
	return &Feed{config: config, tail: to, decoder: datapoint.NewDecoder(config.ValueField, config.KeyFields)}
}

// Begin is called before reading begins, or goes on, at some offsets.
func (f *Feed) Begin(topic messages.Identity, from map[int32]int64, anew bool) {
	f.tail.Begin(topic.Topic, from, anew)
}

// Own tells whether a record is an anomaly of the detector.
func (f *Feed) Own(record *kgo.Record) bool {
	_, err := f.entry(record)
	return err == nil
}

// Add takes a run of records.
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

// Tell passes on how reading goes.
func (f *Feed) Tell(caught bool, problem string) { f.tail.Tell(caught, problem) }

var (
	errForeign = errors.New("another detector's record")
	errBad     = errors.New("not an anomaly")
)

// entry decodes a record. One with headers is the detector's if they name its input topic and, where
// they say so, its group. One without is any detector's whose fields it has: the original program
// writes none.
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
		return e, errForeign // of a detector with other key fields
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
	if !f.fits(&e) {
		return e, errForeign
	}
	return e, nil
}

// fits tells whether the deviation is that of the value: a detector with another value field has
// another one.
func (f *Feed) fits(e *tail.Entry) bool {
	deviation := (e.Value - e.Usual) / e.Scale
	if math.IsNaN(deviation) || math.IsInf(deviation, 0) {
		return true // it cannot be told
	}
	return math.Abs(deviation-e.Deviation) <= 1e-6*math.Abs(e.Deviation)
}

// header is the first of a name: those of the input may follow ours.
func header(record *kgo.Record, key string) string {
	i := slices.IndexFunc(record.Headers, func(h kgo.RecordHeader) bool { return h.Key == key })
	if i < 0 {
		return ""
	}
	return string(record.Headers[i].Value)
}

// number is a header that is a float64; NaN if it is none.
func number(record *kgo.Record, key string) float64 {
	x, err := strconv.ParseFloat(header(record, key), 64)
	if err != nil {
		return math.NaN()
	}
	return x
}
