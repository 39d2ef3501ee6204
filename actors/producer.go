package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
)

// Publisher writes records into the running transaction.
type Publisher interface {
	Produce(*kgo.Record)
	// Flush waits until all produced records are written, and returns the first
	// failure since the last Flush.
	Flush(context.Context) error
}

// producer writes anomalies and dead letters into the running transaction.
//
// It takes:
//   - *publishing: the session to write into.
//   - *messages.Anomaly, *messages.DeadLetter: a record to write.
//   - *messages.Flush: wait until the broker has acknowledged all records; answered with messages.Flushed. A slice is
//     done when its records have been sent to the producer, so all of them come before the Flush.
//   - *messages.Discard: the same before an abort, without waiting for the broker; answered with messages.Discarded.
type producer struct {
	config    *Config
	publisher Publisher          // nil before the first session; then no record comes
	findings  []messages.Finding // of the anomalies since the last Flush or Discard
	fault     *fault             // it panicked since then: the transaction lacks a record, and must not be committed
}

// publishing says where records go from now on.
type publishing struct{ publisher Publisher }

// producerProps: the default dispatcher, so that writing goes on beside scoring.
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
	case *messages.Flush:
		p.flush(ctx)
	case *messages.Discard:
		p.findings, p.fault = nil, nil
		ctx.Respond(&messages.Discarded{})
	}
}

// lacks tells whether a record is for a transaction that will be aborted.
func (p *producer) lacks(message any) bool {
	switch message.(type) {
	case *messages.Anomaly, *messages.DeadLetter:
		return p.fault != nil
	}
	return false
}

// flush may wait for a broker that is away: then there is nothing else to do.
func (p *producer) flush(ctx actor.Context) {
	err := p.publisher.Flush(context.Background())
	if p.fault != nil {
		err = p.fault
	}
	p.flushed(ctx, err)
}

func (p *producer) flushed(ctx actor.Context, err error) {
	ctx.Respond(&messages.Flushed{Findings: p.findings, Refused: refusalsOf(err), Err: err})
	p.findings, p.fault = nil, nil
}

// fell lets the transaction be aborted, and the producer goes on: the detector gets the answer that it waits for.
func (p *producer) fell(ctx actor.Context, f *fault) {
	var record *kgo.Record
	number := int32(nobody)
	log := p.config.Log.With("topic", p.config.InputTopic)
	switch message := ctx.Message().(type) {
	case *messages.Anomaly:
		record = message.Record
	case *messages.DeadLetter:
		record = message.Record
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
		p.flushed(ctx, f)
	case *messages.Discard:
		p.findings, p.fault = nil, nil
		ctx.Respond(&messages.Discarded{})
	}
}
