package actors

import (
	"context"
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kerr"

	"anomalydetector/messages"
	"anomalydetector/stream"
)

// Detector owns the Kafka session of one configuration and runs its rounds:
// poll a batch, hand each partition its slice, wait for all of them; and when
// the commit interval is over or the stream is idle, commit. At any time one
// thing is under way, so nothing is in flight when a transaction ends.
//
// It takes:
//   - *opened, *polled, *messages.Flushed, *messages.Discarded, *ended, *waited,
//     *closed: the step under way is over (detector_steps.go).
//   - *messages.SliceDone, *messages.SliceFailed: a partition's part in a round.
//   - *messages.ReplayProgressed, *messages.PhaseEntered: from a partition
//     that loads history.
//   - *messages.Checkpointed: a partition has stored what was committed, or not.
//   - *partitionFell, *producerFell, *stepFell: a panic (fault.go).
//   - *actor.Terminated: a partition died.
//   - *messages.Follow: keep these partitions of others warm.
//   - *statusAsked: how it is; answered with statusAnswer.
//   - *tick, *looked: for its watch (detector_watch.go).
//   - *messages.Stop: let other nodes get the windows of its partitions, if there are
//     any; then end the round, commit, leave the group, end.
//   - *yielded: others have them, or will not.
type Detector struct {
	config *Config

	session    Session // nil while there is none
	producer   *actor.PID
	partitions map[int32]*member
	totals     Totals
	summary    summary
	watching

	step       context.Context // ends when the step under way should be cut short
	cut        context.CancelFunc
	stepped    chan struct{}      // closed when the step is over
	closing    bool               // the step closes the session for good
	hurry      context.CancelFunc // ends the wait until others have our windows; nil: we do not wait
	stopping   bool
	halted     time.Time          // since when it is
	over       bool               // it takes no more messages
	finished   bool               // OnEnd was called
	dirty      bool               // records were polled since the last commit
	since      time.Time          // of the first of them
	flushing   time.Time          // when its records were asked to be written; zero: they were not yet
	committed  time.Time          // when records were, the last time
	joined     bool               // the group has told this session what is ours
	unanswered map[int32]struct{} // partitions that score a slice of this round
	saving     map[int32]struct{} // partitions that store what was committed
	stalled    stall
	failed     []*messages.SliceFailed // in this round
	follows    uint64                  // assignments of partitions that are others'
	falls      falls
	aborts     int       // failed writes in a row
	failures   int       // failed sessions in a row
	began      time.Time // when the running session was opened
	outflow    transactionSize
	topic      messages.Identity            // the input topic, as it was assigned the last time
	refused    map[int32][]messages.Refusal // by partition: what topics refuse of what is not committed
	fences     int                          // sessions lost to another producer since the last commit
	round      messages.Tally               // of the running transaction
	result     error                        // what OnEnd is told
}

// member is a partition that this process was given.
type member struct {
	pid           *actor.PID
	contact       *contact // for questions
	serial        uint64
	following     bool // it is another's, and kept warm
	warming       bool // another node is asked for its windows
	ready         bool
	done, pending int64             // of its history
	next, end     int64             // where it is, and where the topic ended
	topic         messages.Identity // that it is of
	extent
	entities   int
	cached     int   // entities in memory
	streamTime int64 // Unix milliseconds; 0: not known yet

	scored  bool  // it has a part in the running transaction
	proving bool  // its part was committed: once that is stored, it has made progress
	unsaved int   // checkpoints that failed, in a row
	problem error // of the last one
}

// scoring: it has a part in transactions.
func (m *member) scoring() bool { return m.pid != nil && !m.following }

const (
	// idleAfter: so long without a record, and what there is gets committed; but
	// not within idleAtLeast of the last time, for a stream that trickles.
	idleAfter   = 10 * time.Millisecond
	idleAtLeast = 200 * time.Millisecond
	// idlePoll: so often we look around where there are no records.
	idlePoll = time.Second
	// attempts a partition has, without progress, before the process gives up.
	attempts = 3
)

// DetectorProps: the default dispatcher and mailbox; a partition that dies is
// stopped, not restarted: the detector makes it anew after the abort.
func DetectorProps(config *Config) *actor.Props {
	stop := func(any) actor.Directive { return actor.StopDirective }
	return actor.PropsFromProducer(func() actor.Actor {
		life, end := context.WithCancel(context.Background())
		detector := &Detector{
			watching: watching{life: life, end: end},
			config:   config, partitions: make(map[int32]*member),
			outflow:    transactionSize{room: mostRoom},
			unanswered: make(map[int32]struct{}), saving: make(map[int32]struct{}), refused: make(map[int32][]messages.Refusal),
			falls: falls{loading: make(map[int32]int), working: make(map[int32]int)},
		}
		return &guard{detector, "detector"}
	}, actor.WithSupervisor(actor.NewOneForOneStrategy(0, 0, stop)))
}

func (d *Detector) Receive(ctx actor.Context) {
	if d.over {
		return // its partitions' deaths
	}
	if d.config.poison != nil {
		d.config.poison("detector", ctx.Message())
	}
	switch message := ctx.Message().(type) {
	case *actor.Started:
		d.summary.begin(d.config.Now())
		d.producer = ctx.Spawn(producerProps(d.config))
		d.beginWatch(ctx)
		d.publish()
		d.open(ctx)
	case *actor.Stopping:
		d.watching.end()
	case *tick:
		d.ticked(ctx)
	case *looked:
		d.looked(message)
	case *opened:
		d.opened(ctx, message)
	case *polled:
		d.polled(ctx, message)
	case *messages.SliceDone:
		d.sliceDone(ctx, message)
	case *messages.SliceFailed:
		d.sliceFailed(ctx, message)
	case *partitionFell:
		d.partitionFell(ctx, message)
	case *producerFell:
		d.count(message.number, false, message.err)
	case *stepFell:
		panic(message.fault)
	case *actor.Terminated:
		d.partitionDied(ctx, message)
	case *messages.Flushed:
		d.flushed(ctx, message)
	case *messages.Discarded:
		d.endTransaction(ctx, false)
	case *ended:
		d.ended(ctx, message)
	case *waited:
		d.proceed(ctx)
	case *messages.ReplayProgressed:
		d.progressed(message)
	case *messages.PhaseEntered:
		d.phaseEntered(message)
	case *messages.Checkpointed:
		d.checkpointed(ctx, message)
	case *messages.Standbys:
		d.follow(ctx, message)
	case *statusAsked:
		ctx.Respond(d.status())
	case *messages.Stop:
		d.stop(ctx, message)
	case *yielded:
		d.yielded()
	case *closed:
		d.end(ctx)
	}
}

// opened begins to read, with whatever partitions the last session left.
func (d *Detector) opened(ctx actor.Context, o *opened) {
	if o.err != nil {
		if !d.stopping {
			d.result = o.err
		}
		d.end(ctx)
		return
	}
	d.session, d.joined, d.began = o.session, false, d.config.Now()
	ctx.Send(d.producer, &publishing{o.session})
	d.proceed(ctx)
}

// proceed takes the next step. It is called when none is under way.
func (d *Detector) proceed(ctx actor.Context) {
	now := d.config.Now()
	d.summary.tell(d.config.Log, now, &d.totals, d.partitions)
	switch {
	case d.session == nil:
		d.open(ctx)
	case d.dirty && (d.stopping || written(d.round) >= d.outflow.room || now.Sub(d.since) >= d.config.CommitInterval):
		d.flush(ctx)
	case d.stopping && len(d.saving) > 0:
		d.stalled.stopping = true // checkpointed goes on
	case d.stopping:
		d.close(ctx)
	case !d.dirty && d.stall(ctx, now):
	case d.dirty:
		d.poll(ctx, max(idleAfter, idleAtLeast-now.Sub(d.committed)))
	default:
		d.poll(ctx, idlePoll)
	}
}

// polled hands out the slices, or ends a transaction that waits for no more.
func (d *Detector) polled(ctx actor.Context, p *polled) {
	if p.err != nil {
		d.abandon(ctx, p.err)
		return
	}
	if len(p.slices) == 0 {
		d.idle(ctx)
		return
	}
	if !d.dirty {
		d.dirty, d.since = true, d.config.Now()
	}
	d.steps++
	for i := range p.slices {
		slice := &p.slices[i]
		d.unanswered[slice.Partition] = struct{}{}
		partition, known := d.partitions[slice.Partition]
		if !known || !partition.ready || partition.following {
			// It was given to us during the poll: the transaction will abort.
			d.failed = append(d.failed, &messages.SliceFailed{Partition: slice.Partition,
				Offset: slice.Records[0].Offset, Reload: true})
			delete(d.unanswered, slice.Partition)
			continue
		}
		ctx.Send(partition.pid, slice)
	}
	d.roundOver(ctx)
}

// idle commits what there is. An empty transaction is ended only for the
// assignment that changed, and then aborted: a commit of nothing makes the client
// pause for half a second.
func (d *Detector) idle(ctx actor.Context) {
	switch {
	case d.dirty:
		d.flush(ctx)
	case d.session.Changed():
		d.endTransaction(ctx, false)
	default:
		d.reconcile(ctx)
		d.proceed(ctx)
	}
}

func (d *Detector) sliceDone(ctx actor.Context, s *messages.SliceDone) {
	if partition, known := d.partitions[s.Partition]; known {
		partition.next, partition.end, partition.entities, partition.scored = s.Next, s.End, s.Tally.Entities, true
		partition.cached, partition.streamTime = s.Tally.Cached, s.StreamTime
		partition.stable = max(partition.stable, s.Next) // it has been read
	}
	d.round = add(d.round, s.Tally)
	d.steps++
	delete(d.unanswered, s.Partition)
	d.roundOver(ctx)
}

func (d *Detector) sliceFailed(ctx actor.Context, s *messages.SliceFailed) {
	d.failed = append(d.failed, s)
	delete(d.unanswered, s.Partition)
	d.roundOver(ctx)
}

func (d *Detector) partitionFell(ctx actor.Context, f *partitionFell) {
	if partition := d.partitions[f.number]; partition != nil && f.who.Equal(partition.pid) {
		ctx.Unwatch(f.who)
		ctx.Stop(f.who)
		d.lost(ctx, f.number, partition, f.err)
	}
}

// partitionDied: it could not even say why.
func (d *Detector) partitionDied(ctx actor.Context, t *actor.Terminated) {
	for number, partition := range d.partitions {
		if partition.pid != nil && partition.pid.Equal(t.Who) {
			d.lost(ctx, number, partition, errors.New("the partition's actor died"))
		}
	}
}

// roundOver goes on when all partitions have answered.
func (d *Detector) roundOver(ctx actor.Context) {
	switch {
	case len(d.unanswered) > 0:
	case len(d.failed) > 0:
		d.discard(ctx)
	default:
		d.proceed(ctx)
	}
}

// flushed commits what the producer has written, or aborts.
func (d *Detector) flushed(ctx actor.Context, f *messages.Flushed) {
	d.outflow.learn(written(d.round), d.config.Now().Sub(d.outflow.since), d.config.WriteWithin, f.Err == nil)
	switch {
	case len(f.Refused) > 0 && d.withhold(ctx, f.Refused):
		tellRefused(d.config.Log, f.Err, f.Refused)
	case errors.Is(f.Err, stream.ErrForbidden):
		d.result = f.Err
		d.halt()
	case f.Err != nil:
		d.aborts++
		d.config.Log.Error("anomalies could not be written, aborting the transaction and trying again", "error", f.Err)
	}
	d.summary.findings = f.Findings
	d.endTransaction(ctx, f.Err == nil)
}

// ended makes the partitions agree with how the transaction ended, and with
// what the group has assigned meanwhile.
func (d *Detector) ended(ctx actor.Context, e *ended) {
	d.doing = nothing
	if e.err != nil {
		d.abandon(ctx, e.err)
		return
	}
	d.conclude(ctx, e.committed)
	if !e.wanted {
		d.giveUp(ctx)
	}
	d.reconcile(ctx)
	if d.aborts > 0 {
		d.wait(ctx, d.config.Backoff*time.Duration(min(d.aborts, 10)))
		return
	}
	d.proceed(ctx)
}

// conclude tells the partitions how the transaction ended.
func (d *Detector) conclude(ctx actor.Context, committed bool) {
	if committed {
		d.aborts, d.fences, d.outflow.slow = 0, 0, false
		if d.dirty {
			d.committed, d.failures = d.config.Now(), 0
			delete(d.falls.working, nobody)
			d.forgetRefused()
			d.totals.add(d.round)
			d.totals.Commits++
			d.config.measure().Detection(d.committed.Sub(d.since))
			d.config.Hub.committed(d.config.Name, d.summary.findings)
		}
		d.tell(ctx, &messages.Committed{})
		for number, partition := range d.partitions {
			if partition.scoring() {
				d.saving[number] = struct{}{}
				partition.proving = partition.proving || partition.scored
			}
		}
		d.settle()
	} else if d.dirty {
		d.totals.Aborts++
		d.config.Log.Info("transaction aborted, its records are read again")
		d.tell(ctx, &messages.RolledBack{})
		d.unsettle()
	}
	for _, partition := range d.partitions {
		partition.scored = false
	}
	if d.dirty && !d.flushing.IsZero() {
		d.config.measure().Transaction(d.config.Now().Sub(d.flushing))
	}
	d.summary.findings, d.round, d.dirty, d.flushing = nil, messages.Tally{}, false, time.Time{}
	d.publish()
}

func (d *Detector) tell(ctx actor.Context, message any) {
	for _, partition := range d.partitions {
		if partition.scoring() {
			ctx.Send(partition.pid, message)
		}
	}
}

// giveUp handles the partitions that failed the round, after the abort.
func (d *Detector) giveUp(ctx actor.Context) {
	for _, f := range d.failed {
		partition, known := d.partitions[f.Partition]
		if known {
			partition.ready, partition.serial = false, 0
			d.session.Pause(f.Partition)
		}
		if f.Reload {
			continue
		}
		d.config.Log.Error("record could not be scored, its partition is loaded anew", "topic", d.config.InputTopic,
			"partition", f.Partition, "offset", f.Offset, "error", f.Err)
		d.count(f.Partition, false, f.Err)
		if known {
			d.drop(ctx, f.Partition)
		}
	}
	d.failed = nil
}

// abandon gives up the session: what was committed is unknown, or the client is
// beyond repair. The next one learns it from the broker.
func (d *Detector) abandon(ctx actor.Context, err error) {
	d.conclude(ctx, false)
	d.failed = nil
	for _, partition := range d.partitions {
		if !partition.following {
			partition.serial, partition.ready = 0, false // the next session counts anew
		}
	}
	// The broker fences also whose transaction took too long.
	if (errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch)) && !d.outflow.slow {
		d.fences++
	}
	d.outflow.slow = false
	switch {
	case errors.Is(err, stream.ErrFenced), d.fences >= attempts, d.config.FailFast:
		d.result = err
		d.close(ctx)
	case d.stopping:
		d.config.Log.Warn("the last transaction could not be committed, its records are read again at the next start", "error", err)
		d.close(ctx)
	default:
		d.reopen(ctx, err)
	}
}

// end is the last thing a detector does.
func (d *Detector) end(ctx actor.Context) {
	d.over = true
	d.summary.tellLast(d.config.Log, d.config.Now(), &d.totals, d.partitions)
	d.finish(ctx)
}
