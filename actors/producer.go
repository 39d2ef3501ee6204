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
	// Flush waits until the broker has acknowledged all produced records. It returns the first
	// failure since the last Flush.
	Flush(context.Context) error
}

// producer writes anomalies and dead letters into the running transaction.
//
// It takes:
//   - *publishing: the session to write into.
//   - *messages.Anomaly, *messages.DeadLetter: a record to write.
//   - *messages.Flush: wait until the broker has acknowledged all records; answered with messages.Flushed. A partition
//     answers a slice after it has sent the slice's records, so all of them arrive before the Flush.
//   - *messages.Discard: the transaction will be aborted, so nothing has to be acknowledged; answered with
//     messages.Discarded.
type producer struct {
	config    *Config
	publisher Publisher          // nil before the first session; no record comes before it
	findings  []messages.Finding // of the anomalies since the last Flush or Discard
	fault     *fault             // its panic since then: the transaction lacks a record, and must not be committed
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
	case *messages.Flush:
		p.flush(ctx)
	case *messages.Discard:
		p.findings, p.fault = nil, nil
		ctx.Respond(&messages.Discarded{})
	}
}

// lacks tells whether a message is a record for a transaction that will be aborted.
func (p *producer) lacks(message any) bool {
	switch message.(type) {
	case *messages.Anomaly, *messages.DeadLetter:
		return p.fault != nil
	}
	return false
}

// flush waits for a broker that is away for as long as it takes: the producer has nothing else to do.
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
