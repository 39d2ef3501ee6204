package actors

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/limiter"
	"anomalydetector/messages"
)

// work is a queue of what takes long: pieces of a slice, and runs of history. The partition does one item for each permit of the
// limiter, in order, and answers questions in between.
type work struct {
	items  []any // *messages.HistoryRead, *messages.HistoryEnded or *scoring
	permit limiter.Permit
	asked  bool // the partition waits for a permit, or has one
}

// permitted says that the limiter lets the partition do the next item.
type permitted struct{}

// begin queues an item.
func (p *partition) begin(item any) {
	p.work.items = append(p.work.items, item)
	p.askPermit()
}

// askPermit asks the limiter for the next item's permit. While a checkpoint is being written it does not: checkpointWritten asks.
func (p *partition) askPermit() {
	if len(p.work.items) > 0 && !p.work.asked && p.stored.writing == nil {
		p.work.asked = true
		p.work.permit.Ask()
	}
}

// permitted does the next item.
func (p *partition) permitted(ctx actor.Context) {
	item := p.work.items[0]
	p.work.items = slices.Delete(p.work.items, 0, 1)
	switch item := item.(type) {
	case *messages.HistoryRead:
		p.historyRead(ctx, item)
	case *messages.HistoryEnded:
		p.historyEnded(ctx, item)
	case *scoring:
		p.score(ctx, item)
	}
	p.seen.Record = nil
	p.work.permit.End()
	p.work.asked = false
	p.askPermit()
}
