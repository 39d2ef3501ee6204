package actors

import (
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/datapoint"
	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// How a partition scores a slice.

// scoring is a slice that is being scored, in pieces: a question about an entity waits for one piece at most.
type scoring struct {
	rest  []*kgo.Record // records that are not scored yet
	end   int64         // the partition's high watermark
	tally tally
}

// piece is how many records one permit of the limiter is for.
const piece = 512

// score scores the records of a piece in order. If it cannot score one, the whole slice fails, and the round is aborted.
func (p *partition) score(ctx actor.Context, slice *scoring) {
	if p.episodes != nil {
		p.episodes.tally = &slice.tally
	}
	records := slice.rest[:min(piece, len(slice.rest))]
	slice.rest = slice.rest[len(records):]
	if p.phase.name == messages.Broken { // it broke down after the detector sent the slice
		p.failSlice(ctx, records[0], nil)
		return
	}
	tally := &slice.tally
	horizon := p.config.Now().Add(24 * time.Hour).UnixMilli()
	p.seen.Scored = true
	p.entities.order = 0 // a replay has raised it
	p.stored.rests = slice.end-p.position.next <= int64(p.known())
	for i, record := range records {
		s := p.look(records, i)
		p.seen.Record = record
		if !p.ready() || record.Offset < p.position.next {
			err := fmt.Errorf("offset %d came while the partition was %s up to %d", record.Offset, p.phase.name, p.position.next)
			p.breakDown(ctx, undecided, nil)
			p.failSlice(ctx, record, err)
			return
		}
		p.position.next = record.Offset + 1
		if record.Attrs.IsControl() {
			continue
		}
		at := record.Timestamp.UnixMilli()
		point, bad := s.point, s.bad
		if bad != nil {
			tally.bad[bad.Reason]++
			p.reject(ctx, record, bad, tally)
			continue
		}
		answer, err := p.observe(ctx, record, at, point, s.entity)
		if err != nil {
			p.cannotDecide(ctx, record, err)
			return
		}
		if answer.Incomplete {
			p.needOlder(ctx, record, at)
			return
		}
		if at > horizon {
			tally.early++
			if p.log.far != record.Offset { // else the outlier's line says it
				p.log.bad.early(p.log.Logger, p.config.Now(), record)
			}
		}
		tally.points++
		switch {
		case answer.Verdict.Reason == detection.Normal:
		case answer.Verdict.Reason != detection.Anomalous:
			tally.unscored++
		case answer.Refused != "":
			p.refuse(ctx, record, point.Key, answer, tally)
		default:
			tally.anomalies++
			if answer.Verdict.Deviation > 0 {
				tally.above++
			}
		}
	}
	p.config.Counts.InOrder.Add(p.entities.order)
	p.recycle(records)
	if len(slice.rest) > 0 {
		p.begin(slice)
		return
	}
	done := &messages.SliceDone{
		Partition: p.number, Next: p.position.next, End: slice.end, Tally: tally.message(p.known(), len(p.entities.byKey)),
		StreamTime: p.history.StreamTime(),
	}
	done.Tally.Open = p.openEpisodes()
	ctx.Send(ctx.Parent(), done)
}

// recycle gives records, and the memory that they point into, back to the Kafka client. Nothing may refer to them any more.
func (p *partition) recycle(records []*kgo.Record) {
	p.seen.Record = nil
	for _, record := range records {
		record.Recycle()
	}
}

// observe sends a record's point to its entity, and returns the entity's answer. The entity is nil if it was not found.
func (p *partition) observe(ctx actor.Context, record *kgo.Record, at int64, point datapoint.Point, entity *child) (*messages.Observed, error) {
	if entity == nil {
		entity = p.entities.byKey[string(point.Key)] // a record that was scored since then may have brought it
	}
	if entity == nil {
		var err error
		if entity, err = p.bring(string(point.Key), at); err != nil {
			return nil, err
		}
	}
	if p.episodes != nil && p.seen.Scored {
		if err := p.beginEpisode(ctx, record, entity, point.Key, at); err != nil {
			return nil, err
		}
	}
	entity.newest = max(entity.newest, at)
	if !p.history.Near(at) {
		p.outlier(record, entity, at)
	}
	answer := &p.shared.answers.observed
	if entity.actor.empty && p.history.NeedsDropped(at) {
		answer.Incomplete = true
		return answer, nil
	}
	o := &p.seen
	o.At, o.Value, o.Epoch, o.CompleteFrom, o.Refused = at, point.Value, p.position.epoch, p.completeFrom(), p.refused.anomaly(record)
	p.deliver(entity, o)
	if answer.Asleep {
		if err := p.wake(entity); err != nil {
			return nil, err
		}
		p.deliver(entity, o)
	}
	if answer.Incomplete {
		return answer, nil
	}
	entity.actor.empty = false
	if entity.stored != nil {
		p.stored.state.Append(entity.stored, at, point.Value)
	}
	if p.episodes != nil && p.seen.Scored {
		return answer, p.judgeEpisode(ctx, record, entity, point, at, &answer.Verdict)
	}
	return answer, nil
}

// completeFrom is the watermark of Observation.
func (p *partition) completeFrom() int64 {
	if p.shared.habit != nil {
		return p.history.AllCompleteFrom()
	}
	return p.history.CompleteFrom()
}

// outlier takes a record whose time is far from stream time. The record is scored like any other. Stream time, by which idle
// entities are removed, moves only if more such records confirm it.
func (p *partition) outlier(record *kgo.Record, entity *child, at int64) {
	before := p.history.StreamTime()
	if p.history.Outlier(at, entity, p.known()) {
		if before != 0 {
			p.log.Info("stream time moved", "offset", record.Offset,
				"from", time.UnixMilli(before).UTC(), "to", time.UnixMilli(p.history.StreamTime()).UTC())
		}
		return
	}
	if before != 0 && p.seen.Scored {
		p.config.Counts.Outliers.Add(1)
		p.log.far = record.Offset
		p.log.bad.outlier(p.log.Logger, p.config.Now(), record, before)
	}
}

// reject logs a bad record, and copies it to the dead-letter topic. The stream goes on.
func (p *partition) reject(ctx actor.Context, record *kgo.Record, bad *datapoint.BadRecord, tally *tally) {
	p.log.bad.bad(p.log.Logger, p.config.Now(), record, bad)
	p.deadLetter(ctx, record, tally, bad.Reason.String())
}

// failSlice gives up a slice. If err is nil, the record is not at fault: the partition needs other windows, and the detector
// assigns it again.
func (p *partition) failSlice(ctx actor.Context, record *kgo.Record, err error) {
	ctx.Send(ctx.Parent(), &messages.SliceFailed{Partition: p.number, Offset: record.Offset, Err: err, Reload: err == nil})
}

// cannotDecide gives up a slice because an entity could not be read from disk. A damaged partition is rebuilt from the topic.
// Any other failure may come back, so the detector counts it.
func (p *partition) cannotDecide(ctx actor.Context, record *kgo.Record, err error) {
	why := breakageOf(err, undecided)
	p.breakDown(ctx, why, nil)
	switch {
	case errors.Is(err, persistence.ErrRemoving):
		// The write that removes it has failed, and that is what the detector acts on.
		err = nil
	case why == damaged:
		p.log.Error("the state of an entity cannot be read, rebuilding its partition", "offset", record.Offset, "error", err)
		err = nil
	}
	p.failSlice(ctx, record, err)
}

// needOlder gives up a slice because of a late record. It is older than the replayed history, and its entity has no newer
// point, or the method is habit, so an uninterrupted run might know more of the entity. The next replay begins early enough for it.
func (p *partition) needOlder(ctx actor.Context, record *kgo.Record, at int64) {
	p.log.Info("late record is older than the replayed history, replaying more", "offset", record.Offset,
		"time", record.Timestamp.UTC(), "complete_from", time.UnixMilli(p.history.AllCompleteFrom()).UTC())
	p.history.NeedsOlder(record.Offset, at)
	p.breakDown(ctx, tooShort, nil)
	p.failSlice(ctx, record, nil)
}
