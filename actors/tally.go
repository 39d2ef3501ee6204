package actors

import (
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/datapoint"
	"anomalydetector/messages"
)

// tally counts what a slice holds while it is scored.
type tally struct {
	points, anomalies, early int
	unscored                 int // points whose window had too few
	above                    int // anomalies with a deviation above 0
	letters                  int // records copied to the dead-letter topic
	tooLarge, refused        int // anomalies that their topic does not take
	lettersRefused           int // dead letters that their topic does not take
	bad                      [datapoint.ReasonCount]int
}

func (t *tally) message(entities, cached int) messages.Tally {
	message := messages.Tally{Records: t.points, Points: t.points, Unscored: t.unscored, Anomalies: t.anomalies, Above: t.above, Early: t.early,
		DeadLetters: t.letters, Entities: entities, Cached: cached, Refused: t.tooLarge + t.refused + t.lettersRefused}
	for reason, count := range t.bad {
		message.Records += count
		if count > 0 {
			message.Bad = append(message.Bad, messages.Bad{Reason: datapoint.Reason(reason).String(), Count: count})
		}
	}
	if t.tooLarge > 0 {
		message.Bad = append(message.Bad, messages.Bad{Reason: anomalyTooLarge, Count: t.tooLarge})
	}
	if t.refused > 0 {
		message.Bad = append(message.Bad, messages.Bad{Reason: anomalyRefused, Count: t.refused})
	}
	return message
}

// badLogEvery is how often the same kind of bad record is told: a stream of
// nothing else must not fill the log.
const badLogEvery = 10 * time.Second

// badLog tells of bad records, with those it kept back counted.
type badLog struct {
	kinds [datapoint.ReasonCount + 2]struct {
		told   time.Time
		silent int
	}
}

func (b *badLog) bad(log *slog.Logger, now time.Time, record *kgo.Record, bad *datapoint.BadRecord) {
	if silent, tell := b.tell(int(bad.Reason), now); tell {
		log.Warn("bad record skipped", "offset", record.Offset, "reason", bad.Reason.String(),
			"problem", bad.Error(), "same_since_last", silent)
	}
}

func (b *badLog) early(log *slog.Logger, now time.Time, record *kgo.Record) {
	if silent, tell := b.tell(datapoint.ReasonCount, now); tell {
		log.Warn("timestamp is more than a day ahead of the clock, scored all the same", "offset", record.Offset,
			"time", record.Timestamp.UTC(), "same_since_last", silent)
	}
}

func (b *badLog) outlier(log *slog.Logger, now time.Time, record *kgo.Record, streamTime int64) {
	if silent, tell := b.tell(datapoint.ReasonCount+1, now); tell {
		log.Warn("timestamp is far from stream time, which stays as it is; the record is scored all the same", "offset", record.Offset,
			"time", record.Timestamp.UTC(), "stream_time", time.UnixMilli(streamTime).UTC(), "same_since_last", silent)
	}
}

func (b *badLog) tell(kind int, now time.Time) (silent int, tell bool) {
	k := &b.kinds[kind]
	if now.Sub(k.told) < badLogEvery {
		k.silent++
		return 0, false
	}
	silent = k.silent
	k.told, k.silent = now, 0
	return silent, true
}
