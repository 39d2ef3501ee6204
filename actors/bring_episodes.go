package actors

import (
	"context"
	"encoding/binary"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/completeness"
	"anomalydetector/messages"
	"anomalydetector/stream"
)

// How a partition brings its episodes to the offset of its assignment. Their state is in the episodes topic: it was written in the
// transaction that committed the offset. An offset alone does not tell which state belongs to it, because an operator may have
// set offsets back and forth. So the newest state in the topic counts, and the partition's own only if the topic has none. If it
// is of another offset, the episodes begin anew.

// episodesRead says what the episodes topic holds.
type episodesRead struct {
	reading uint64 // number of the source; see assigned.reading
	newest  stream.EpisodeState
	found   bool // false: it holds no state
	err     error
}

// bringEpisodes asks the episodes topic. episodesRead goes on, and then brings the windows forward. A standby needs no episodes.
func (p *partition) bringEpisodes(ctx actor.Context) {
	if p.episodes == nil || p.assigned.to.Standby {
		p.bringForward(ctx)
		return
	}
	p.enterPhase(ctx, messages.Replaying, unbroken, nil)
	reading, cancel := context.WithCancel(context.Background())
	answer := &episodesRead{reading: p.assigned.began(cancel)}
	self, root, reader, number, to := ctx.Self(), ctx.ActorSystem().Root, p.config.Reader, p.number, p.assigned.to
	go func() {
		answer.err = safely("the reading of episodes", func() (err error) {
			answer.newest, answer.found, err = reader.ReadEpisodes(reading, number, to.Topic, to.Offset)
			return err
		})
		root.Send(self, answer)
	}()
}

// ownEpisodes is the partition's own state, in memory or stored with the windows, and its offset: a replay brings the windows
// forward without it. The offset is -1 if there is none.
func (p *partition) ownEpisodes() (state []byte, offset int64) {
	if e := p.episodes; e.offset >= 0 {
		return e.ledger.Append(e.clock.Append(nil)), e.offset
	}
	if p.stored.state == nil {
		return nil, -1
	}
	state = p.stored.state.State()
	offset, n := binary.Varint(state)
	if n <= 0 {
		return nil, -1
	}
	return state[n:], offset
}

// mostStored is how large a state the store keeps, in bytes. A larger one would be written twice with each commit, for the
// case that somebody deletes the topic.
const mostStored = 1 << 20

// storeEpisodes has the next checkpoint store the state.
func (p *partition) storeEpisodes(state []byte) {
	if len(state) > mostStored {
		p.stored.state.SetState(nil, p.episodes.ledger.SilentFrom())
		return
	}
	stored := append(binary.AppendVarint(make([]byte, 0, len(state)+10), p.episodes.offset), state...)
	p.stored.state.SetState(stored, p.episodes.ledger.SilentFrom())
}

func (p *partition) episodesRead(ctx actor.Context, r *episodesRead) {
	if !p.assigned.from(r.reading) {
		return
	}
	p.assigned.cancel()
	if f, panicked := isFault(r.err); panicked {
		panic(f)
	}
	if r.err != nil {
		p.historyFailed(ctx, historyFails, r.err)
		return
	}
	if !r.found {
		state, offset := p.ownEpisodes()
		r.newest, r.found = stream.EpisodeState{Topic: p.assigned.to.Topic.Topic, Offset: offset, State: state}, offset >= 0
	}
	p.takeEpisodes(r.newest, r.found)
	p.bringForward(ctx)
}

// takeEpisodes makes a state the partition's. If it is of another offset or topic, its open episodes end with the first scored
// record, and nothing else of it is kept.
func (p *partition) takeEpisodes(state stream.EpisodeState, found bool) {
	e, to := newEpisodes(p), p.assigned.to
	p.episodes = e
	e.offset = to.Offset
	if !found {
		return
	}
	rest, ok := e.clock.Decode(state.State)
	err := e.ledger.Decode(rest)
	if !ok || err != nil {
		p.log.Error("the state of the episodes cannot be read, they begin anew", "offset", to.Offset, "error", err)
		p.takeEpisodes(state, false)
		return
	}
	if another := to.Topic.Differs(messages.Identity{Topic: state.Topic}); another || state.Offset != to.Offset {
		p.log.Warn("the episodes begin anew, because their state is of another offset: open ones end with an unknown outcome",
			"offset", to.Offset, "state_offset", state.Offset, "same_topic", !another)
		e.ledger.BeginAnew(e.clock.Time())
		e.clock = completeness.Clock{}
		e.ledger.Commit()
	}
	e.before = e.clock
	e.from, e.until = e.ledger.Bin()
	for _, key := range e.ledger.Keys() {
		p.noteKept(key)
	}
}

// completeAt is a time for which a replay has to be complete, Unix milliseconds: that of late records that wait, and stream
// time of the episodes, because the record at the offset may be far ahead of it. math.MaxInt64: nothing is asked.
func (p *partition) completeAt() int64 {
	at := p.history.NeededFrom()
	if p.episodes != nil && p.episodes.clock.Time() > 0 {
		at = min(at, p.episodes.clock.Time())
	}
	return at
}
