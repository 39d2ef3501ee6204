package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/datapoint"
	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/persistence"
	"anomalydetector/stream"
)

// HistoryReader replays what was committed.
type HistoryReader interface {
	Read(ctx context.Context, span stream.Span, deliver func(stream.Replayed) error) (covered int64, err error)
	// Close waits for the Reads that are being cancelled.
	Close() error
}

// partition owns the entities of one Kafka partition: it decodes the records,
// routes them, and knows up to which offset the windows reach.
//
// It takes:
//   - *messages.Assignment: bring the windows to this offset, from history;
//     answered with messages.PartitionReady.
//   - *messages.HistoryRead, *messages.HistoryEnded: from the goroutine that
//     reads it.
//   - *handedOver: the windows that another node has, or why there are none.
//   - *turnBegun: its turn for what takes long has come.
//   - *messages.Slice: score these records; answered with messages.SliceDone
//     or messages.SliceFailed.
//   - *messages.Committed, *messages.RolledBack: how the transaction ended. The
//     first is answered with messages.Checkpointed.
//   - *saved: what was committed is stored, or not.
//   - *entityAsked: a question about an entity.
type partition struct {
	config   *Config
	number   int32
	log      *slog.Logger
	shared   shared
	scanner  *datapoint.Scanner
	badLog   badLog
	entities *residents
	props    *actor.Props           // of each of them
	born     *entity                // the one that is being spawned
	seen     messages.Observation   // the one that all entities are sent
	state    *persistence.Partition // nil while it is not open, and without a store
	spoilt   bool                   // what is stored must not be used

	saving    chan struct{} // closed when what is being stored is; nil: nothing is
	postponed []any         // messages that came meanwhile
	windows   sync.Mutex    // held while an entity is asked for its window: meanwhile two may

	turn turn
	work []any // what waits for a turn, the first for the next one

	assignment messages.Assignment // the latest
	cancelRead context.CancelFunc  // ends the reading of its history; nil without
	reading    uint64              // its number: what others sent is stale
	replayed   int64               // records of history since the assignment
	kept       bool                // the windows of before the assignment were kept

	warm      bool   // the windows reach up to next
	epoch     uint64 // number of the running transaction
	next      int64  // offset after the last record in the windows
	committed int64  // what next goes back to on an abort

	covered    int64 // what was read is complete for points at or after this time
	forgotten  int64 // entities that we know nothing of may have had points that matter before this time
	reach      int64 // the oldest straggler that history has to be complete for
	straggler  int64 // its offset: once it is committed, reach has served
	streamTime int64 // the newest timestamp seen
	swept      int64 // stream time of the last sweep
	lateness   int64 // how far behind stream time an entity's first point came, in ms, at most
}

// child is an entity as its partition sees it.
type child struct {
	pid     *actor.PID
	newest  int64               // newest timestamp it was sent
	unknown bool                // nothing of it is in its window yet
	stored  *persistence.Entity // nil without a store
}

// partitionProps: the default dispatcher gives each partition a goroutine of
// its own. An entity that panics is stopped, never resumed half-way: the round
// is aborted and the detector drops the whole partition.
func partitionProps(config *Config, number int32, entities *residents, producer *actor.PID) *actor.Props {
	stop := func(any) actor.Directive { return actor.StopDirective }
	return actor.PropsFromProducer(
		func() actor.Actor { return newPartition(config, number, entities, producer) },
		actor.WithSupervisor(actor.NewOneForOneStrategy(0, 0, stop)),
	)
}

func newPartition(config *Config, number int32, entities *residents, producer *actor.PID) *partition {
	p := &partition{
		config: config, number: number,
		log:      config.Log.With("topic", config.InputTopic, "partition", number),
		scanner:  datapoint.NewScanner(config.ValueField, config.KeyFields),
		shared:   shared{scorer: detection.NewScorer(config.Rules), producer: producer, group: config.Group, output: config.OutputTopic},
		entities: entities,
		turn:     turn{turns: config.Turns},
		epoch:    1,
		covered:  stream.Complete, forgotten: stream.Complete,
		reach: math.MaxInt64,
	}
	p.props = entityProps(func() *entity { return p.born })
	return p
}

// Receive: while what was committed is being stored, all waits but questions about
// entities that are resident.
func (p *partition) Receive(ctx actor.Context) {
	switch message := ctx.Message().(type) {
	case *saved:
		p.saved(ctx, message)
	case *actor.Started:
		self, root := ctx.Self(), ctx.ActorSystem().Root
		p.turn.begun = func() { root.Send(self, &turnBegun{}) }
	case *actor.Stopping:
		p.turn.end()
		close(p.entities.gone)
		p.stopReading()
		p.awaitSaved()
		p.closeState()
	case *entityAsked:
		p.asked(ctx, message)
	default:
		if p.saving != nil {
			p.postponed = append(p.postponed, message)
			return
		}
		p.handle(ctx, message)
	}
}

func (p *partition) handle(ctx actor.Context, message any) {
	switch message := message.(type) {
	case *entityAsked:
		p.asked(ctx, message)
	case *messages.Assignment:
		p.assign(ctx, message)
	case *messages.HistoryRead:
		p.inTurn(message)
	case *messages.HistoryEnded:
		p.ready(ctx, message)
	case *handedOver:
		p.handedOver(ctx, message)
	case *messages.Slice:
		p.inTurn(&scoring{rest: message.Records, end: message.End})
	case *turnBegun:
		p.takeTurn(ctx)
	case *messages.Committed:
		p.commit(ctx)
	case *messages.RolledBack:
		p.rollBack(ctx)
	}
}

// turnBegun is sent by a partition's turn.
type turnBegun struct{}

// inTurn does what takes long, history or a piece of a slice, when it has a turn.
// Questions are answered until then.
func (p *partition) inTurn(work any) {
	p.work = append(p.work, work)
	if len(p.work) == 1 {
		p.turn.ask()
	}
}

func (p *partition) takeTurn(ctx actor.Context) {
	switch work := p.work[0].(type) {
	case *messages.HistoryRead:
		p.replay(ctx, work)
	case *scoring:
		p.score(ctx, work)
	}
	p.work = slices.Delete(p.work, 0, 1)
	p.turn.end()
	if len(p.work) > 0 {
		p.turn.ask()
	}
}

// assign brings the windows up to the assignment's offset. Windows that are
// behind it, in memory or in the store, are brought forward; otherwise they are
// built anew.
func (p *partition) assign(ctx actor.Context, assignment *messages.Assignment) {
	p.stopReading()
	p.rollBack(ctx)
	p.assignment, p.replayed = *assignment, 0
	p.kept = p.warm && !assignment.Fresh && p.next <= assignment.Offset
	p.warm = false
	if !p.kept {
		p.forget(ctx)
		var err error
		if p.kept, err = p.restore(); err != nil {
			p.notReady(ctx, err, false)
			return
		}
	}
	if p.handoffPays() {
		p.askOthers(ctx)
		return
	}
	p.load(ctx)
}

// load reads the history that the windows lack.
func (p *partition) load(ctx actor.Context) {
	span := stream.Span{
		Partition: p.number, From: -1, Until: p.assignment.Offset,
		Length: p.config.History, Slack: slack, Reach: p.reach,
	}
	switch {
	case p.assignment.Fresh:
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
	covered, err := reader.Read(ctx, span, func(run stream.Replayed) error {
		taken := make(chan struct{}, 1)
		root.Send(self, &messages.HistoryRead{
			Reading: number, Records: run.Records, Done: run.Done, Pending: run.Pending, Covered: run.Covered, Next: taken,
		})
		select {
		case <-taken:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	root.Send(self, &messages.HistoryEnded{Reading: number, Covered: covered, Err: err})
}

// replay puts history into the windows: nothing of it is decided again.
func (p *partition) replay(ctx actor.Context, history *messages.HistoryRead) {
	if history.Reading != p.reading || p.cancelRead == nil {
		return
	}
	defer func() {
		if cause := recover(); cause != nil {
			p.notReady(ctx, fmt.Errorf("panic in the replay of offsets %d and on: %v", history.Records[0].Offset, cause), true)
		}
	}()
	if !p.kept {
		p.covered = history.Covered
	}
	if !p.observeAll(ctx, history.Records) {
		return
	}
	if err := p.saveReplayed(ctx, history.Records[len(history.Records)-1].Offset+1); err != nil {
		p.notReady(ctx, err, false)
		return
	}
	p.replayed += int64(len(history.Records))
	p.recycle(history.Records)
	history.Next <- struct{}{}
	ctx.Send(ctx.Parent(), &messages.HistoryProgress{
		Partition: p.number, Serial: p.assignment.Serial, Done: history.Done, Pending: history.Pending,
	})
}

// observeAll puts records into the windows. If it cannot, it says so to the
// detector, or begins the history anew, and returns false.
func (p *partition) observeAll(ctx actor.Context, records []*kgo.Record) bool {
	p.seen.Scored = false
	for _, record := range records {
		at := record.Timestamp.UnixMilli()
		point, bad := p.scanner.Scan(at, record.Value)
		if bad != nil {
			continue
		}
		answered, err := p.observe(ctx, record, at, point)
		switch {
		case err != nil:
			p.notReady(ctx, err, false)
			return false
		case !answered.Answered:
			p.notReady(ctx, fmt.Errorf("entity %s panicked in the replay of offset %d", point.Key, record.Offset), true)
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
func (p *partition) notReady(ctx actor.Context, err error, panicked bool) {
	p.stopReading()
	ctx.Send(ctx.Parent(), &messages.PartitionReady{
		Partition: p.number, Serial: p.assignment.Serial, Err: err, Panicked: panicked,
	})
}

func (p *partition) ready(ctx actor.Context, ended *messages.HistoryEnded) {
	if ended.Reading != p.reading || p.cancelRead == nil {
		return
	}
	p.stopReading()
	if errors.Is(ended.Err, stream.ErrDeleted) && p.kept {
		p.log.Warn("the topic no longer holds what follows the windows we have, building them anew", "problem", ended.Err)
		p.rebuild(ctx)
		return
	}
	err := ended.Err
	if err == nil {
		if !p.kept {
			p.covered = ended.Covered
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
	}
	ctx.Send(ctx.Parent(), &messages.PartitionReady{
		Partition: p.number, Serial: p.assignment.Serial, Records: p.replayed, Entities: p.known(), Err: err,
	})
}

// scoring is a slice on its way. It is scored in pieces, so that a question
// about an entity waits for one of them at most.
type scoring struct {
	rest  []*kgo.Record
	end   int64 // the partition's high watermark
	tally tally
}

// piece is how many records are scored until other messages have their turn.
const piece = 512

// score decides on each record of a piece, in order. Any record that it cannot
// decide on fails the whole slice, and with it the round.
func (p *partition) score(ctx actor.Context, slice *scoring) {
	records := slice.rest[:min(piece, len(slice.rest))]
	slice.rest = slice.rest[len(records):]
	at := records[0]
	if p.spoilt {
		ctx.Send(ctx.Parent(), &messages.SliceFailed{Partition: p.number, Offset: at.Offset, Reload: true})
		return
	}
	defer func() {
		if cause := recover(); cause != nil {
			p.warm = false
			p.fail(ctx, at, fmt.Errorf("panic: %v", cause))
		}
	}()
	tally := &slice.tally
	horizon := p.config.Now().Add(24 * time.Hour).UnixMilli()
	p.seen.Scored = true
	for _, at = range records {
		if !p.warm || at.Offset < p.next {
			p.warm = false
			p.fail(ctx, at, fmt.Errorf("offset %d came where the windows reach up to %d", at.Offset, p.next))
			return
		}
		p.next = at.Offset + 1
		timestamp := at.Timestamp.UnixMilli()
		point, bad := p.scanner.Scan(timestamp, at.Value)
		if bad != nil {
			tally.bad[bad.Reason]++
			p.reject(ctx, at, bad)
			continue
		}
		if timestamp > horizon {
			tally.early++
			p.badLog.early(p.log, p.config.Now(), at)
		}
		answered, err := p.observe(ctx, at, timestamp, point)
		if err != nil {
			p.warm = false
			p.log.Error("the state of an entity cannot be read, loading its partition anew", "offset", at.Offset, "error", err)
			// What is corrupt is rebuilt. What else fails may fail again: that is counted.
			ctx.Send(ctx.Parent(), &messages.SliceFailed{Partition: p.number, Offset: at.Offset, Err: err, Reload: p.spoilt})
			return
		}
		if !answered.Answered {
			p.warm = false
			p.fail(ctx, at, fmt.Errorf("entity %s panicked", point.Key))
			return
		}
		if answered.Incomplete {
			p.reload(ctx, at, timestamp)
			return
		}
		tally.points++
		switch {
		case answered.TooLarge:
			tally.tooLarge++
			p.letter(ctx, at, tooLarge)
			p.log.Error("anomaly is too large to be written", "offset", at.Offset, "entity", string(point.Key),
				"deviation", answered.Verdict.Deviation, "bytes", len(at.Value))
		case answered.Verdict.Reason == detection.Anomalous:
			tally.anomalies++
		}
	}
	p.recycle(records)
	if len(slice.rest) > 0 {
		p.inTurn(slice)
		return
	}
	ctx.Send(ctx.Parent(), &messages.SliceDone{
		Partition: p.number, Next: p.next, End: slice.end, Tally: tally.message(p.known()),
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

// observe sends a point to its entity and returns the answer.
func (p *partition) observe(ctx actor.Context, record *kgo.Record, at int64, point datapoint.Point) (*messages.Observation, error) {
	entity, known := p.entities.byKey[string(point.Key)]
	if !known {
		var err error
		if entity, err = p.bring(ctx, string(point.Key), at); err != nil {
			return nil, err
		}
	}
	entity.newest = max(entity.newest, at)
	p.streamTime = max(p.streamTime, at)
	o := &p.seen
	o.At, o.Value, o.Record, o.Epoch, o.Covered = at, point.Value, record, p.epoch, p.covered
	o.Answered, o.Incomplete, o.TooLarge = false, false, false
	if entity.unknown && at < p.forgotten {
		o.Answered, o.Incomplete = true, true
		return o, nil
	}
	ctx.Send(entity.pid, o)
	entity.unknown = entity.unknown && (!o.Answered || o.Incomplete)
	if entity.stored != nil && o.Answered && !o.Incomplete {
		p.state.Append(entity.stored, at, point.Value)
	}
	return o, nil
}

// reject tells, counts and copies a bad record; the stream goes on.
func (p *partition) reject(ctx actor.Context, record *kgo.Record, bad *datapoint.BadRecord) {
	p.badLog.bad(p.log, p.config.Now(), record, bad)
	p.letter(ctx, record, bad.Reason.String())
}

// letter copies a record to the dead-letter topic, if there is one.
func (p *partition) letter(ctx actor.Context, record *kgo.Record, reason string) {
	if p.config.DeadLetterTopic != "" {
		ctx.Send(p.shared.producer, newDeadLetter(p.config.DeadLetterTopic, record, reason))
	}
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
// straggler.
func (p *partition) need(offset, at int64) {
	p.reach, p.straggler = min(p.reach, at), max(p.straggler, offset)
	p.lateness = max(p.lateness, p.streamTime-at)
}

// commit makes the windows as they are what an abort goes back to. While
// history is loading nothing of it belongs to a transaction.
func (p *partition) commit(ctx actor.Context) {
	var err error
	if p.warm {
		p.epoch++
		p.committed = p.next
		if p.next > p.straggler {
			p.reach = math.MaxInt64
		}
		if p.state != nil {
			p.state.Commit() // whatever comes of the rest: it must survive an abort
		}
		if err = p.sweep(ctx); err == nil && p.state != nil {
			p.save(ctx)
			return
		}
	}
	p.checkpointed(ctx, err)
}

// checkpointed answers a commit.
func (p *partition) checkpointed(ctx actor.Context, err error) {
	if errors.Is(err, persistence.ErrCorrupt) {
		p.log.Error("the stored state is corrupt, loading its partition anew", "error", err)
		p.spoilt, p.warm, err = true, false, nil
	}
	ctx.Send(ctx.Parent(), &messages.Checkpointed{Partition: p.number, Err: err})
}

// rollBack goes back to the last commit. Windows that are being loaded, or are
// to be loaded anew, are left as they are.
func (p *partition) rollBack(ctx actor.Context) {
	if !p.warm || p.next == p.committed {
		return
	}
	message := &messages.EntityRollBack{Epoch: p.epoch}
	for _, entity := range p.entities.byKey {
		ctx.Send(entity.pid, message)
	}
	if p.state != nil {
		p.state.RollBack()
	}
	p.epoch++
	p.next = p.committed
}

// forget drops all windows.
func (p *partition) forget(ctx actor.Context) {
	for _, entity := range p.entities.byKey {
		ctx.Stop(entity.pid)
	}
	p.entities.clear()
	p.streamTime, p.swept = 0, 0
	p.covered, p.forgotten = stream.Complete, stream.Complete
}

func (p *partition) stopReading() {
	if p.cancelRead != nil {
		p.cancelRead()
		p.cancelRead = nil
	}
}
