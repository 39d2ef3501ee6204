package feed

import (
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kgo"
)

// FuzzEntry: anybody may have written a record of the output topic. It is an anomaly, or it is refused.
func FuzzEntry(f *testing.F) {
	point := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 2), "scope"), "a")
	point = msgp.AppendFloat64(msgp.AppendString(point, "hege"), 7)
	value := append(msgp.AppendString(msgp.AppendMapHeader(nil, 2), "datapoint"), point...)
	value = msgp.AppendFloat64(msgp.AppendString(value, "deviation"), 6)
	f.Add(value, []byte("a"), "in", "0", "5", "1", "1")
	f.Add(value, []byte("\x1b"), "", "", "", "", "")
	f.Add([]byte{0x81}, []byte(nil), "in", "-1", "9223372036854775808", "nan", "1e999")
	feed := New(Config{InputTopic: "in", Group: "group", ValueField: "hege", KeyFields: []string{"scope"}}, nil)
	f.Fuzz(func(t *testing.T, value, key []byte, topic, partition, offset, usual, scale string) {
		record := &kgo.Record{Value: value, Key: key, Timestamp: time.UnixMilli(1), Headers: []kgo.RecordHeader{
			{Key: "topic", Value: []byte(topic)}, {Key: "partition", Value: []byte(partition)}, {Key: "offset", Value: []byte(offset)},
			{Key: "usual", Value: []byte(usual)}, {Key: "scale", Value: []byte(scale)}}}
		e, err := feed.entry(record)
		switch {
		case err != nil:
		case len(key) > 0 && e.Entity != string(key), topic != "" && topic != "in", e.Input.Partition < -1, e.Input.Offset < -1, len(e.Fields) != 1:
			t.Errorf("a record is taken for %+v", e)
		}
	})
}
