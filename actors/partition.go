package actors

import (
	"fmt"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/completeness"
	"anomalydetector/datapoint"
	"anomalydetector/detection"
	"anomalydetector/limiter"
	"anomalydetector/messages"
)

// partition owns the entities of one Kafka partition. It decodes the records, sends each to its entity, and knows the offset
// of the next record that the windows need.
//
// It takes, in the order of its life:
//   - *messages.Assignment: bring the windows to this offset; it reports each phase that it enters with messages.PhaseEntered (assign.go).
//   - *windowsFetched: the windows that another node has, or why there are none (import.go).
//   - *messages.HistoryRead, *messages.HistoryEnded: from the goroutine that reads the topic (replay.go).
//   - *messages.Slice: score these records; answered with messages.SliceDone or messages.SliceFailed (score.go).
//   - *episodesRead: the state of its episodes, from the episodes topic (bring_episodes.go).
//   - *messages.StateWanted: send the state of its episodes, because the transaction ends (episodes.go).
//   - *messages.Committed, *messages.RolledBack: the transaction was committed or aborted (commit.go). Committed is
//     answered with messages.Checkpointed.
//   - *checkpointWritten: from the goroutine that writes a checkpoint (checkpoint.go).
//   - *messages.Refusals: records that a topic refuses (refused.go).
//   - *permitted: the limiter lets it do the next piece of work (work.go).
//   - *entityAsked: a question about an entity (ask.go).
//   - *namesWanted: from its directory (directory.go). From then on the partition tells it, after each message, which
//     entities have changed.
//
// The partition takes messages in the order of arrival, with two exceptions. A piece of work waits for a permit of the limiter,
// and until no checkpoint is being written. An assignment waits until no checkpoint is being written, too.
type partition struct {
	config  *Config
	number  int32
	log     partitionLog
	scanner *datapoint.Scanner

	entities *cachedEntities      // those in memory
	ahead    ahead                // what is known of the next records
	shared   shared               // what all entities have in common
	seen     messages.Observation // the one message that all entities are sent
	contact  *contact             // how a question gets to the partition

	phase    phase
	assigned assigned
	position position
	history  completeness.Tracker // from when on the windows are complete
	stored   stored               // the state on disk
	work     work                 // slices and history that wait for a permit
	refused  refusals             // records that a topic refuses
	episodes *episodes            // nil: episodes are not published
}

// partitionLog is a partition's logger. Lines that one bad stream could repeat for each record are limited.
type partitionLog struct {
	*slog.Logger
	bad                  badLog
	refused, deadLetters limitedLog
	far                  int64 // offset of the last record that was logged as far from stream time; -1: none
}

// position is where a partition is in its topic.
type position struct {
	epoch     uint64 // number of the running transaction
	next      int64  // offset after the last record in the windows
	committed int64  // what next goes back to if the transaction is aborted
}

// partitionProps: the default dispatcher gives each partition a goroutine of its own. If an entity panics, its partition panics, too: the
// round is aborted, and the detector starts a new partition.
func partitionProps(config *Config, number int32, contact *contact, producer *actor.PID) *actor.Props {
	stop := func(any) actor.Directive { return actor.StopDirective }
	return actor.PropsFromProducer(
		func() actor.Actor {
			return &guard{newPartition(config, number, contact, producer), partitionName(number)}
		},
		actor.WithSupervisor(actor.NewOneForOneStrategy(0, 0, stop)),
		// The directory is there before the first search.
		actor.WithOnInit(func(ctx actor.Context) { contact.directory = ctx.Spawn(directoryProps(config, number)) }),
	)
}

func newPartition(config *Config, number int32, contact *contact, producer *actor.PID) *partition {
	p := &partition{
		config: config, number: number,
		log:     partitionLog{Logger: config.Log.With("topic", config.InputTopic, "partition", number), far: -1},
		scanner: datapoint.NewScanner(config.ValueField, config.KeyFields),
		shared: shared{scorer: detection.NewScorer(config.Rules), habit: config.Habit, producer: producer, group: config.Group, output: config.OutputTopic,
			largest: config.largest, explain: config.Explain},
		entities: newCachedEntities(config.Searched),
		contact:  contact,
		phase:    phase{name: messages.Unassigned},
		position: position{epoch: 1},
		history:  completeness.New(config.History),
		work:     work{permit: limiter.Permit{Limiter: config.Limiter}},
		refused:  make(refusals),
	}
	p.episodes = newEpisodes(p)
	return p
}

func partitionName(number int32) string { return fmt.Sprint("partition ", number) }

func (p *partition) Receive(ctx actor.Context) {
	if _, stopping := ctx.Message().(*actor.Stopping); (p.phase.over || p.phase.gone) && !stopping {
		// While a stopping actor waits for its children, it still gets messages.
		if fetched, is := ctx.Message().(*windowsFetched); is {
			fetched.discard(p.config)
		}
		return
	}
	if p.config.poison != nil {
		p.config.poison(partitionName(p.number), ctx.Message())
	}
	switch message := ctx.Message().(type) {
	case *actor.Started:
		self, root := ctx.Self(), ctx.ActorSystem().Root
		p.shared.context.Context = ctx
		p.work.permit.Begun = func() { root.Send(self, &permitted{}) }
	case *messages.Assignment:
		p.assign(ctx, message)
	case *windowsFetched:
		p.windowsFetched(ctx, message)
	case *messages.HistoryRead, *messages.HistoryEnded:
		p.begin(message)
	case *messages.Slice:
		p.begin(&scoring{rest: message.Records, end: message.End})
	case *permitted:
		p.permitted(ctx)
	case *messages.Committed:
		p.commit(ctx, message.More)
	case *messages.RolledBack:
		p.rollBack(ctx)
	case *messages.StateWanted:
		p.sayState(ctx)
	case *episodesRead:
		p.episodesRead(ctx, message)
	case *checkpointWritten:
		p.checkpointWritten(ctx, message)
	case *messages.Refusals:
		p.refused.note(message.Refused)
	case *entityAsked:
		p.asked(message)
	case *namesWanted:
		p.entities.noteChanges()
	case *actor.Stopping:
		p.letGo()
	}
	p.handOverNames(ctx)
}

// letGo releases everything that others wait for. A panic of one release does not prevent the others.
func (p *partition) letGo() {
	if p.phase.gone {
		return
	}
	p.phase.gone = true
	for _, release := range []func(){p.work.permit.End, func() { close(p.contact.gone) }, p.assigned.cancel, p.closeState} {
		if err := safely("a partition that stops", func() error { release(); return nil }); err != nil {
			f, _ := isFault(err)
			p.config.tellFault(p.log.Logger, f, nil)
		}
	}
}

// fell ends the partition, because its windows may be half changed. The detector stops it, and starts a new one.
func (p *partition) fell(ctx actor.Context, f *fault) {
	p.phase.over = true
	p.config.tellFault(p.log.Logger, f, p.seen.Record)
	if _, stopping := ctx.Message().(*actor.Stopping); stopping {
		p.letGo()
		return
	}
	ctx.Send(ctx.Parent(), &partitionFell{ctx.Self(), p.number, f})
}
