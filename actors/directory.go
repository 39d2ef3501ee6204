package actors

import (
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// directory knows the names of a partition's entities, so that a search costs the partition nothing. It is the
// partition's child. The partition tells it which entities are cached, evicted and removed. It lists the keys that are
// only on disk by itself.
//
// It takes:
//   - *namesAsked: a search wants the names. The search looks through them on its own goroutine.
//   - *namesGiven: all names that the partition has. They replace those that the directory knew.
//   - *namesChanged: the changes since then.
//   - *takeOver: the partition is ready, so searches may come.
//   - *keysListed: from the goroutine that lists the disk.
//
// With Config.Searched the partition tells its names from the beginning. Otherwise it begins with the first search.
type directory struct {
	config *Config
	log    *slog.Logger
	list   func(visit func(key string) error) error // visits the keys on disk; nil without a store

	names   *names        // nil: the partition has not told any
	waiting []*namesAsked // searches that wait for the names
	pending []change      // not merged into the names yet
	next    time.Time     // before this time a search does not merge changes
	listing *listing      // of the keys on disk; nil: the names have all of them
	broken  error         // a panic: the directory knows nothing any more
}

// namesAsked asks a directory for the names. The channel has room for the answer.
type namesAsked struct{ answer chan<- namesAnswer }

// namesAnswer answers namesAsked.
type namesAnswer struct {
	names *names
	err   error // why entities may be missing in the names; nil: none is
}

// namesWanted asks a partition for all its names, and for changes from then on.
type namesWanted struct{}

// namesGiven are all names that a partition has. It is immutable.
type namesGiven struct {
	all     []change
	more    bool     // there are entities that are only on disk
	removed []string // keys of removed entities that the disk may still have
}

// namesChanged are the changes since the last message, in order. It is immutable.
type namesChanged struct{ changes []change }

// takeOver asks the directory to merge the pending changes.
type takeOver struct{}

// directoryProps: the default mailbox has no limit. The directory does not fall behind, because it takes changes faster
// than a partition makes them.
func directoryProps(config *Config, number int32) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor {
		return &guard{newDirectory(config, number), "the directory of " + partitionName(number)}
	})
}

func newDirectory(config *Config, number int32) *directory {
	d := &directory{config: config, log: config.Log.With("topic", config.InputTopic, "partition", number)}
	if config.Searched {
		d.names = new(names)
	}
	if config.Store != nil {
		d.list = func(visit func(string) error) error { return config.Store.Keys(config.Name, number, visit) }
	}
	return d
}

func (d *directory) Receive(ctx actor.Context) {
	if d.config.poison != nil {
		d.config.poison("directory", ctx.Message())
	}
	switch message := ctx.Message().(type) {
	case *namesAsked:
		d.asked(ctx, message)
	case *namesGiven:
		d.given(ctx, message)
	case *namesChanged:
		d.changed(message)
	case *takeOver:
		d.merge()
	case *keysListed:
		d.listed(message)
	case *actor.Stopping:
		d.stopListing()
	}
}

// fell makes the directory answer each search with the fault. The partition goes on.
func (d *directory) fell(ctx actor.Context, f *fault) {
	d.config.tellFault(d.log, f, nil)
	d.stopListing()
	waiting := d.waiting
	if asked, is := ctx.Message().(*namesAsked); is && len(asked.answer) == 0 {
		waiting = append(waiting, asked)
	}
	*d = directory{config: d.config, log: d.log, broken: f}
	for _, search := range waiting {
		d.asked(ctx, search)
	}
}

func (d *directory) asked(ctx actor.Context, search *namesAsked) {
	switch {
	case d.broken != nil:
		search.answer <- namesAnswer{err: d.broken}
	case d.names != nil:
		search.answer <- d.latest(ctx)
	default:
		d.waiting = append(d.waiting, search)
		if len(d.waiting) == 1 {
			ctx.Send(ctx.Parent(), &namesWanted{})
		}
	}
}

func (d *directory) given(ctx actor.Context, g *namesGiven) {
	if d.broken != nil {
		return
	}
	d.stopListing()
	d.names, d.pending, d.next = new(names).with(g.all), nil, time.Time{}
	if g.more && d.list != nil {
		d.beginListing(ctx, g.removed)
	}
	for _, search := range d.waiting {
		search.answer <- d.latest(ctx)
	}
	d.waiting = nil
}

// leastPending is how many changes are kept pending in any case.
const leastPending = 1 << 16

// changed keeps changes pending until the next search. Without a search, it merges them once they are a quarter as many
// as the names, so that a change costs the same however many names there are.
func (d *directory) changed(c *namesChanged) {
	if d.names == nil {
		return // after a panic
	}
	d.pending = append(d.pending, c.changes...)
	if d.listing != nil {
		d.listing.note(c.changes)
	}
	if len(d.pending) >= max(leastPending, len(d.names.all)/4) {
		d.merge()
	}
}

// updateShare limits the cost of merging, however often people search: it takes at most 1/updateShare of a processor's
// time. With a million entities a search finds a new entity after half a second.
const updateShare = 50

// latest answers a search with the latest names.
func (d *directory) latest(ctx actor.Context) namesAnswer {
	if !d.config.Now().Before(d.next) {
		d.merge()
	}
	answer := namesAnswer{names: d.names}
	if l := d.listing; l != nil {
		answer.err = l.problem()
		if l.failure != nil {
			d.read(ctx)
		}
	}
	return answer
}

// merge merges the pending changes into the names.
func (d *directory) merge() {
	if len(d.pending) == 0 {
		return
	}
	begun := d.config.Now()
	d.names, d.pending = d.names.with(d.pending), nil
	end := d.config.Now()
	d.next = end.Add(updateShare * end.Sub(begun))
}
