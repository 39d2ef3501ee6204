package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/datapoint"
	"anomalydetector/detection"
	"anomalydetector/limiter"
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
//     answered with messages.PhaseEntered.
//   - *messages.HistoryRead, *messages.HistoryEnded: from the goroutine that
//     reads it.
//   - *handedOver: the windows that another node has, or why there are none.
//   - *turnBegun: its turn for what takes long has come.
//   - *messages.Slice: score these records; answered with messages.SliceDone
//     or messages.SliceFailed.
//   - *messages.Committed, *messages.RolledBack: how the transaction ended. The
//     first is answered with messages.Checkpointed.
//   - *messages.Withheld: what topics refuse of its records.
//   - *saved: what was committed is stored, or not.
//   - *entityAsked: a question about an entity.
//   - *namesWanted: from its directory (directory.go), of which it tells what becomes of
//     entities after each message.
type partition struct {
	config                     *Config
	number                     int32
	log                        *slog.Logger
	shared                     shared
	scanner                    *datapoint.Scanner
	badLog                     badLog
	refused                    refusals
	refusedLog, deadLettersLog limitedLog
	entities                   *cachedEntities
	contact                    *contact
	props                      *actor.Props           // of each of them
	born                       *entity                // the one that is being spawned
	seen                       messages.Observation   // the one that all entities are sent
	state                      *persistence.Partition // nil while it is not open, and without a store
	spoilt                     bool                   // what is stored must not be used

	saving    chan struct{} // closed when what is being stored is; nil: nothing is
	postponed []any         // messages that came meanwhile
	windows   sync.Mutex    // held while an entity is asked for its window: meanwhile two may

	turn limiter.Permit
	work []any // what waits for a turn, the first for the next one
	over bool  // it panicked, and is to be stopped: it takes no more messages
	gone bool  // it has let go of all that it held

	assignment messages.Assignment // the latest
	cancelRead context.CancelFunc  // ends the reading of its history; nil without
	reading    uint64              // its number: what others sent is stale
	replayed   int64               // records of history since the assignment
	kept       bool                // the windows of before the assignment were kept

	warm      bool   // the windows reach up to next
	epoch     uint64 // number of the running transaction
	next      int64  // offset after the last record in the windows
	committed int64  // what next goes back to on an abort

	covered   int64 // what was read is complete for points at or after this time
	forgotten int64 // entities that we know nothing of may have had points that matter before this time
	reach     int64 // the oldest straggler that history has to be complete for
	straggler int64 // its offset: once it is committed, reach has served
	clock     streamClock
	swept     int64    // stream time of the last sweep
	far       int64    // offset of the last record that was far from stream time; -1: there was none
	late      lateness // how far behind stream time an entity's first point came
}

// child is an entity as its partition sees it.
type child struct {
	pid     *actor.PID
	newest  int64               // newest timestamp it was sent
	unknown bool                // nothing of it is in its window yet
	cuts    cuts                // of its key
	stored  *persistence.Entity // nil without a store
}

// partitionProps: the default dispatcher gives each partition a goroutine of
// its own. An entity that panics is stopped, never resumed half-way, and its partition
// panics, too: the round is aborted and the detector makes the partition anew.
func partitionProps(config *Config, number int32, contact *contact, producer *actor.PID) *actor.Props {
	stop := func(any) actor.Directive { return actor.StopDirective }
	return actor.PropsFromProducer(
		func() actor.Actor {
			return &guard{newPartition(config, number, contact, producer), partitionName(number)}
		},
		actor.WithSupervisor(actor.NewOneForOneStrategy(0, 0, stop)),
		// Its directory is there before anybody can search.
		actor.WithOnInit(func(ctx actor.Context) { contact.directory = ctx.Spawn(directoryProps(config, number)) }),
	)
}

func newPartition(config *Config, number int32, contact *contact, producer *actor.PID) *partition {
	p := &partition{
		config: config, number: number,
		log:     config.Log.With("topic", config.InputTopic, "partition", number),
		scanner: datapoint.NewScanner(config.ValueField, config.KeyFields),
		shared: shared{scorer: detection.NewScorer(config.Rules), producer: producer, group: config.Group, output: config.OutputTopic,
			largest: config.largest, explain: config.Explain},
		refused:  make(refusals),
		entities: newCachedEntities(config.Searched),
		contact:  contact,
		turn:     limiter.Permit{Limiter: config.Limiter},
		epoch:    1,
		covered:  stream.Complete, forgotten: stream.Complete,
		reach: math.MaxInt64,
		far:   -1,
	}
	p.props = entityProps(func() actor.Actor { return p.born })
	if config.poison != nil {
		p.props = entityProps(func() actor.Actor { return &poisoned{p.born, config.poison, partitionName(number)} })
	}
	return p
}

func partitionName(number int32) string { return fmt.Sprint("partition ", number) }

// poisoned is an entity in a test of panics.
type poisoned struct {
	*entity
	poison    func(actor string, message any)
	partition string
}

func (p *poisoned) Receive(ctx actor.Context) {
	p.poison("entity of "+p.partition, ctx.Message())
	p.entity.Receive(ctx)
}

// Receive: while what was committed is being stored, all waits but questions about
// entities that are resident.
func (p *partition) Receive(ctx actor.Context) {
	if _, stopping := ctx.Message().(*actor.Stopping); p.over && !stopping {
		return
	}
	if p.config.poison != nil {
		p.config.poison(partitionName(p.number), ctx.Message())
	}
	switch message := ctx.Message().(type) {
	case *saved:
		p.saved(ctx, message)
	case *actor.Started:
		self, root := ctx.Self(), ctx.ActorSystem().Root
		p.turn.Begun = func() { root.Send(self, &turnBegun{}) }
	case *actor.Stopping:
		p.letGo()
	case *entityAsked:
		p.asked(ctx, message)
	case *namesWanted:
		p.entities.follow()
	default:
		if p.saving != nil {
			p.postponed = append(p.postponed, message)
			return
		}
		p.handle(ctx, message)
	}
	if p.saving == nil { // else the store may change what is asked of it
		p.handOverNames(ctx)
	}
}

// letGo gives back all that others wait for, whatever panics meanwhile.
func (p *partition) letGo() {
	if p.gone {
		return
	}
	p.gone = true
	for _, release := range []func(){p.turn.End, func() { close(p.contact.gone) }, p.stopReading, p.awaitSaved, p.closeState} {
		if err := safely("a partition that stops", func() error { release(); return nil }); err != nil {
			f, _ := isFault(err)
			p.config.tellFault(p.log, f, nil)
		}
	}
}

// fell ends the partition: what it knows may be half changed. The detector stops it, and
// makes it anew.
func (p *partition) fell(ctx actor.Context, f *fault) {
	p.over = true
	p.config.tellFault(p.log, f, p.seen.Record)
	if _, stopping := ctx.Message().(*actor.Stopping); stopping {
		p.letGo()
		return
	}
	ctx.Send(ctx.Parent(), &partitionFell{ctx.Self(), p.number, f})
}

// check panics with the panic of an entity that was sent something.
func (p *partition) check() {
	if p.shared.fault != nil {
		panic(p.shared.fault)
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
	case *messages.Refusals:
		p.refused.note(message.Refused)
	}
}

// turnBegun is sent by a partition's turn.
type turnBegun struct{}

// inTurn does what takes long, history or a piece of a slice, when it has a turn.
// Questions are answered until then.
func (p *partition) inTurn(work any) {
	p.work = append(p.work, work)
	if len(p.work) == 1 {
		p.turn.Ask()
	}
}

func (p *partition) takeTurn(ctx actor.Context) {
	switch work := p.work[0].(type) {
	case *messages.HistoryRead:
		p.replay(ctx, work)
	case *scoring:
		p.score(ctx, work)
	}
	p.seen.Record = nil
	p.work = slices.Delete(p.work, 0, 1)
	p.turn.End()
	if len(p.work) > 0 {
		p.turn.Ask()
	}
}

// assign brings the windows up to the assignment's offset. Windows that are
// behind it, in memory or in the store, are brought forward; otherwise they are
// built anew.
func (p *partition) assign(ctx actor.Context, assignment *messages.Assignment) {
	p.stopReading()
	p.rollBack(ctx)
	another := p.assignment.Topic.Differs(assignment.Topic)
	if another { // what was known of lateness is of the former one
		p.reach, p.straggler, p.late = math.MaxInt64, 0, lateness{}
		clear(p.refused)
	}
	p.assignment, p.replayed = *assignment, 0
	p.shared.topic = assignment.Topic.Topic
	p.kept = p.warm && !another && !assignment.NoCommittedOffset && p.next <= assignment.Offset
	p.warm = false
	if !p.kept {
		p.forget(ctx)
		var err error
		if p.kept, err = p.restore(); err != nil {
			p.notReady(ctx, err)
			return
		}
	}
	if p.handoffPays() {
		p.askOthers(ctx)
		return
	}
	p.load(ctx)
}

// commit makes the windows as they are what an abort goes back to. While
// history is loading nothing of it belongs to a transaction.
func (p *partition) commit(ctx actor.Context) {
	var err error
	if p.warm {
		p.epoch++
		p.committed = p.next
		p.refused.committed(p.next)
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
	ctx.Send(ctx.Parent(), &messages.Checkpointed{Partition: p.number, Cached: len(p.entities.byKey), Err: err})
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
	p.check()
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
	p.clock, p.swept = streamClock{}, 0
	p.covered, p.forgotten = stream.Complete, stream.Complete
}

func (p *partition) stopReading() {
	if p.cancelRead != nil {
		p.cancelRead()
		p.cancelRead = nil
	}
}
