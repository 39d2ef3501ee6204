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

// How a partition imports its windows from another node. An import saves time and decides nothing. Imported windows end at or
// before the offset that the group has committed, and the topic has the rest. Without an import the topic has everything.

// windowsFetched says that a fetch from other nodes has ended.
type windowsFetched struct {
	reading  uint64              // number of the source; see assigned.reading
	imported *persistence.Import // on disk, not adopted yet
	until    int64               // the latest known committed offset of the group
	took     time.Duration       // of the fetch
	err      error
}

// discard deletes the windows, if there are any. The partition does not need them any more.
func (w *windowsFetched) discard(config *Config) {
	if w.err == nil {
		config.Store.Drop(w.imported)
	}
}

const (
	// replayPerSecond is how many records a replay reads in a second even when it is slow. A fetch is given up if it takes
	// longer than a replay at that speed.
	replayPerSecond = 100_000
	fetchAtLeast    = 5 * time.Second
	fetchAtMost     = 10 * time.Minute
	// importMustBeat: an import must spare at least 1/importMustBeat of the replay.
	importMustBeat = 2
)

// DefaultHandoff is the default of Config.HandoffFrom, in records. A replay of fewer takes at most a few seconds.
const DefaultHandoff = 300_000

// importPays tells whether an import may be faster than a replay.
func (p *partition) importPays() bool {
	return p.config.Peers != nil && p.stored.state != nil && !p.assigned.to.NoCommittedOffset && p.missing() >= p.config.HandoffFrom
}

// beginImport asks the other nodes. windowsFetched ends it.
func (p *partition) beginImport(ctx actor.Context) {
	assignment := p.assigned.to
	wanted := Wanted{Partition: p.number, Most: assignment.Offset}
	if assignment.Standby {
		wanted.Most = math.MaxInt64 // the owner goes on scoring: accept compares its offset with the committed one
	}
	if p.assigned.kept {
		wanted.Least = assignment.Offset - p.missing()/importMustBeat
	}
	patience := time.Duration(p.missing()) * time.Second / replayPerSecond
	fetching, cancel := context.WithTimeout(context.Background(), min(max(patience, fetchAtLeast), fetchAtMost))
	p.enterPhase(ctx, messages.Importing, unbroken, nil)
	f := fetch{
		config: p.config, wanted: wanted, topic: assignment.Topic, completeAt: p.history.NeededFrom(),
		answer: &windowsFetched{reading: p.assigned.began(cancel), until: assignment.Offset},
	}
	self, root, begun := ctx.Self(), ctx.ActorSystem().Root, p.config.Now()
	go func() {
		f.answer.err = safely("a handoff", func() error { return f.run(fetching) })
		f.answer.took = f.config.Now().Sub(begun)
		root.Send(self, f.answer)
	}()
}

// fetch is the state of the goroutine that asks the other nodes. It holds copies of what the partition knew at the beginning.
type fetch struct {
	config     *Config
	wanted     Wanted
	topic      messages.Identity
	completeAt int64 // the windows must be complete for points at or after this time, Unix milliseconds
	answer     *windowsFetched
}

func (f *fetch) run(ctx context.Context) (err error) {
	f.answer.imported, err = f.config.Peers.Fetch(ctx, f.wanted, persistence.Check{
		Head:  func(offered persistence.Snapshot) error { return f.accept(ctx, offered) },
		State: f.config.CheckState,
	})
	if err == nil && ctx.Err() != nil {
		f.config.Store.Drop(f.answer.imported)
		err = ctx.Err()
	}
	return err
}

// accept returns why windows of another node cannot be used, or nil if they can. If they end after the known committed offset,
// it waits until the group has committed up to them.
func (f *fetch) accept(ctx context.Context, offered persistence.Snapshot) error {
	head := offered.Head
	switch unfit := f.config.Unfit(head, f.topic); {
	case unfit != "":
		return fmt.Errorf("the windows offered cannot be used: %s", unfit)
	case offered.Partition != f.wanted.Partition:
		return fmt.Errorf("windows of partition %d were offered for %d", offered.Partition, f.wanted.Partition)
	case head.Offset < f.wanted.Least || head.Offset > f.wanted.Most:
		return fmt.Errorf("the windows offered end at offset %d, wanted are %s", head.Offset, f.wanted.Offsets())
	case !completenessOf(head).Serves(f.completeAt):
		return fmt.Errorf("the windows offered cannot be used: a late record needs older history")
	case head.Offset <= f.answer.until:
		return nil
	}
	if err := f.config.Peers.AwaitCommitted(ctx, f.wanted.Partition, head.Offset); err != nil {
		return fmt.Errorf("the windows offered cannot be used: %w", err)
	}
	f.answer.until = head.Offset
	return nil
}

// windowsFetched adopts the imported windows, and replays the records after them. Without an import it replays the topic.
func (p *partition) windowsFetched(ctx actor.Context, w *windowsFetched) {
	if !p.assigned.from(w.reading) {
		w.discard(p.config)
		return
	}
	p.assigned.cancel()
	if f, panicked := isFault(w.err); panicked {
		p.config.tellFault(p.log.Logger, f, nil) // the topic has the whole history
	}
	if w.err != nil {
		p.config.measure().Handoff(w.took, false)
		p.log.Info("no windows from other nodes, reading the topic", "records", p.missing(), "reason", w.err)
		p.replay(ctx)
		return
	}
	p.dropWindows()
	p.closeState()
	p.assigned.to.Offset = w.until
	// After an error the import may have been adopted all the same. If not, the next start of the process deletes its remains.
	problem := p.config.Store.Adopt(p.config.Name, w.imported)
	var err error
	if p.assigned.kept, err = p.restore(); err != nil {
		p.config.measure().Handoff(w.took, false)
		p.breakDown(ctx, storeFails, err)
		return
	}
	used := problem == nil && p.assigned.kept
	p.config.measure().Handoff(w.took, used)
	p.log.Info("windows taken from another node", "entities", w.imported.Entities, "points", w.imported.Points,
		"offset", w.imported.Head.Offset, "used", used, "problem", problem)
	p.replay(ctx)
}
