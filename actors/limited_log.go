package actors

import (
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/datapoint"
)

// limitedEvery is the period in which the number of lines of a kind is limited, so that a stream of bad records cannot
// fill the log.
const limitedEvery = 10 * time.Second

// onlyHere is how many lines are logged in a period about records that only the log names.
const onlyHere = 100

// limitedLog limits the lines of one kind.
type limitedLog struct {
	since  time.Time // when the period began
	lines  int       // logged in the period
	silent int       // not logged since the last line
}

// tell tells whether a line may be logged: most are allowed in a period. It also returns how many lines of the kind
// were not logged before this one.
func (l *limitedLog) tell(now time.Time, most int) (silent int, tell bool) {
	if now.Sub(l.since) >= limitedEvery {
		l.since, l.lines = now, 0
	}
	if l.lines >= most {
		l.silent++
		return 0, false
	}
	silent, l.silent = l.silent, 0
	l.lines++
	return silent, true
}

// badLog logs bad records and suspicious timestamps.
type badLog struct {
	// By reason of bad records; then timestamps ahead of the clock, and timestamps far from stream time.
	kinds [datapoint.ReasonCount + 2]limitedLog
}

func (b *badLog) bad(log *slog.Logger, now time.Time, record *kgo.Record, bad *datapoint.BadRecord) {
	if silent, tell := b.kinds[bad.Reason].tell(now, 1); tell {
		log.Warn("bad record skipped", "offset", record.Offset, "reason", bad.Reason.String(),
			"problem", bad.Error(), "same_since_last", silent)
	}
}

func (b *badLog) early(log *slog.Logger, now time.Time, record *kgo.Record) {
	if silent, tell := b.kinds[datapoint.ReasonCount].tell(now, 1); tell {
		log.Warn("timestamp is more than a day ahead of the clock, scored all the same", "offset", record.Offset,
			"time", record.Timestamp.UTC(), "same_since_last", silent)
	}
}

func (b *badLog) outlier(log *slog.Logger, now time.Time, record *kgo.Record, streamTime int64) {
	if silent, tell := b.kinds[datapoint.ReasonCount+1].tell(now, 1); tell {
		log.Warn("timestamp is far from stream time, which stays as it is; the record is scored all the same", "offset", record.Offset,
			"time", record.Timestamp.UTC(), "stream_time", time.UnixMilli(streamTime).UTC(), "clock", now.UTC(), "same_since_last", silent)
	}
}
