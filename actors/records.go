package actors

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/datapoint"
	"anomalydetector/messages"
)

// newAnomaly makes the output record: the payload as the original program wrote
// it, the input record's timestamp, and what we add to it in the headers. The
// entity is the record's key, so that its anomalies stay in order.
func newAnomaly(shared *shared, key string, o *messages.Observation) *messages.Anomaly {
	const around = 40 // bytes the payload adds to the datapoint, at most
	payload := datapoint.AppendAnomaly(make([]byte, 0, len(o.Record.Value)+around), o.Record.Value, o.Verdict.Deviation)
	return &messages.Anomaly{
		Record: &kgo.Record{
			Topic:     shared.output,
			Key:       []byte(key),
			Value:     payload,
			Timestamp: o.Record.Timestamp,
			Headers: append([]kgo.RecordHeader{{Key: "id", Value: anomalyID(shared.group, o.Record)}},
				position(o.Record)...),
		},
		Finding: messages.Finding{
			Entity: key, At: o.Record.Timestamp, Value: o.Value,
			Usual: o.Verdict.Median, Deviation: o.Verdict.Deviation,
		},
	}
}

// tooLarge is the reason of an anomaly that no broker takes by default.
const tooLarge = "anomaly_too_large"

// maxRecord is what a record may have of payload, key and headers: brokers and
// clients take 1 MB by default, of which the batch needs a little. A record that
// cannot be written would abort its transaction for ever.
const maxRecord = 990_000

// size is what counts for maxRecord.
func size(record *kgo.Record) int {
	const perHeader = 10 // lengths, at most
	sum := len(record.Key) + len(record.Value)
	for _, header := range record.Headers {
		sum += len(header.Key) + len(header.Value) + perHeader
	}
	return sum
}

// newDeadLetter copies a bad record, with its reason and where it was. Of one
// that is too large for a copy it takes the beginning, and says its size. It
// shares nothing with the record, which is recycled after its slice.
func newDeadLetter(topic string, record *kgo.Record, reason string) *messages.DeadLetter {
	headers := append([]kgo.RecordHeader{{Key: "reason", Value: []byte(reason)}}, position(record)...)
	letter := &kgo.Record{Topic: topic, Key: record.Key, Value: record.Value, Timestamp: record.Timestamp}
	for _, header := range record.Headers {
		headers = append(headers, kgo.RecordHeader{Key: strings.Clone(header.Key), Value: bytes.Clone(header.Value)})
	}
	letter.Headers = headers
	if size(letter) > maxRecord {
		const beginning = 10_000
		letter.Key = record.Key[:min(len(record.Key), beginning)]
		letter.Value = record.Value[:min(len(record.Value), beginning)]
		letter.Headers = append(headers[:len(headers)-len(record.Headers)], kgo.RecordHeader{Key: "truncated_from", Value: strconv.AppendInt(nil, int64(len(record.Value)), 10)})
	}
	letter.Key, letter.Value = bytes.Clone(letter.Key), bytes.Clone(letter.Value)
	return &messages.DeadLetter{Record: letter}
}

// position are the headers that say where a record was read.
func position(record *kgo.Record) []kgo.RecordHeader {
	return []kgo.RecordHeader{
		{Key: "topic", Value: []byte(record.Topic)},
		{Key: "partition", Value: strconv.AppendInt(nil, int64(record.Partition), 10)},
		{Key: "offset", Value: strconv.AppendInt(nil, record.Offset, 10)},
	}
}

// positionOf reads what position has written.
func positionOf(record *kgo.Record) (partition int32, offset int64, known bool) {
	if record == nil {
		return 0, 0, false
	}
	for _, header := range record.Headers {
		number, err := strconv.ParseInt(string(header.Value), 10, 64)
		switch {
		case err != nil:
		case header.Key == "partition":
			partition, known = int32(number), true
		case header.Key == "offset":
			offset = number
		}
	}
	return partition, offset, known
}

// anomalyID is the same for the same input record and group, however often it
// is processed: 128 bits of a SHA-256 over both, in hex. Kafka's names cannot
// hold a zero byte, so the parts cannot run into each other.
func anomalyID(group string, record *kgo.Record) []byte {
	var text []byte
	text = append(append(text, record.Topic...), 0)
	text = append(strconv.AppendInt(text, int64(record.Partition), 10), 0)
	text = append(strconv.AppendInt(text, record.Offset, 10), 0)
	text = append(text, group...)
	sum := sha256.Sum256(text)
	return hex.AppendEncode(nil, sum[:16])
}
