package actors

import (
	"cmp"
	"context"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
)

// Publisher writes records into the running transaction.
type Publisher interface {
	Produce(*kgo.Record)
	// Flush waits until the broker has acknowledged all produced records. It returns the first
	// failure since the last Flush.
	Flush(context.Context) error
}

// producer writes anomalies and dead letters into the running transaction.
//
// It takes:
//   - *publishing: the session to write into.
//   - *messages.Anomaly, *messages.DeadLetter: a record to write.
//   - *messages.Episode: the same, for the episodes topic.
//   - *messages.StateSaid: a partition has sent the state of its episodes, for which a flush waits.
//   - *messages.Flush: wait until the broker has acknowledged all records; answered with messages.Flushed. A partition
//     answers a slice after it has sent the slice's records, so all of them arrive before the Flush.
//   - *messages.Discard: the transaction will be aborted, so nothing has to be acknowledged; answered with
//     messages.Discarded.
type producer struct {
	config    *Config
	publisher Publisher          // nil before the first session; no record comes before it
	findings  []messages.Finding // of the anomalies since the last Flush or Discard
	fault     *fault             // its panic since then: the transaction lacks a record, and must not be committed
	flushing  flushing
}

// flushing is a flush that waits for the state of partitions.
type flushing struct {
	asker   *actor.PID     // gets the answer; nil: no flush waits
	awaited map[int32]bool // by partition
	err     error          // why a state will not come
}

// publishing tells the producer where to write from now on.
type publishing struct{ publisher Publisher }

// producerProps: with the default dispatcher the producer writes while partitions score.
func producerProps(config *Config) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor {
		return &guard{&producer{config: config}, "producer"}
	})
}

func (p *producer) Receive(ctx actor.Context) {
	if p.lacks(ctx.Message()) {
		return
	}
	if p.config.poison != nil {
		p.config.poison("producer", ctx.Message())
	}
	switch message := ctx.Message().(type) {
	case *publishing:
		p.publisher, p.findings, p.fault = message.publisher, nil, nil
	case *messages.Anomaly:
		p.publisher.Produce(message.Record)
		p.findings = append(p.findings, message.Finding)
	case *messages.DeadLetter:
		p.publisher.Produce(message.Record)
	case *messages.Episode:
		p.publisher.Produce(message.Record)
	case *messages.Flush:
		p.flush(ctx, message)
	case *messages.StateSaid:
		p.stateSaid(ctx, message)
	case *messages.Discard:
		p.findings, p.fault = nil, nil
		ctx.Respond(&messages.Discarded{})
	}
}

// lacks tells whether a message is a record for a transaction that will be aborted.
func (p *producer) lacks(message any) bool {
	switch message.(type) {
	case *messages.Anomaly, *messages.DeadLetter, *messages.Episode:
		return p.fault != nil
	}
	return false
}

// flush waits for a broker that is away for as long as it takes: the producer has nothing else to do.
func (p *producer) flush(ctx actor.Context, flush *messages.Flush) {
	p.flushing = flushing{asker: ctx.Sender(), awaited: make(map[int32]bool)}
	for _, number := range flush.States {
		p.flushing.awaited[number] = true
	}
	p.flushIfComplete(ctx)
}

// stateSaid takes a partition's word that its state has come, or will not come.
func (p *producer) stateSaid(ctx actor.Context, said *messages.StateSaid) {
	if !p.flushing.awaited[said.Partition] {
		return // of a partition that fell after it had said it
	}
	delete(p.flushing.awaited, said.Partition)
	p.flushing.err = cmp.Or(p.flushing.err, said.Err)
	p.flushIfComplete(ctx)
}

// flushIfComplete flushes once all records of the transaction have come.
func (p *producer) flushIfComplete(ctx actor.Context) {
	if len(p.flushing.awaited) > 0 {
		return
	}
	err := p.flushing.err
	if err == nil {
		err = p.publisher.Flush(context.Background())
	}
	if p.fault != nil {
		err = p.fault
	}
	p.flushed(ctx, err)
}

func (p *producer) flushed(ctx actor.Context, err error) {
	ctx.Send(p.flushing.asker, &messages.Flushed{Findings: p.findings, Refused: refusalsOf(err), Err: err})
	p.findings, p.fault, p.flushing = nil, nil, flushing{}
}

// fell makes the next flush fail, so that the transaction is aborted. The producer goes on, because the detector waits for its
// answer.
func (p *producer) fell(ctx actor.Context, f *fault) {
	var record *kgo.Record
	number := int32(nobody)
	log := p.config.Log.With("topic", p.config.InputTopic)
	switch message := ctx.Message().(type) {
	case *messages.Anomaly:
		record = message.Record
	case *messages.DeadLetter:
		record = message.Record
	case *messages.Episode:
		number = message.Record.Partition
	case *messages.StateSaid:
		number = message.Partition
	}
	if of, known := originOf(record); known {
		number, record = of.partition, &kgo.Record{Offset: of.offset}
		log = log.With("partition", number)
	} else {
		record = nil
	}
	p.config.tellFault(log, f, record)
	ctx.Send(ctx.Parent(), &producerFell{number, f})
	p.fault = f
	switch ctx.Message().(type) {
	case *messages.Flush:
		p.flushing.asker = ctx.Sender()
		p.flushed(ctx, f)
	case *messages.StateSaid:
		if p.flushing.asker == nil {
			break
		}
		p.flushing.err = cmp.Or(p.flushing.err, error(f)) // nothing is flushed any more, which may have been what panicked
		delete(p.flushing.awaited, number)
		p.flushIfComplete(ctx)
	case *messages.Discard:
		p.findings, p.fault = nil, nil
		ctx.Respond(&messages.Discarded{})
	}
}
