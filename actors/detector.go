package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/round"
	"anomalydetector/standstill"
)

// Detector owns the Kafka session of one configuration, its producer and its partitions. The pure package round decides
// what the detector does next: the detector turns a message into an event, and runs the effects that round returns
// (detector_round.go). A step that may take long runs on a goroutine of its own (detector_steps.go). So the detector
// always takes messages of its partitions, questions, and a stop.
//
// It takes:
//   - *opened, *polled, *messages.Flushed, *messages.Discarded, *ended, *waited, *closed: the step under way has ended.
//   - *messages.SliceDone, *messages.SliceFailed: a partition has answered a slice.
//   - *messages.PhaseEntered, *messages.ReplayProgressed: a partition reports how far it is (detector_partitions.go).
//   - *messages.Checkpointed: a partition has stored what was committed, could not, or has postponed it (stall.go).
//   - *partitionFell, *producerFell, *stepFell: a partition, the producer or a step has panicked (falls.go).
//   - *actor.Terminated: a partition's actor died.
//   - *messages.Standbys: which partitions of other nodes to keep up to date (detector_standby.go).
//   - *statusAsked: a question, answered with statusAnswer (status.go).
//   - *tick, *looked: for its watch (detector_watch.go).
//   - *messages.Stop: wait until the successors are ready, commit, leave the group, and end (detector_stop.go).
//   - *drained: the successors are ready, or the wait for them was given up.
type Detector struct {
	config      *Config
	round       *round.Round // what is under way, and what comes next
	running     running      // the goroutine of the step under way
	session     Session      // nil while there is none
	joined      bool         // the group has told this session what is assigned to it
	producer    *actor.PID
	partitions  map[int32]*trackedPartition
	topic       messages.Identity            // the input topic, as it was assigned the last time
	refused     map[int32][]messages.Refusal // by partition: uncommitted records that topics refuse
	assignments uint64                       // how many were sent to partitions, in all sessions
	hurry       context.CancelFunc           // ends the wait for the successors; nil before it
	totals      Totals
	summary     summary
	falls       falls
	watching
}

// attempts is how often the detector tries something without progress before it ends.
const attempts = 3

// DetectorProps are the props of a detector's actor, with the default dispatcher and mailbox. A partition that dies is
// stopped and not restarted, because the detector starts a new one after the abort.
func DetectorProps(config *Config) *actor.Props {
	stop := func(any) actor.Directive { return actor.StopDirective }
	return actor.PropsFromProducer(
		func() actor.Actor { return &guard{newDetector(config), "detector"} },
		actor.WithSupervisor(actor.NewOneForOneStrategy(0, 0, stop)),
	)
}

func newDetector(config *Config) *Detector {
	life, end := context.WithCancel(context.Background())
	return &Detector{
		config: config,
		round: round.New(round.Config{
			CommitInterval: config.CommitInterval, WriteWithin: config.WriteWithin, StopWithin: config.StopWithin,
			Backoff: config.Backoff, Batch: config.Batch, FailFast: config.FailFast, Stay: config.Stay,
		}),
		running:    running{cut: func() {}},
		partitions: make(map[int32]*trackedPartition),
		refused:    make(map[int32][]messages.Refusal),
		falls:      newFalls(),
		watching:   watching{life: life, end: end, watch: standstill.New(config.CommitInterval)},
	}
}

func (d *Detector) Receive(ctx actor.Context) {
	if d.round.Step() == round.Over {
		return // only the ends of its partitions come now
	}
	if d.config.poison != nil {
		d.config.poison("detector", ctx.Message())
	}
	switch message := ctx.Message().(type) {
	case *actor.Started:
		d.started(ctx)
	case *actor.Stopping:
		d.watching.end()
	case *opened:
		d.opened(ctx, message)
	case *polled:
		d.polled(ctx, message)
	case *messages.SliceDone:
		d.sliceDone(ctx, message)
	case *messages.SliceFailed:
		d.sliceFailed(ctx, message)
	case *messages.Flushed:
		d.flushed(ctx, message)
	case *messages.Discarded:
		d.run(ctx, d.round.Discarded(d.config.Now()))
	case *ended:
		d.ended(ctx, message)
	case *waited:
		d.waited(ctx)
	case *closed:
		d.run(ctx, d.round.Closed())
	case *messages.PhaseEntered:
		d.phaseEntered(ctx, message)
	case *messages.ReplayProgressed:
		d.progressed(message)
	case *messages.Checkpointed:
		d.checkpointed(ctx, message)
	case *partitionFell:
		d.partitionFell(ctx, message)
	case *producerFell:
		d.count(ctx, message.number, false, message.err)
	case *stepFell:
		panic(message.fault)
	case *actor.Terminated:
		d.partitionDied(ctx, message)
	case *messages.Standbys:
		d.standBy(ctx, message)
	case *statusAsked:
		ctx.Respond(d.status())
	case *tick:
		d.ticked(ctx)
	case *looked:
		d.looked(message)
	case *messages.Stop:
		d.stop(ctx, message)
	case *drained:
		d.run(ctx, d.round.Drained(d.config.Now()))
	}
}

func (d *Detector) started(ctx actor.Context) {
	d.summary.begin(d.config.Now())
	d.producer = ctx.Spawn(producerProps(d.config))
	d.beginWatch(ctx)
	d.publish()
	d.run(ctx, d.round.Start())
}
