package simulation

import (
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"anomalydetector/test/sink"
)

// Sink is which records the output and dead-letter topics refuse for good. It depends on
// nothing but the record, so the judge knows it, too.
type Sink struct {
	Err         *kerr.Error // nil: they refuse nothing
	Every       int64       // of this many offsets of the input the anomaly of the last one is refused
	Before      int64       // with INVALID_TIMESTAMP anomalies before this time are refused; Unix milliseconds
	DeadLetters bool        // dead letters are refused by the same rule, except shortened ones
	Untold      bool        // the broker does not tell the topics' settings
}

// drawSink lets the topics refuse records in a third of the runs.
func (s *Scenario) drawSink(d dice) {
	s.Sink.Untold = d.one(4)
	if !d.one(3) {
		return
	}
	s.Sink.Err = []*kerr.Error{kerr.InvalidRecord, kerr.MessageTooLarge, kerr.InvalidTimestamp}[d.IntN(3)]
	s.Sink.Every, s.Sink.DeadLetters = []int64{1, 2, 5, 40}[d.IntN(4)], d.one(2)
	if s.Sink.Err == kerr.InvalidTimestamp {
		s.Sink.Before = s.Records[d.IntN(len(s.Records))].At
	}
}

// refuses tells whether the output topic refuses the anomaly of a record of the input.
func (s Sink) refuses(offset, at int64) bool {
	switch s.Err {
	case nil:
		return false
	case kerr.InvalidTimestamp:
		return at < s.Before
	}
	return offset%s.Every == s.Every-1
}

// reason is what the dead letter of a refused anomaly says.
func (s Sink) reason() string {
	if s.Err == kerr.MessageTooLarge {
		return "anomaly_too_large"
	}
	return "anomaly_refused"
}

func (s Sink) install(cluster *kfake.Cluster) {
	if s.Untold {
		cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	}
	if s.Err == nil {
		return
	}
	refuses := func(record *kgo.Record) bool {
		if header(record, "event") != "" {
			return false // a record of the episodes topic, in the same request
		}
		offset, _ := strconv.ParseInt(header(record, "offset"), 10, 64)
		return s.refuses(offset, record.Timestamp.UnixMilli())
	}
	const most = 10 // partitions of a topic
	sink.Refuse(cluster, outputTopic, most, s.Err, func(record *kgo.Record) bool {
		return header(record, "id") != "" && refuses(record)
	})
	if s.DeadLetters {
		sink.Refuse(cluster, deadLetterTopic, most, s.Err, func(record *kgo.Record) bool {
			return header(record, "id") == "" && header(record, "dead_letter_error") == "" && refuses(record)
		})
	}
}

func (s Sink) words() (text string) {
	switch {
	case s.Err == nil:
	case s.Err == kerr.InvalidTimestamp:
		text = fmt.Sprintf("  the output topic refuses anomalies from before %d", s.Before)
	default:
		text = fmt.Sprintf("  the output topic refuses one anomaly in %d with %s", s.Every, s.Err.Message)
	}
	if s.Err != nil && s.DeadLetters {
		text += ", and the dead-letter topic by the same rule"
	}
	if s.Err != nil {
		text += "\n"
	}
	if s.Untold {
		text += "  the broker does not tell settings\n"
	}
	return text
}
