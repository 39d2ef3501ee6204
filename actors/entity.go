package actors

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// entity keeps one entity's window and scores its datapoints. With the method habit, it keeps a state of habits instead of the window.
//
// It takes:
//   - *entityOpened: its key and its stored points, or the outline of its window. It comes first, and once more, with the points, if the window
//     cannot rest on the outline.
//   - *entityWoken: the same points, because the window rests. It comes before a WindowQuery for points, and after an answer Asleep.
//   - *messages.Observation: one datapoint; answered with a messages.Observed. An anomaly goes to the producer.
//   - *messages.EntityRollBack: undo the points of an aborted transaction.
//   - *messages.WindowQuery: its last points; answered with a messages.WindowTail.
//   - *ownedAsked: its state of habits, or the outline of its window, to be stored.
//
// It runs on its partition's goroutine, and only its partition can send it messages; see deliver.go.
type entity struct {
	shared *shared
	key    string
	habit  *detection.Habit // nil: the method is original
	// complete: the window is what an uninterrupted run would have, because it has a point at or after the completeness
	// watermark. With the method habit it is not used: there, each point has to be at or after the watermark.
	complete bool
	empty    bool // the window has no point yet; the partition notes it
	window   detection.Window
}

// shared is what all entities of a partition have in common. The partition writes it before it sends them anything. Entities only
// read it, except for the answers.
type shared struct {
	context  entityContext
	scorer   *detection.Scorer
	habit    *detection.HabitRules // nil: the method is original
	producer *actor.PID
	group    string                 // the consumer group, part of an anomaly's id
	output   string                 // the topic anomalies go to
	topic    string                 // the id of the input topic; empty: not known
	largest  func(topic string) int // Config.largest
	explain  bool                   // anomalies have the key explain
	answers  answers
	times    []int64   // for reuse, by columns
	values   []float64 // the same
}

// answers is where entities write their answers. One entity runs at a time, so one place serves all. The partition reads the
// answer when deliver returns.
type answers struct {
	observed messages.Observed
	tail     messages.WindowTail
}

// entityOpened brings a new entity its stored points, and with the method habit the state before them. Among the points may be some
// that the window had evicted. It evicts them again, because eviction depends only on the points that come later.
type entityOpened struct {
	key          string
	points       []persistence.Point // in the order of arrival; the partition reuses them
	outline      []byte              // of the window before the points; empty: they are all
	newest       int64               // the greatest time of all
	completeFrom int64               // as in messages.Observation
	rest         bool                // the window may rest: it can be woken
	state        []byte              // a stored state of habits; empty: there is none
	err          error               // set by the entity: the state cannot be read
}

// entityWoken brings a resting window its points: those that entityOpened brought, or had the outline of.
type entityWoken struct{ points []persistence.Point }

func (e *entity) Receive(ctx actor.Context) {
	answers := &e.shared.answers
	switch message := ctx.Message().(type) {
	case *messages.Observation:
		e.observe(ctx, message, &answers.observed)
	case *messages.WindowQuery:
		e.tail(message, &answers.tail)
	case *ownedAsked:
		if e.habit != nil {
			message.to = e.habit.AppendState(e.shared.habit, message.to)
		} else {
			message.to = e.window.AppendOutline(e.shared.scorer, message.to)
		}
	case *messages.EntityRollBack:
		e.rollBack(message.Epoch)
	case *entityOpened:
		e.open(message)
	case *entityWoken:
		times, values := e.shared.columns(message.points)
		e.window.Wake(e.shared.scorer.Rules(), times, values)
	}
}

func (e *entity) open(o *entityOpened) {
	e.key = o.key
	if e.shared.habit != nil {
		e.habit, o.err = newHabit(e.shared.habit, o.state, o.points)
		return
	}
	times, values := e.shared.columns(o.points)
	switch {
	case o.outline != nil:
		e.window.RestOn(e.shared.scorer, o.outline, times, values)
	case !o.rest || !e.window.Rest(e.shared.scorer, times, values):
		e.window.Fill(e.shared.scorer.Rules(), times, values)
	}
	e.complete = !e.empty && o.newest >= o.completeFrom
}

// columns are points as a window takes them. They are valid until the next call.
func (s *shared) columns(points []persistence.Point) (times []int64, values []float64) {
	n := len(points)
	s.times, s.values = slices.Grow(s.times[:0], n)[:n], slices.Grow(s.values[:0], n)[:n]
	for i, p := range points {
		s.times[i], s.values[i] = p.At, p.Value
	}
	return s.times, s.values
}

func (e *entity) observe(ctx actor.Context, o *messages.Observation, answer *messages.Observed) {
	answer.Incomplete, answer.Asleep, answer.Refused = false, false, ""
	if e.habit != nil {
		e.observeHabit(ctx, o, answer)
		return
	}
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
	switch answer.Verdict.Reason {
	case detection.Asleep:
		answer.Asleep = true
	case detection.Anomalous:
		answer.Refused = e.report(ctx, o, &answer.Verdict, nil)
	}
}

// rollBack undoes what the entity observed in an epoch.
func (e *entity) rollBack(epoch uint64) {
	if e.habit != nil {
		e.habit.Rollback(epoch)
		return
	}
	e.window.Rollback(epoch)
	e.complete = false // the point that made it complete may be gone
}

// report sends an anomaly to the producer. If the output topic does not take it, report returns Kafka's name for the reason. The
// judgement is that of the method habit; nil: the method is original.
func (e *entity) report(ctx actor.Context, o *messages.Observation, verdict *detection.Verdict, judgement *detection.Judgement) (refused string) {
	if o.Refused != "" {
		return o.Refused
	}
	anomaly := newAnomaly(e.shared, e.key, o, verdict)
	most := e.shared.largest(e.shared.output)
	if size(anomaly.Record) > most {
		return tooLargeName
	}
	if judgement != nil {
		e.shared.explainHabit(anomaly.Record, e.habit, e.shared.habit, judgement, most)
	} else {
		e.explain(anomaly.Record, verdict, most)
	}
	ctx.Send(e.shared.producer, anomaly)
	return ""
}

func (e *entity) tail(q *messages.WindowQuery, answer *messages.WindowTail) {
	answer.Points = answer.Points[:0]
	if e.habit != nil {
		e.tailOfHabit(q, answer)
		return
	}
	for at, value := range e.window.Last(q.Count) {
		answer.Points = append(answer.Points, messages.WindowPoint{At: at, Value: value})
	}
	answer.Live = e.window.Len()
}
