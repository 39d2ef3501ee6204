package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/detection"
	"anomalydetector/messages"
)

// entity keeps one entity's window and scores its datapoints.
//
// It takes:
//   - *messages.Observation: one datapoint. It answers in the message itself,
//     and sends an anomaly to the producer.
//   - *messages.EntityRollBack: forget what an aborted transaction brought.
//   - *messages.WindowTail: its last points, for the checkpoint. It answers in
//     the message.
//
// It runs on its partition's goroutine and is fed by nobody else.
type entity struct {
	shared *shared
	key    string
	window detection.Window
	// settled: a point was seen that needed nothing from before the history
	// that was loaded, so the window is what an uninterrupted run would have.
	settled bool
}

// shared is what all entities of a partition have in common. The partition
// writes it before it spawns them; they only read it, but for their fault.
type shared struct {
	scorer   *detection.Scorer
	producer *actor.PID
	group    string // the consumer group, part of an anomaly's id
	output   string // the topic anomalies go to
	topic    string // the id of the topic the records are of; empty: not known
	largest  func(topic string) int
	explain  bool // anomalies have the key explain
	// fault is the panic of one of them. The partition looks at it after each message
	// that it sends them, and panics with it.
	fault *fault
}

// entityProps: the direct mailbox makes Send return when the datapoint is
// scored, which is the round's barrier. A panic stops the entity and its
// partition (see partitionProps). One value serves all entities of a partition, as
// there may be a million: each is made by the partition just before it spawns it.
func entityProps(next func() actor.Actor) *actor.Props {
	return actor.PropsFromProducer(next, actor.WithMailbox(newDirect))
}

func (e *entity) Receive(ctx actor.Context) {
	switch message := ctx.Message().(type) {
	case *messages.Observation:
		e.observe(ctx, message)
		message.Answered = true
	case *messages.EntityRollBack:
		e.window.Rollback(message.Epoch)
		e.settled = false // it may have been settled by what is gone
	case *messages.WindowTail:
		for at, value := range e.window.Last(message.Count) {
			message.Take(at, value)
		}
		message.Live = e.window.Len()
	}
}

// fell is called by the mailbox: the entity is no more.
func (e *entity) fell(f *fault) {
	f.entity = e.key
	e.shared.fault = f
}

func (e *entity) observe(ctx actor.Context, o *messages.Observation) {
	if o.At >= o.CompleteFrom {
		e.settled = true
	} else if !e.settled && o.Scored {
		o.Incomplete = true
		return
	}
	if !o.Scored {
		e.window.Observe(e.shared.scorer.Rules(), o.Epoch, o.At, o.Value)
		return
	}
	o.Verdict = e.window.Add(e.shared.scorer, o.Epoch, o.At, o.Value)
	if o.Verdict.Reason == detection.Anomalous && o.Refused == "" {
		anomaly := newAnomaly(e.shared, e.key, o)
		most := e.shared.largest(e.shared.output)
		if size(anomaly.Record) > most {
			o.Refused = tooLargeName
			return
		}
		e.explain(anomaly.Record, o, most)
		ctx.Send(e.shared.producer, anomaly)
	}
}
