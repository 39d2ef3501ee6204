package actors

import (
	"context"
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
	"anomalydetector/persistence"
	"anomalydetector/stream"
)

// How a partition brings its windows to the offset of its assignment: nothing of
// that is decided again.

// load reads the history that the windows lack.
func (p *partition) load(ctx actor.Context) {
	span := stream.Span{
		Partition: p.number, Topic: p.assignment.Topic, From: -1, Until: p.assignment.Offset,
		Length: p.config.History, Slack: slack, Reach: p.reach, More: p.assignment.Standby,
	}
	switch {
	case p.assignment.NoCommittedOffset:
		span.From = p.assignment.Offset
	case p.kept:
		span.From = p.next
	}
	p.next = p.assignment.Offset
	reading, cancel := context.WithCancel(context.Background())
	p.cancelRead = cancel
	p.reading++
	go read(reading, ctx.ActorSystem().Root, ctx.Self(), p.config.Reader, span, p.reading)
}

// rebuild begins the history anew, from the topic.
func (p *partition) rebuild(ctx actor.Context) {
	p.stopReading()
	p.forget(ctx)
	p.kept, p.replayed = false, 0
	if p.state != nil {
		p.state.Reset()
	}
	p.load(ctx)
}

// slack is what a replay covers beyond the history, for stragglers.
const slack = time.Hour

// read hands a span to a partition, one run at a time.
func read(ctx context.Context, root *actor.RootContext, self *actor.PID, reader HistoryReader, span stream.Span, number uint64) {
	deliver := func(run stream.Replayed) error {
		taken := make(chan struct{}, 1)
		root.Send(self, &messages.HistoryRead{
			Reading: number, Records: run.Records, Done: run.Done, Pending: run.Pending, CompleteFrom: run.Covered, Next: taken,
		})
		select {
		case <-taken:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	ended := &messages.HistoryEnded{Reading: number}
	ended.Err = safely("the reading of the history", func() (err error) {
		ended.CompleteFrom, err = reader.Read(ctx, span, deliver)
		return err
	})
	root.Send(self, ended)
}

// replay puts history into the windows: nothing of it is decided again.
func (p *partition) replay(ctx actor.Context, history *messages.HistoryRead) {
	if history.Reading != p.reading || p.cancelRead == nil {
		return
	}
	if !p.kept {
		p.covered = history.CompleteFrom
	}
	if !p.observeAll(ctx, history.Records) {
		return
	}
	if err := p.saveReplayed(ctx, history.Records[len(history.Records)-1].Offset+1); err != nil {
		p.notReady(ctx, err)
		return
	}
	p.replayed += int64(len(history.Records))
	p.recycle(history.Records)
	history.Next <- struct{}{}
	ctx.Send(ctx.Parent(), &messages.ReplayProgressed{
		Partition: p.number, Generation: p.assignment.Generation, Done: history.Done, Pending: history.Pending,
	})
}

// observeAll puts records into the windows. If it cannot, it says so to the
// detector, or begins the history anew, and returns false.
func (p *partition) observeAll(ctx actor.Context, records []*kgo.Record) bool {
	p.seen.Scored = false
	for _, record := range records {
		p.seen.Record = record
		at := record.Timestamp.UnixMilli()
		point, bad := p.scanner.Scan(at, record.Value)
		if bad != nil {
			continue
		}
		answered, err := p.observe(ctx, record, at, point)
		switch {
		case err != nil:
			p.notReady(ctx, err)
			return false
		case answered.Incomplete:
			p.need(record.Offset, at)
			p.rebuild(ctx)
			return false
		}
	}
	return true
}

// notReady gives up the history, until the partition is assigned again.
func (p *partition) notReady(ctx actor.Context, err error) {
	p.stopReading()
	p.tellPhase(ctx, messages.Broken, err)
}

func (p *partition) ready(ctx actor.Context, ended *messages.HistoryEnded) {
	if ended.Reading != p.reading || p.cancelRead == nil {
		return
	}
	p.stopReading()
	if f, panicked := isFault(ended.Err); panicked {
		panic(f)
	}
	if errors.Is(ended.Err, stream.ErrDeleted) && p.kept {
		p.log.Warn("the topic no longer holds what follows the windows we have, building them anew", "problem", ended.Err)
		p.rebuild(ctx)
		return
	}
	err := ended.Err
	if err == nil {
		if !p.kept {
			p.covered = ended.CompleteFrom
		}
		err = p.sweep(ctx) // a standby has no commits
		p.spoilt = p.spoilt || errors.Is(err, persistence.ErrCorrupt)
	}
	if err == nil {
		err = p.checkpoint(ctx, p.next)
	}
	if err == nil {
		p.warm = true
		p.committed = p.next
		p.epoch++
		if p.config.Searched {
			ctx.Send(p.contact.directory, &takeOver{})
		}
	}
	if err != nil {
		p.tellPhase(ctx, messages.Broken, err)
		return
	}
	p.tellPhase(ctx, messages.Ready, nil)
}

// tellPhase tells the detector which phase the partition is in, and why if it is broken.
func (p *partition) tellPhase(ctx actor.Context, phase messages.Phase, err error) {
	ctx.Send(ctx.Parent(), &messages.PhaseEntered{
		Partition: p.number, Generation: p.assignment.Generation, Phase: phase, Err: err, Next: p.next, Records: p.replayed,
		Entities: p.known(), Cached: len(p.entities.byKey), StreamTime: p.clock.now,
	})
}
