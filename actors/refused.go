package actors

import (
	"errors"
	"strconv"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
	"anomalydetector/stream"
)

// What a partition does if a topic refuses for good the record that an input record led to. If the output topic refuses
// the anomaly, the partition writes a dead letter instead. If the dead-letter topic refuses that, it writes a smaller
// dead letter, with the time of writing as its timestamp. If that is refused, too, it writes nothing. All of it is
// logged and counted.

// refusals are the refused records of a partition, by offset. A refusal is noted in the abort that it causes, and kept
// until its record is committed.
type refusals map[int64]*refusal

type refusal struct {
	at          int64  // the input record's timestamp, Unix milliseconds
	anomaly     string // Kafka's name for why the anomaly was refused; empty: it was not
	deadLetter  string // Kafka's name for why the last dead letter was refused; empty: it was not
	deadLetters int    // how many dead letters were refused
}

// note adds refusals that the detector has found out.
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

// of returns the refusal of a record; nil if there is none, as nearly always.
func (r refusals) of(record *kgo.Record) *refusal {
	if len(r) == 0 {
		return nil
	}
	if known := r[record.Offset]; known != nil && known.at == record.Timestamp.UnixMilli() {
		return known
	}
	return nil
}

// anomaly is Kafka's name for why the record's anomaly is refused; empty: as far as is known it is not.
func (r refusals) anomaly(record *kgo.Record) string {
	if known := r.of(record); known != nil {
		return known.anomaly
	}
	return ""
}

// committed removes the refusals before an offset.
func (r refusals) committed(next int64) {
	for offset := range r {
		if offset < next {
			delete(r, offset)
		}
	}
}

// Reasons of dead letters, also in the summary.
const (
	// anomalyTooLarge: the anomaly has more bytes than the output topic takes.
	anomalyTooLarge = "anomaly_too_large"
	// anomalyRefused: the output topic refuses the anomaly for another reason.
	anomalyRefused = "anomaly_refused"
)

// tooLargeName is Kafka's name for the refusal of a record that is too large.
const tooLargeName = "MESSAGE_TOO_LARGE"

func reasonOf(refused string) string {
	if refused == tooLargeName || refused == "RECORD_LIST_TOO_LARGE" {
		return anomalyTooLarge
	}
	return anomalyRefused
}

// refuse logs and counts an anomaly that the output topic refuses, and writes a dead letter instead.
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
	if silent, tell := p.log.refused.tell(p.config.Now(), lines); tell {
		p.log.Error("the output topic refuses an anomaly, going on without it", "output", p.config.OutputTopic, "offset", record.Offset,
			"entity", string(key), "deviation", o.Verdict.Deviation, "time", record.Timestamp.UTC(), "error", o.Refused,
			"bytes", len(record.Value), "dead_letter", p.config.DeadLetterTopic != "", "same_since_last", silent)
	}
	p.deadLetter(ctx, record, tally, reason, kgo.RecordHeader{Key: "error", Value: []byte(o.Refused)},
		kgo.RecordHeader{Key: "deviation", Value: strconv.AppendFloat(nil, o.Verdict.Deviation, 'g', -1, 64)})
}

// deadLetter copies a record to the dead-letter topic, unless there is none, or it refuses the record.
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
		if silent, tell := p.log.deadLetters.tell(p.config.Now(), onlyHere); tell {
			p.log.Error("the dead-letter topic refuses a record, even shortened; going on without it", "dead_letter_topic", topic,
				"offset", record.Offset, "reason", reason, "error", known.deadLetter, "bytes", len(record.Value), "same_since_last", silent)
		}
	}
}

// refusalsOf returns which input records an error is about; nil if it is not about refused records.
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
