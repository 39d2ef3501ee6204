package actors

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/datapoint"
	"anomalydetector/detection"
	"anomalydetector/messages"
)

// newAnomaly makes the output record: the payload as the original program wrote
// it, the input record's timestamp, and what we add to it in the headers. The
// entity is the record's key, so that its anomalies stay in order.
func newAnomaly(shared *shared, key string, o *messages.Observation, verdict *detection.Verdict) *messages.Anomaly {
	around := 40 // bytes that the payload adds to the datapoint, at most
	if shared.explain {
		around += datapoint.ExplanationSize
	}
	payload := datapoint.AppendAnomaly(make([]byte, 0, len(o.Record.Value)+around), o.Record.Value, verdict.Deviation)
	return &messages.Anomaly{
		Record: &kgo.Record{
			Topic:     shared.output,
			Key:       []byte(key),
			Value:     payload,
			Timestamp: o.Record.Timestamp,
			Headers: append([]kgo.RecordHeader{{Key: "id", Value: anomalyID(shared, o.Record)}},
				positionHeaders(o.Record)...),
		},
		Finding: messages.Finding{
			Entity: key, At: o.Record.Timestamp, Value: o.Value,
			Usual: verdict.Median, Scale: verdict.Scale, Deviation: verdict.Deviation,
		},
	}
}

// maxRecord is the largest size of a record, in bytes, if the topic's limit is not known. Brokers and clients take 1 MB
// by default, of which the batch needs a little.
const maxRecord = 990_000

// largest is the largest size of a record that a topic takes, in bytes; see size.
func (c *Config) largest(topic string) int {
	if c.Largest == nil {
		return maxRecord
	}
	return c.Largest(topic)
}

// timestampHeader is the first header of a small dead letter: the input record's timestamp.
const timestampHeader = "timestamp"

// ownHeaders is how many headers of ours an anomaly and a dead letter begin with: an id or a reason, and the position.
const ownHeaders = 4

// size is the size of a record in bytes: key, value and headers.
func size(record *kgo.Record) int {
	const perHeader = 10 // bytes of the two lengths, at most
	sum := len(record.Key) + len(record.Value)
	for _, header := range record.Headers {
		sum += len(header.Key) + len(header.Value) + perHeader
	}
	return sum
}

// newDeadLetter copies a record, and adds the reason and the record's position in headers. If the copy is larger than
// most bytes, it is shortened, and a header tells the original size. It shares no memory with the record, which is
// recycled after its slice.
func newDeadLetter(topic string, record *kgo.Record, reason string, most int, more ...kgo.RecordHeader) *messages.DeadLetter {
	headers := deadLetterHeaders(record, reason, more)
	dead := &kgo.Record{Topic: topic, Key: record.Key, Value: record.Value, Timestamp: record.Timestamp}
	for _, header := range record.Headers {
		headers = append(headers, kgo.RecordHeader{Key: strings.Clone(header.Key), Value: bytes.Clone(header.Value)})
	}
	dead.Headers = headers
	if size(dead) > most {
		dead.Headers = headers[:len(headers)-len(record.Headers)]
		shorten(dead, min(10_000, max(most-size(&kgo.Record{Headers: dead.Headers})-aroundShortened, 0)))
	}
	dead.Key, dead.Value = bytes.Clone(dead.Key), bytes.Clone(dead.Value)
	return &messages.DeadLetter{Record: dead}
}

// newSmallDeadLetter makes a dead letter for a topic that refused the copy. It has the beginning of the record, always a
// key, and the time of writing as its timestamp. Headers tell the record's timestamp, and why the copy was refused.
func newSmallDeadLetter(topic string, record *kgo.Record, reason, refused string, more ...kgo.RecordHeader) *messages.DeadLetter {
	headers := append([]kgo.RecordHeader{
		{Key: timestampHeader, Value: strconv.AppendInt(nil, record.Timestamp.UnixMilli(), 10)},
	}, deadLetterHeaders(record, reason, more)...)
	headers = append(headers, kgo.RecordHeader{Key: "dead_letter_error", Value: []byte(refused)})
	dead := &kgo.Record{Topic: topic, Key: record.Key, Value: record.Value, Headers: headers}
	if refused == tooLargeName || refused == "RECORD_LIST_TOO_LARGE" {
		shorten(dead, 0)
	} else {
		shorten(dead, 10_000)
	}
	dead.Key, dead.Value = bytes.Clone(dead.Key), bytes.Clone(dead.Value)
	if len(dead.Key) == 0 {
		dead.Key = []byte(record.Topic + "/" + strconv.Itoa(int(record.Partition)) + "/" + strconv.FormatInt(record.Offset, 10))
	}
	return &messages.DeadLetter{Record: dead}
}

func deadLetterHeaders(record *kgo.Record, reason string, more []kgo.RecordHeader) []kgo.RecordHeader {
	return append(append([]kgo.RecordHeader{{Key: "reason", Value: []byte(reason)}}, positionHeaders(record)...), more...)
}

// aroundShortened is the largest size of the header that shorten adds, in bytes.
const aroundShortened = 50

// shorten cuts key and value so that they have at most most bytes together, of which the key gets at most half.
func shorten(dead *kgo.Record, most int) {
	if len(dead.Key)+len(dead.Value) <= most {
		return
	}
	dead.Headers = append(dead.Headers, kgo.RecordHeader{Key: "truncated_from", Value: strconv.AppendInt(nil, int64(len(dead.Value)), 10)})
	dead.Key = dead.Key[:min(len(dead.Key), most/2)]
	dead.Value = dead.Value[:min(len(dead.Value), most-len(dead.Key))]
}

// positionHeaders tell where a record was read: topic, partition and offset.
func positionHeaders(record *kgo.Record) []kgo.RecordHeader {
	return []kgo.RecordHeader{
		{Key: "topic", Value: []byte(record.Topic)},
		{Key: "partition", Value: strconv.AppendInt(nil, int64(record.Partition), 10)},
		{Key: "offset", Value: strconv.AppendInt(nil, record.Offset, 10)},
	}
}

// origin is the input record of an output record or a dead letter, as its headers tell.
type origin struct {
	partition  int32
	offset     int64
	at         int64 // timestamp of the input record, Unix milliseconds
	deadLetter bool  // the headers are of a dead letter
}

// originOf reads the headers that we have added, which come first. After them a dead letter has those of the input
// record, which may have the same names.
func originOf(record *kgo.Record) (o origin, known bool) {
	if record == nil {
		return o, false
	}
	o.at = record.Timestamp.UnixMilli()
	headers := record.Headers
	if len(headers) > 0 && headers[0].Key == timestampHeader {
		o.at, _ = strconv.ParseInt(string(headers[0].Value), 10, 64)
		headers = headers[1:]
	}
	if len(headers) < ownHeaders {
		return o, false
	}
	for _, header := range headers[:ownHeaders] {
		switch header.Key {
		case "reason":
			o.deadLetter = true
		case "partition":
			partition, err := strconv.ParseInt(string(header.Value), 10, 32)
			o.partition, known = int32(partition), err == nil
		case "offset":
			o.offset, _ = strconv.ParseInt(string(header.Value), 10, 64)
		}
	}
	return o, known
}

// anomalyID is the same each time that a group processes the same input record: 128 bits of a SHA-256, in hex. It is
// computed from the topic's name and id, the position and the group. The topic's id tells apart the records of a topic
// that was deleted and created again. Zero bytes separate the parts, because Kafka's names and ids cannot hold one.
func anomalyID(shared *shared, record *kgo.Record) []byte { return idOf(anomalyIDText(shared, record)) }

// idOf is the id of what a text describes: 128 bits of its SHA-256, in hex.
func idOf(text []byte) []byte {
	sum := sha256.Sum256(text)
	return hex.AppendEncode(nil, sum[:16])
}

func anomalyIDText(shared *shared, record *kgo.Record) []byte {
	var text []byte
	text = append(append(text, record.Topic...), 0)
	text = append(strconv.AppendInt(text, int64(record.Partition), 10), 0)
	text = append(strconv.AppendInt(text, record.Offset, 10), 0)
	text = append(text, shared.group...)
	if shared.topic != "" {
		text = append(append(text, 0), shared.topic...)
	}
	return text
}
