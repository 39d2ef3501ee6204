package actors

import (
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// directory knows the names of a partition's entities, so that a search costs the
// partition nothing. It is the partition's child, and learns from it which entities
// come, leave the memory and are gone. Keys that are only on disk it lists itself.
//
// It takes:
//   - *namesAsked: a search wants the names. It answers on a channel that has room; the
//     search looks through them on its own goroutine.
//   - *namesGiven: all names that the partition has, in place of what was known.
//   - *namesChanged: what has changed since.
//   - *takeOver: the history is loaded, searches may come.
//   - *keysListed: from the goroutine that lists the disk.
//
// If people may search, the partition gives its names from its beginning on. Otherwise
// the first search has it do so.
type directory struct {
	config *Config
	log    *slog.Logger
	list   func(visit func(key string) error) error // visits the keys on disk; nil without a store

	names   *names        // nil: the partition has not given any
	waiting []*namesAsked // searches that came before it did
	pending []change      // that are not in the names yet
	next    time.Time     // a search takes no changes over before
	listing *listing      // of what is on disk; nil: the names have all of it
	broken  error         // the panic of a message: nothing is known any more
}

// namesAsked is answered once.
type namesAsked struct{ answer chan<- namesAnswer }

// namesAnswer has names and, if entities may be missing in them, the reason.
type namesAnswer struct {
	names *names
	err   error
}

// namesWanted asks a partition for its names, and to tell what changes from then on.
type namesWanted struct{}

// namesGiven are all names that a partition has. It is immutable.
type namesGiven struct {
	all     []change
	more    bool     // there are entities that are only on disk
	removed []string // keys that the disk may have, of entities that are gone
}

// namesChanged is what has changed since the message before, in order. It is immutable.
type namesChanged struct{ changes []change }

type takeOver struct{}

// directoryProps: the default mailbox has no bound, but the directory is never far
// behind: it takes changes faster than a partition makes them.
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

// fell keeps the directory for an answer to each search: the partition need not end.
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

// leastPending changes are kept however few entities there are.
const leastPending = 1 << 16

// changed keeps the changes until a search wants them. If nobody searches, it takes them
// over when there are a quarter as many as names: the cost of each stays the same.
func (d *directory) changed(c *namesChanged) {
	if d.names == nil {
		return // it fell
	}
	d.pending = append(d.pending, c.changes...)
	if d.listing != nil {
		d.listing.note(c.changes)
	}
	if len(d.pending) >= max(leastPending, len(d.names.all)/4) {
		d.merge()
	}
}

// updateShare bounds what it costs to take over changes, however often people search: at most
// 1/updateShare of a processor's time. With a million entities a search finds a new one after
// half a second.
const updateShare = 50

// latest are the names as of now.
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

// merge takes pending changes over into the names.
func (d *directory) merge() {
	if len(d.pending) == 0 {
		return
	}
	begun := d.config.Now()
	d.names, d.pending = d.names.with(d.pending), nil
	end := d.config.Now()
	d.next = end.Add(updateShare * end.Sub(begun))
}
