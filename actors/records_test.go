package actors

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestOriginIsOfOurOwnHeaders: a dead letter has those of the input behind them, which
// may have the same names.
func TestOriginIsOfOurOwnHeaders(t *testing.T) {
	input := &kgo.Record{Topic: "in", Partition: 2, Offset: 7, Timestamp: time.UnixMilli(1000), Headers: []kgo.RecordHeader{
		{Key: "partition", Value: []byte("9")}, {Key: "offset", Value: []byte("99")}, {Key: "timestamp", Value: []byte("5")}}}
	want := origin{partition: 2, offset: 7, at: 1000, deadLetter: true}
	for name, record := range map[string]*kgo.Record{
		"a dead letter":       newDeadLetter("bad", input, "not_msgpack", maxRecord).Record,
		"a small dead letter": newSmallDeadLetter("bad", input, "not_msgpack", "INVALID_RECORD").Record,
	} {
		if of, known := originOf(record); of != want || !known {
			t.Errorf("%s is of %+v, %t; want %+v", name, of, known, want)
		}
	}
	for name, record := range map[string]*kgo.Record{"nothing": nil, "a record of another program": {}, "one with a header": {Headers: input.Headers[2:]}} {
		if of, known := originOf(record); known {
			t.Errorf("%s is of %+v", name, of)
		}
	}
}
