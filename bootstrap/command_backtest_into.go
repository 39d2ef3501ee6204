package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/backtest/source"
	"anomalydetector/configs"
	"anomalydetector/datapoint"
	"anomalydetector/persistence"
	"anomalydetector/stream"
)

// replay writes the datapoints of a source into a topic, with their own times and keys.
type replay struct {
	Topic  string
	Speed  float64 // times as fast as time itself; +Inf: at once
	Append bool    // the topic may have records
	From   source.Source
	Decode source.Decoder
	Told   func(replayed) // called after each block; nil: nobody is told
}

// replayed is what was written.
type replayed struct {
	Records     int64
	Bad         int64 // of these, records that a detector refuses
	Skipped     int64 // rows of which no record can be made
	From, Until int64 // times of the earliest and the latest record, Unix milliseconds
	Problems    []error
	Warning     string
}

// parseSpeed reads a speed such as 60x, or max.
func parseSpeed(text string) (float64, error) {
	if text == "max" {
		return math.Inf(1), nil
	}
	number, is := strings.CutSuffix(text, "x")
	speed, err := strconv.ParseFloat(number, 64)
	if !is || err != nil || !(speed > 0) || math.IsInf(speed, 0) {
		return 0, usageError(fmt.Sprintf("--speed: cannot read %q: want max, or how many times as fast as time itself, such as 60x", text))
	}
	return speed, nil
}

// clientConfig is a configuration's way to Kafka for a command that joins no group, with another input topic if one is named.
func clientConfig(config *configs.Config, topic string) (stream.Config, error) {
	nobody := &home{node: &persistence.Node{ID: "reader"}} // joins no group, so the id does not matter
	streams, err := streamConfig(config, nobody, slog.New(slog.DiscardHandler), Options{})
	if topic != "" {
		streams.InputTopic = topic
	}
	return streams, err
}

// run writes all datapoints of the source, until the context ends. What is written by then is in the result, with an error too.
func (r *replay) run(ctx context.Context, config *configs.Config, now func() time.Time) (done replayed, err error) {
	streams, err := clientConfig(config, r.Topic)
	if err != nil {
		return done, err
	}
	feed, err := stream.OpenFeed(ctx, streams, r.Append)
	if errors.Is(err, stream.ErrHasRecords) {
		err = fmt.Errorf("%w: want a new topic, so that no time goes back (--append writes into it nevertheless)", err)
	}
	if err != nil {
		return done, err
	}
	defer feed.Close()
	w := &writing{replay: r, feed: feed, done: &done, pace: pace{speed: r.Speed, now: now}}
	err = w.all(ctx)
	// An interrupted replay still writes what it has begun.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), replayEnd)
	defer cancel()
	flushed := feed.Flush(ending)
	done.Records = feed.Written()
	if flushed != nil && (err == nil || !errors.Is(err, ctx.Err())) {
		return done, stream.Explain(ending, streams, flushed)
	}
	if keeps := feed.Retention; keeps > 0 && done.Records > 0 && now().Sub(time.UnixMilli(done.From)) > keeps {
		done.Warning = fmt.Sprintf("the topic %s keeps records for %s after their own times, and the oldest one is of %s: the broker deletes it soon; set retention.ms = -1",
			r.Topic, keeps, utc(done.From))
	}
	return done, err
}

// replayEnd is how long the end of a replay waits for the broker.
const replayEnd = 30 * time.Second

// writing is a replay that is running.
type writing struct {
	*replay
	feed *stream.Feed
	done *replayed
	pace pace
	err  error // ends the replay
}

// all writes all blocks.
func (w *writing) all(ctx context.Context) error {
	for w.err == nil {
		b, err := w.From.Next(ctx)
		var problem *source.InputError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &problem):
			w.done.Problems = append(w.done.Problems, problem)
			continue
		case err != nil:
			return err
		}
		w.Decode.Decode(b, func(row *source.Row) {
			w.write(ctx, b, row, nil)
		}, func(fault *source.Fault) {
			if fault.Bad == nil || fault.At < 0 {
				w.done.Skipped++
				return
			}
			w.write(ctx, b, &source.Row{At: fault.At, Raw: fault.Raw, Line: fault.Line}, fault.Bad)
		})
		w.From.Release(b)
		if w.Told != nil {
			w.Told(*w.done)
		}
	}
	return w.err
}

// write writes one record, when its time has come.
func (w *writing) write(ctx context.Context, b *source.Block, row *source.Row, bad *datapoint.BadRecord) {
	if w.err != nil {
		return
	}
	record := &kgo.Record{Timestamp: time.UnixMilli(row.At), Partition: stream.AnyPartition, Key: append([]byte{}, row.Key...)}
	if partition, key, known := source.Origin(b, row); known {
		if partition >= w.feed.Partitions {
			w.err = fmt.Errorf("%s:%d: the record is of partition %d, and topic %s has %d: want a topic with more", b.Input.Name, row.Line, partition, w.Topic, w.feed.Partitions)
			return
		}
		record.Partition, record.Key = partition, key
	}
	if bad == nil || bad.Reason != datapoint.Tombstone {
		record.Value = w.Decode.Datapoint([]byte{}, b, row)
	}
	if wait := w.pace.until(row.At); wait > 0 {
		if wait > longestUnwritten {
			w.err = w.feed.Flush(ctx)
		}
		if w.err == nil {
			w.err = sleep(ctx, wait)
		}
		if w.err != nil {
			return
		}
	}
	if w.err = w.feed.Write(ctx, record); w.err != nil {
		return
	}
	if w.done.Records == 0 {
		w.done.From, w.done.Until = row.At, row.At
	}
	w.done.From, w.done.Until = min(w.done.From, row.At), max(w.done.Until, row.At)
	w.done.Records++
	if bad != nil {
		w.done.Bad++
	}
}

// longestUnwritten is the longest wait during which records may be on their way. Before a longer one they are written, so that a
// signal during the wait leaves none behind.
const longestUnwritten = 100 * time.Millisecond

// sleep waits, unless the context ends before.
func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pace says when a record is due.
type pace struct {
	speed  float64
	now    func() time.Time
	began  time.Time // when the record of the time at was due
	at     int64     // Unix milliseconds
	newest int64
}

// longestGap is how much stream time without records is waited for. A longer gap is shortened to it: it may be a wrong time.
const longestGap = 24 * time.Hour

// until is how long to wait for a record of a time. A record that is older than one before it is due at once.
func (p *pace) until(at int64) time.Duration {
	if math.IsInf(p.speed, 1) {
		return 0
	}
	now := p.now()
	if p.began.IsZero() {
		p.began, p.at, p.newest = now, at, at
		return 0
	}
	if at <= p.newest {
		return 0
	}
	if skipped := at - p.newest - longestGap.Milliseconds(); skipped > 0 {
		p.at += skipped
	}
	p.newest = at
	due := float64(at-p.at) / p.speed * float64(time.Millisecond)
	return p.began.Add(time.Duration(min(due, math.MaxInt64/2))).Sub(now)
}
