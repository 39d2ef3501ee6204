package actors

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// How a partition gets its windows from another node. Nothing depends on it but
// time: what it is given lies at or before the offset that the group has
// committed, and the rest is replayed; and if it is given nothing, all is.

// handedOver is the end of a handoff.
type handedOver struct {
	reading  uint64 // which of the partition's readings it is of
	imported *persistence.Import
	until    int64 // the group's offset, as far as is known
	took     time.Duration
	err      error
}

// replayPerSecond is what a replay is sure to reach: a handoff that takes longer
// than that is given up.
const (
	replayPerSecond = 100_000
	handoffAtLeast  = 5 * time.Second
	handoffAtMost   = 10 * time.Minute
	handoffMustBeat = 2 // windows that save less than this part of the replay are not asked for
)

// DefaultHandoff: a replay of fewer records takes a second at most.
const DefaultHandoff = 300_000

// missing is how many offsets a replay would read, at most.
func (p *partition) missing() int64 {
	if p.kept {
		return p.assignment.Offset - p.next
	}
	return p.assignment.Offset
}

// handoffPays tells whether the others are worth asking.
func (p *partition) handoffPays() bool {
	return p.config.Peers != nil && p.state != nil && !p.assignment.NoCommittedOffset && p.missing() >= p.config.HandoffFrom
}

// askOthers begins a handoff, which ends with handedOver.
func (p *partition) askOthers(ctx actor.Context) {
	wanted := Wanted{Partition: p.number, Most: p.assignment.Offset}
	if p.assignment.Standby {
		wanted.Most = math.MaxInt64 // the owner goes on: what it has is compared with the group's offset then
	}
	if p.kept {
		wanted.Least = p.assignment.Offset - p.missing()/handoffMustBeat
	}
	patience := time.Duration(p.missing()) * time.Second / replayPerSecond
	fetching, cancel := context.WithTimeout(context.Background(), min(max(patience, handoffAtLeast), handoffAtMost))
	p.cancelRead = cancel
	p.reading++
	p.tellPhase(ctx, messages.Importing, nil)
	config, topic, reach, number, until := p.config, p.assignment.Topic, p.reach, p.reading, p.assignment.Offset
	self, root, begun := ctx.Self(), ctx.ActorSystem().Root, p.config.Now()
	go func() {
		h := &handedOver{reading: number, until: until}
		h.err = safely("a handoff", func() (err error) {
			h.imported, err = config.Peers.Fetch(fetching, wanted, func(offered persistence.Snapshot) error {
				if err := config.refuse(offered, wanted, topic, reach); err != nil || offered.Head.Offset <= h.until {
					return err
				}
				if err := config.Peers.AwaitCommitted(fetching, wanted.Partition, offered.Head.Offset); err != nil {
					return fmt.Errorf("the windows offered cannot be used: %w", err)
				}
				h.until = offered.Head.Offset
				return nil
			})
			if err == nil && fetching.Err() != nil {
				config.Store.Drop(h.imported)
				err = fetching.Err()
			}
			return err
		})
		h.took = config.Now().Sub(begun)
		root.Send(self, h)
	}()
}

// refuse tells why windows of another node cannot be used, if so.
func (c *Config) refuse(offered persistence.Snapshot, wanted Wanted, topic messages.Identity, reach int64) error {
	head := offered.Head
	switch unfit := c.Unfit(head, topic); {
	case unfit != "":
		return fmt.Errorf("the windows offered cannot be used: %s", unfit)
	case offered.Partition != wanted.Partition:
		return fmt.Errorf("windows of partition %d were offered for %d", offered.Partition, wanted.Partition)
	case head.Offset < wanted.Least || head.Offset > wanted.Most:
		return fmt.Errorf("the windows offered reach up to offset %d, wanted are %s", head.Offset, wanted.Offsets())
	case max(head.CompleteFrom, head.CompleteForNewFrom) > reach:
		return fmt.Errorf("the windows offered cannot be used: a straggler needs older history")
	}
	return nil
}

// handedOver goes on from the windows that another node had, or without them.
func (p *partition) handedOver(ctx actor.Context, h *handedOver) {
	if h.reading != p.reading || p.cancelRead == nil {
		if h.err == nil {
			p.config.Store.Drop(h.imported)
		}
		return
	}
	p.stopReading()
	if f, panicked := isFault(h.err); panicked {
		p.config.tellFault(p.log, f, nil) // the topic has all that there is
	}
	if h.err != nil {
		p.config.measure().Handoff(h.took, false)
		p.log.Info("no windows from other nodes, reading the topic", "records", p.missing(), "reason", h.err)
		p.load(ctx)
		return
	}
	p.forget(ctx)
	p.closeState()
	p.assignment.Offset = h.until
	// After an error it may have been adopted all the same. If not, the next start
	// finds what is left of it.
	err := p.config.Store.Adopt(p.config.Name, h.imported)
	var problem error
	if p.kept, problem = p.restore(); problem != nil {
		p.config.measure().Handoff(h.took, false)
		p.notReady(ctx, problem)
		return
	}
	p.config.measure().Handoff(h.took, err == nil && p.kept)
	p.log.Info("windows taken from another node", "entities", h.imported.Entities, "points", h.imported.Points,
		"offset", h.imported.Head.Offset, "used", err == nil && p.kept, "problem", err)
	p.load(ctx)
}
