package actors

import (
	"math"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// entity keeps one entity's window and scores its datapoints.
//
// It takes:
//   - *entityOpened: its key, and its points that are stored. It comes first, once.
//   - *messages.Observation: one datapoint; answered with a messages.Observed. An anomaly goes to the producer.
//   - *messages.EntityRollBack: forget what an aborted transaction brought.
//   - *messages.WindowQuery: its last points; answered with a messages.WindowTail.
//
// It runs on its partition's goroutine, and only its partition sends it messages.
type entity struct {
	shared *shared
	key    string
	window detection.Window
	// complete: the window is what an uninterrupted run would have, because it has a point at or after the completeness
	// watermark.
	complete bool
}

// shared is what all entities of a partition have in common. The partition writes it before it sends them anything; they
// only read it, but for the answers.
type shared struct {
	scorer   *detection.Scorer
	producer *actor.PID
	group    string // the consumer group, part of an anomaly's id
	output   string // the topic anomalies go to
	topic    string // the id of the topic the records are of; empty: not known
	largest  func(topic string) int
	explain  bool // anomalies have the key explain
	answers  answers
}

// answers is where entities put what they answer. One entity at a time is at work, so one place serves all. The partition
// clears done before it sends, and reads the answer when Send returns.
type answers struct {
	done     bool // false: the entity panicked, or is gone
	observed messages.Observed
	tail     messages.WindowTail
	fault    *fault // the panic; the partition panics with it
}

// entityOpened gives a new entity what is stored of it. Points that were evicted before are evicted again on the way: the
// head of a window depends only on what came after it.
type entityOpened struct {
	key          string
	points       []persistence.Point // in the order of arrival
	completeFrom int64               // as in messages.Observation
}

// entityProps: the direct mailbox makes Send return when the datapoint is scored, which is the round's barrier. A panic stops
// the entity and its partition (see partitionProps). One value serves all entities of a partition, as there may be a million.
func entityProps(shared *shared) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return &entity{shared: shared} }, actor.WithMailbox(newDirect))
}

func (e *entity) Receive(ctx actor.Context) {
	answers := &e.shared.answers
	switch message := ctx.Message().(type) {
	case *messages.Observation:
		e.observe(ctx, message, &answers.observed)
		answers.done = true
	case *messages.WindowQuery:
		e.tail(message.Count, &answers.tail)
		answers.done = true
	case *messages.EntityRollBack:
		e.window.Rollback(message.Epoch)
		e.complete = false // the point that made it complete may be gone
	case *entityOpened:
		e.open(message)
	}
}

func (e *entity) open(o *entityOpened) {
	e.key = o.key
	newest := int64(math.MinInt64)
	for _, point := range o.points {
		e.window.Observe(e.shared.scorer.Rules(), 0, point.At, point.Value)
		newest = max(newest, point.At)
	}
	e.complete = len(o.points) > 0 && newest >= o.completeFrom
}

func (e *entity) observe(ctx actor.Context, o *messages.Observation, answer *messages.Observed) {
	answer.Incomplete, answer.Refused = false, ""
	if o.At >= o.CompleteFrom {
		e.complete = true
	} else if !e.complete && o.Scored {
		answer.Incomplete = true
		return
	}
	if !o.Scored {
		e.window.Observe(e.shared.scorer.Rules(), o.Epoch, o.At, o.Value)
		return
	}
	answer.Verdict = e.window.Add(e.shared.scorer, o.Epoch, o.At, o.Value)
	if answer.Verdict.Reason == detection.Anomalous {
		answer.Refused = e.report(ctx, o, &answer.Verdict)
	}
}

// report sends an anomaly to the producer, or returns why the output topic does not take it.
func (e *entity) report(ctx actor.Context, o *messages.Observation, verdict *detection.Verdict) (refused string) {
	if o.Refused != "" {
		return o.Refused
	}
	anomaly := newAnomaly(e.shared, e.key, o, verdict)
	most := e.shared.largest(e.shared.output)
	if size(anomaly.Record) > most {
		return tooLargeName
	}
	e.explain(anomaly.Record, verdict, most)
	ctx.Send(e.shared.producer, anomaly)
	return ""
}

func (e *entity) tail(count int, answer *messages.WindowTail) {
	answer.Points = answer.Points[:0]
	for at, value := range e.window.Last(count) {
		answer.Points = append(answer.Points, messages.WindowPoint{At: at, Value: value})
	}
	answer.Live = e.window.Len()
}

// fell is called by the mailbox: the entity is no more.
func (e *entity) fell(f *fault) {
	f.entity = e.key
	e.shared.answers.fault = f
}
