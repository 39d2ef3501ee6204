package actors

import (
	"context"
	"errors"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kerr"

	"anomalydetector/messages"
	"anomalydetector/round"
	"anomalydetector/stream"
)

// The detector turns messages into events of the round, and effects of the round into calls.

// run runs the effects of an event in order. At level debug the log is a transcript of the round.
func (d *Detector) run(ctx actor.Context, effects []round.Effect) {
	if len(effects) > 0 && d.config.Log.Enabled(context.Background(), slog.LevelDebug) {
		d.config.Log.Debug("round goes on", "step", d.round.Step(), "mode", d.round.Mode(), "effects", texts(effects))
	}
	for _, effect := range effects {
		d.do(ctx, effect)
	}
}

func texts(effects []round.Effect) []string {
	all := make([]string, len(effects))
	for i, effect := range effects {
		all[i] = effect.String()
	}
	return all
}

func (d *Detector) do(ctx actor.Context, effect round.Effect) {
	switch effect := effect.(type) {
	case round.Open:
		d.open(ctx)
	case round.Poll:
		d.poll(ctx, effect)
	case round.Score:
		d.score(ctx, effect.Slices)
	case round.Flush:
		d.flush(ctx)
	case round.Discard:
		d.discard(ctx)
	case round.End:
		d.endTransaction(ctx, effect.Commit)
	case round.Pause:
		d.pause(ctx, effect.For)
	case round.Reopen:
		d.reopen(ctx, effect)
	case round.Close:
		d.close(ctx, effect)
	case round.Conclude:
		d.conclude(ctx, effect)
	case round.Store:
		d.store(ctx, effect.Partitions)
	case round.Reload:
		d.reload(ctx, effect.Failed)
	case round.Unassign:
		d.unassign()
	case round.Reconcile:
		d.reconcile(ctx)
		d.lookAtStore()
		d.run(ctx, d.round.Reconciled(d.config.Now()))
	case round.Cut:
		d.running.cut()
	case round.Drain:
		d.drain(ctx)
	case round.Hurry:
		d.hurry()
	case round.StopIntake:
		d.config.Log.Error("intake is stopped: the state cannot be stored", "problem", effect.Problem)
	case round.ResumeIntake:
		d.config.Log.Info("intake goes on", "stopped_for", effect.StoppedFor.String())
	case round.Finish:
		d.finish(ctx, effect)
	}
}

// opened gives the producer the session to write into. The partitions keep the windows that they have from the session
// before.
func (d *Detector) opened(ctx actor.Context, o *opened) {
	if o.err == nil {
		d.session, d.joined = o.session, false
		ctx.Send(d.producer, &publishing{o.session})
	}
	d.lookAtStore()
	d.run(ctx, d.round.Opened(d.config.Now(), o.err))
}

func (d *Detector) polled(ctx actor.Context, p *polled) {
	batch := round.Batch{Slices: p.slices, Changed: p.err == nil && len(p.slices) == 0 && d.session.Changed()}
	d.run(ctx, d.round.Polled(d.config.Now(), batch, failureOf(p.err)))
}

// score sends each partition its slice. The slice of a partition that is not ready fails, and the transaction will be
// aborted: the group may have assigned the partition during the poll.
func (d *Detector) score(ctx actor.Context, slices []messages.Slice) {
	for i := range slices {
		slice := &slices[i]
		if partition, known := d.partitions[slice.Partition]; known && partition.scores() {
			ctx.Send(partition.pid, slice)
			continue
		}
		d.sliceFailed(ctx, &messages.SliceFailed{Partition: slice.Partition, Offset: slice.Records[0].Offset, Reload: true})
	}
}

func (d *Detector) sliceDone(ctx actor.Context, s *messages.SliceDone) {
	if partition, known := d.partitions[s.Partition]; known {
		partition.next, partition.end, partition.health.scored = s.Next, s.End, true
		partition.census = census{s.Tally.Entities, s.Tally.Cached, s.StreamTime, s.Tally.Open}
		partition.stable = max(partition.stable, s.Next) // what was read is stable
	}
	d.run(ctx, d.round.SliceDone(d.config.Now(), s))
}

func (d *Detector) sliceFailed(ctx actor.Context, s *messages.SliceFailed) {
	d.run(ctx, d.round.SliceFailed(d.config.Now(), s))
}

// flushed ends the flush. If anomalies could not be written, it logs why and tells the round.
func (d *Detector) flushed(ctx actor.Context, f *messages.Flushed) {
	failure := round.Failure{Err: f.Err}
	switch {
	case len(f.Refused) > 0 && d.withhold(ctx, f.Refused):
		failure.Kind = round.Refused
		tellRefused(d.config.Log, f.Err, f.Refused)
	case errors.Is(f.Err, stream.ErrForbidden):
		failure.Kind = round.Final
	case f.Err != nil:
		d.config.Log.Error("anomalies could not be written, aborting the transaction and trying again", "error", f.Err)
	}
	d.run(ctx, d.round.Flushed(d.config.Now(), f.Findings, failure))
}

func (d *Detector) ended(ctx actor.Context, e *ended) {
	d.run(ctx, d.round.Ended(d.config.Now(), e.committed, failureOf(e.err)))
}

func (d *Detector) waited(ctx actor.Context) {
	d.lookAtStore()
	d.run(ctx, d.round.Waited(d.config.Now()))
}

// failureOf tells the round whether another attempt can cure an error of the session.
func failureOf(err error) round.Failure {
	kind := round.Passing
	switch {
	case errors.Is(err, stream.ErrFenced):
		kind = round.Final
	case errors.Is(err, kerr.ProducerFenced), errors.Is(err, kerr.InvalidProducerEpoch):
		kind = round.Fenced
	}
	return round.Failure{Err: err, Kind: kind}
}
