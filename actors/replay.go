package actors

import (
	"context"
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/completeness"
	"anomalydetector/messages"
	"anomalydetector/stream"
)

// How a partition brings its windows to the offset of its assignment. A replay changes windows, and scores nothing.

// HistoryReader reads the history of partitions from the topic.
type HistoryReader interface {
	// Read delivers the records of a span in order, one run at a time. It returns from which time on points are complete, in
	// Unix milliseconds. The error wraps stream.ErrDeleted if the topic no longer holds the beginning of the span.
	Read(ctx context.Context, span stream.Span, deliver func(stream.Replayed) error) (completeFrom int64, err error)
	// ReadEpisodes finds a partition's newest state in the episodes topic. If it is not of the offset, ReadEpisodes waits while a
	// transaction is open that may hold one that is.
	ReadEpisodes(ctx context.Context, partition int32, topic messages.Identity, offset int64) (newest stream.EpisodeState, found bool, err error)
	// Close waits until all cancelled Reads have returned.
	Close() error
}

// storeEvery is how many replayed points are kept in memory before they are stored. A process that dies during a replay
// goes on after the points that it has stored.
const storeEvery = 250_000

// replay starts a goroutine that reads the history that the windows lack, and sends it one run at a time.
func (p *partition) replay(ctx actor.Context) {
	assignment := p.assigned.to
	span := stream.Span{
		Partition: p.number, Topic: assignment.Topic, From: -1, Until: assignment.Offset,
		Length: p.config.History, Slack: p.slack(), CompleteAt: p.completeAt(), More: assignment.Standby,
	}
	switch {
	case assignment.NoCommittedOffset:
		span.From = assignment.Offset
	case p.assigned.kept:
		span.From = p.position.next
	}
	p.position.next = assignment.Offset
	p.enterPhase(ctx, messages.Replaying, unbroken, nil)
	reading, cancel := context.WithCancel(context.Background())
	number := p.assigned.began(cancel)
	go read(reading, ctx.ActorSystem().Root, ctx.Self(), p.config.Reader, span, number)
}

// slack is how much more than the history a replay reads.
func (p *partition) slack() time.Duration {
	if p.shared.habit != nil {
		return completeness.StateSlack
	}
	return completeness.Slack
}

// read sends a span to a partition. It sends the next run when the partition has taken the one before.
func read(ctx context.Context, root *actor.RootContext, self *actor.PID, reader HistoryReader, span stream.Span, number uint64) {
	deliver := func(run stream.Replayed) error {
		taken := make(chan struct{}, 1)
		root.Send(self, &messages.HistoryRead{
			Reading: number, Records: run.Records, Done: run.Done, Pending: run.Pending, CompleteFrom: run.CompleteFrom, Next: taken,
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

// historyRead adds a run to the windows, and asks for the next one. It stores a checkpoint if storeEvery points are not stored.
func (p *partition) historyRead(ctx actor.Context, run *messages.HistoryRead) {
	if !p.assigned.from(run.Reading) {
		return
	}
	if !p.assigned.kept {
		p.history.Replayed(run.CompleteFrom)
	}
	if !p.observeAll(ctx, run.Records) {
		return
	}
	p.position.epoch++ // nothing of a run is rolled back, so nothing is kept for it
	next, count := run.Records[len(run.Records)-1].Offset+1, int64(len(run.Records))
	p.recycle(run.Records)
	goOn := func(ctx actor.Context, w *checkpointWritten) {
		if w.err != nil {
			p.historyFailed(ctx, storeFails, w.err)
			return
		}
		p.assigned.replayed += count
		run.Next <- struct{}{}
		ctx.Send(ctx.Parent(), &messages.ReplayProgressed{
			Partition: p.number, Generation: p.assigned.to.Generation, Done: run.Done, Pending: run.Pending,
		})
	}
	if p.stored.state == nil || p.stored.state.Pending() < storeEvery {
		goOn(ctx, &checkpointWritten{})
		return
	}
	p.checkpoint(ctx, next, goOn)
}

// observeAll adds records to the windows. It returns false if it could not: then the partition is broken, or replays a longer
// history.
func (p *partition) observeAll(ctx actor.Context, records []*kgo.Record) bool {
	p.seen.Scored, p.stored.rests = false, false
	for i, record := range records {
		s := p.look(records, i)
		p.seen.Record = record
		if s.bad != nil || record.Attrs.IsControl() {
			continue
		}
		at := record.Timestamp.UnixMilli()
		answer, err := p.observe(ctx, record, at, s.point, s.entity)
		switch {
		case err != nil:
			p.historyFailed(ctx, storeFails, err)
			return false
		case answer.Incomplete:
			p.history.NeedsOlder(record.Offset, at)
			p.replayAnew(ctx)
			return false
		}
	}
	return true
}

// historyEnded stores a last checkpoint, and then the partition is ready.
func (p *partition) historyEnded(ctx actor.Context, ended *messages.HistoryEnded) {
	if !p.assigned.from(ended.Reading) {
		return
	}
	p.assigned.cancel()
	if f, panicked := isFault(ended.Err); panicked {
		panic(f)
	}
	if errors.Is(ended.Err, stream.ErrDeleted) && p.assigned.kept {
		p.log.Warn("the topic no longer holds the records after the windows, rebuilding the windows", "problem", ended.Err)
		p.replayAnew(ctx)
		return
	}
	if ended.Err != nil {
		p.historyFailed(ctx, historyFails, ended.Err)
		return
	}
	if !p.assigned.kept {
		p.history.Replayed(ended.CompleteFrom)
	}
	if err := p.sweep(); err != nil { // here, because a standby has no commits
		p.historyFailed(ctx, storeFails, err)
		return
	}
	p.checkpoint(ctx, p.position.next, func(ctx actor.Context, w *checkpointWritten) {
		if w.err != nil {
			p.historyFailed(ctx, storeFails, w.err)
			return
		}
		p.position.committed = p.position.next
		p.position.epoch++
		p.enterPhase(ctx, messages.Ready, unbroken, nil)
		if p.config.Searched {
			ctx.Send(p.contact.directory, &takeOver{})
		}
	})
}

// replayAnew drops the windows, and rebuilds them from the topic.
func (p *partition) replayAnew(ctx actor.Context) {
	p.assigned.cancel()
	p.dropWindows()
	p.assigned.kept, p.assigned.replayed = false, 0
	p.resetState()
	p.replay(ctx)
}

// historyFailed ends the replay. The partition is broken until it is assigned again.
func (p *partition) historyFailed(ctx actor.Context, why breakage, err error) {
	p.assigned.cancel()
	p.breakDown(ctx, breakageOf(err, why), err)
}
