package actors

import (
	"errors"
	"strconv"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
	"anomalydetector/stream"
)

// What is done where a topic refuses for good what a record became: the anomaly
// becomes a dead letter; a dead letter becomes a smaller one, with the time at
// which it is written; and that one is left out. All of it is logged and counted.

// refusals are what topics refuse of a partition's records, by offset, from the
// abort in which it was found out until the record is committed.
type refusals map[int64]*refusal

type refusal struct {
	at          int64  // the record's timestamp
	anomaly     string // the broker's name for the reason; empty: it was not refused
	deadLetter  string // the same, of its last dead letter
	deadLetters int    // dead letters that were refused
}

// note keeps what was found out of a partition.
func (r refusals) note(found []messages.Refusal) {
	for _, f := range found {
		known := r[f.Offset]
		if known == nil || known.at != f.At {
			known = &refusal{at: f.At}
			r[f.Offset] = known
		}
		if f.DeadLetter {
			known.deadLetter = f.Reason
			known.deadLetters++
		} else {
			known.anomaly = f.Reason
		}
	}
}

// of is what is known of a record, nil mostly.
func (r refusals) of(record *kgo.Record) *refusal {
	if len(r) == 0 {
		return nil
	}
	if known := r[record.Offset]; known != nil && known.at == record.Timestamp.UnixMilli() {
		return known
	}
	return nil
}

// anomaly is why the record's anomaly is refused; empty: it is not, as far as known.
func (r refusals) anomaly(record *kgo.Record) string {
	if known := r.of(record); known != nil {
		return known.anomaly
	}
	return ""
}

// committed forgets what lies before an offset.
func (r refusals) committed(next int64) {
	for offset := range r {
		if offset < next {
			delete(r, offset)
		}
	}
}

// Reasons, of dead letters and in the summary.
const (
	// anomalyTooLarge is of an anomaly that has more bytes than its topic takes.
	anomalyTooLarge = "anomaly_too_large"
	// anomalyRefused is of an anomaly that its topic refuses for something else.
	anomalyRefused = "anomaly_refused"
)

// tooLargeName is Kafka's name for what need not be tried.
const tooLargeName = "MESSAGE_TOO_LARGE"

func reasonOf(refused string) string {
	if refused == tooLargeName || refused == "RECORD_LIST_TOO_LARGE" {
		return anomalyTooLarge
	}
	return anomalyRefused
}

// refuse tells of an anomaly that cannot be written, counts it, and writes a dead
// letter in its place.
func (p *partition) refuse(ctx actor.Context, record *kgo.Record, key []byte, o *messages.Observed, tally *tally) {
	reason := reasonOf(o.Refused)
	if reason == anomalyTooLarge {
		tally.tooLarge++
	} else {
		tally.refused++
	}
	lines := 1
	if p.config.DeadLetterTopic == "" {
		lines = onlyHere
	}
	if silent, tell := p.limited.refused.tell(p.config.Now(), lines); tell {
		p.log.Error("the output topic refuses an anomaly, going on without it", "output", p.config.OutputTopic, "offset", record.Offset,
			"entity", string(key), "deviation", o.Verdict.Deviation, "time", record.Timestamp.UTC(), "error", o.Refused,
			"bytes", len(record.Value), "dead_letter", p.config.DeadLetterTopic != "", "same_since_last", silent)
	}
	p.deadLetter(ctx, record, tally, reason, kgo.RecordHeader{Key: "error", Value: []byte(o.Refused)},
		kgo.RecordHeader{Key: "deviation", Value: strconv.AppendFloat(nil, o.Verdict.Deviation, 'g', -1, 64)})
}

// deadLetter copies a record to the dead-letter topic, if there is one that takes it.
func (p *partition) deadLetter(ctx actor.Context, record *kgo.Record, tally *tally, reason string, more ...kgo.RecordHeader) {
	topic := p.config.DeadLetterTopic
	if topic == "" {
		return
	}
	known := p.refused.of(record)
	switch {
	case known == nil || known.deadLetters == 0:
		tally.deadLetters++
		ctx.Send(p.shared.producer, newDeadLetter(topic, record, reason, p.config.largest(topic), more...))
	case known.deadLetters == 1:
		tally.deadLetters++
		ctx.Send(p.shared.producer, newSmallDeadLetter(topic, record, reason, known.deadLetter, more...))
	default:
		tally.deadLettersRefused++
		if silent, tell := p.limited.deadLetters.tell(p.config.Now(), onlyHere); tell {
			p.log.Error("the dead-letter topic refuses a record, even shortened; going on without it", "dead_letter_topic", topic,
				"offset", record.Offset, "reason", reason, "error", known.deadLetter, "bytes", len(record.Value), "same_since_last", silent)
		}
	}
}

// refusalsOf reads which records of the input it is that topics refuse; nil if
// the error tells nothing of that kind.
func refusalsOf(err error) []messages.Refusal {
	var refused *stream.Refused
	if !errors.As(err, &refused) {
		return nil
	}
	found := make([]messages.Refusal, 0, len(refused.Refusals))
	for _, r := range refused.Refusals {
		of, _ := originOf(r.Record)
		found = append(found, messages.Refusal{Partition: of.partition, Offset: of.offset, At: of.at, DeadLetter: of.deadLetter, Reason: r.Name()})
	}
	return found
}
