package actors

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/datapoint"
	"anomalydetector/detection"
	"anomalydetector/messages"
)

// How a partition decides on the records of a slice.

// scoring is a slice on its way. It is scored in pieces, so that a question
// about an entity waits for one of them at most.
type scoring struct {
	rest  []*kgo.Record
	end   int64 // the partition's high watermark
	tally tally
}

// piece is how many records are scored until other partitions have their turn.
const piece = 512

// score decides on each record of a piece, in order. Any record that it cannot
// decide on fails the whole slice, and with it the round.
func (p *partition) score(ctx actor.Context, slice *scoring) {
	records := slice.rest[:min(piece, len(slice.rest))]
	slice.rest = slice.rest[len(records):]
	if p.spoilt {
		ctx.Send(ctx.Parent(), &messages.SliceFailed{Partition: p.number, Offset: records[0].Offset, Reload: true})
		return
	}
	tally := &slice.tally
	horizon := p.config.Now().Add(24 * time.Hour).UnixMilli()
	p.seen.Scored = true
	for _, at := range records {
		p.seen.Record = at
		if !p.warm || at.Offset < p.next {
			p.warm = false
			p.fail(ctx, at, fmt.Errorf("offset %d came where the windows reach up to %d", at.Offset, p.next))
			return
		}
		p.next = at.Offset + 1
		if at.Attrs.IsControl() {
			continue
		}
		timestamp := at.Timestamp.UnixMilli()
		point, bad := p.scanner.Scan(timestamp, at.Value)
		if bad != nil {
			tally.bad[bad.Reason]++
			p.reject(ctx, at, bad, tally)
			continue
		}
		answered, err := p.observe(ctx, at, timestamp, point)
		if err != nil {
			p.warm = false
			// What is corrupt is rebuilt. What else fails may fail again: the detector counts
			// that, and tells of it.
			if p.spoilt {
				p.log.Error("the state of an entity cannot be read, loading its partition anew", "offset", at.Offset, "error", err)
			}
			ctx.Send(ctx.Parent(), &messages.SliceFailed{Partition: p.number, Offset: at.Offset, Err: err, Reload: p.spoilt})
			return
		}
		if answered.Incomplete {
			p.reload(ctx, at, timestamp)
			return
		}
		if timestamp > horizon {
			tally.early++
			if p.far != at.Offset { // else that is told
				p.badLog.early(p.log, p.config.Now(), at)
			}
		}
		tally.points++
		switch {
		case answered.Verdict.Reason == detection.Normal:
		case answered.Verdict.Reason != detection.Anomalous:
			tally.unscored++
		case answered.Refused != "":
			p.refuse(ctx, at, point.Key, answered, tally)
		default:
			tally.anomalies++
			if answered.Verdict.Deviation > 0 {
				tally.above++
			}
		}
	}
	p.recycle(records)
	if len(slice.rest) > 0 {
		p.inTurn(slice)
		return
	}
	ctx.Send(ctx.Parent(), &messages.SliceDone{
		Partition: p.number, Next: p.next, End: slice.end, Tally: tally.message(p.known(), len(p.entities.byKey)),
		StreamTime: p.clock.now,
	})
}

// recycle gives records back to the client that fetched them, with the memory
// they point into: nothing refers to them any more.
func (p *partition) recycle(records []*kgo.Record) {
	p.seen.Record = nil
	for _, record := range records {
		record.Recycle()
	}
}

// observe sends the point of the record that was seen to its entity, and returns the
// answer.
func (p *partition) observe(ctx actor.Context, record *kgo.Record, at int64, point datapoint.Point) (*messages.Observation, error) {
	entity, known := p.entities.byKey[string(point.Key)]
	if !known {
		var err error
		if entity, err = p.bring(ctx, string(point.Key), at); err != nil {
			return nil, err
		}
	}
	entity.newest = max(entity.newest, at)
	if !p.clock.near(at) {
		p.outlier(record, entity, at)
	}
	o := &p.seen
	o.At, o.Value, o.Epoch, o.CompleteFrom = at, point.Value, p.epoch, p.covered
	o.Answered, o.Incomplete, o.Refused = false, false, p.refused.anomaly(record)
	if entity.unknown && at < p.forgotten {
		o.Answered, o.Incomplete = true, true
		return o, nil
	}
	ctx.Send(entity.pid, o)
	if !o.Answered {
		p.check()
		panic("an entity gave no answer")
	}
	entity.unknown = entity.unknown && o.Incomplete
	if entity.stored != nil && !o.Incomplete {
		p.state.Append(entity.stored, at, point.Value)
	}
	return o, nil
}

// reject tells, counts and copies a bad record; the stream goes on.
func (p *partition) reject(ctx actor.Context, record *kgo.Record, bad *datapoint.BadRecord, tally *tally) {
	p.badLog.bad(p.log, p.config.Now(), record, bad)
	p.deadLetter(ctx, record, tally, bad.Reason.String())
}

func (p *partition) fail(ctx actor.Context, record *kgo.Record, err error) {
	ctx.Send(ctx.Parent(), &messages.SliceFailed{Partition: p.number, Offset: record.Offset, Err: err})
}

// reload gives up a slice for a straggler that is older than the history we
// loaded, of an entity we know nothing newer of: an uninterrupted run might
// remember more of it. The history is loaded again, so that it covers it.
func (p *partition) reload(ctx actor.Context, record *kgo.Record, at int64) {
	p.log.Info("straggler is older than the history that was loaded, loading more",
		"offset", record.Offset, "time", record.Timestamp.UTC(), "covered_from", time.UnixMilli(max(p.covered, p.forgotten)).UTC())
	p.need(record.Offset, at)
	p.warm = false
	ctx.Send(ctx.Parent(), &messages.SliceFailed{Partition: p.number, Offset: record.Offset, Reload: true})
}

// need asks the next history, and the sweeps after it, for all that matters to a
// late record.
func (p *partition) need(offset, at int64) {
	p.reach, p.straggler = min(p.reach, at), max(p.straggler, offset)
	p.late.note(p.behind(at), p.mostLate(), true)
}
