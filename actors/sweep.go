package actors

import (
	"math"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kgo"
)

// sweepEvery is how much stream time lies between two sweeps.
const sweepEvery = time.Hour

// patience is for how long, beyond the history, an entity without points is
// remembered: longer, if entities were seen to come back later than that.
const patience = 24 * time.Hour

// sweepAtOnce is how many entities that are not resident a commit looks at.
const sweepAtOnce = 200

// sweep drops the entities whose points would all be evicted by their next one,
// unless that is a straggler. Which it may be: so forgotten moves up with what was
// dropped, and such a straggler makes the history be loaded again, after which
// the patience is longer. It goes by stream time, so that a replay does alike.
func (p *partition) sweep(ctx actor.Context) error {
	p.entities.settle()
	if !p.clock.settled() {
		return nil
	}
	now, history := p.clock.now, p.config.History.Milliseconds()
	keep := now - history - max(patience.Milliseconds(), 2*p.late.at(now, p.mostLate()))
	if p.reach != math.MaxInt64 {
		keep = min(keep, p.reach-history)
	}
	if p.state != nil {
		newest, removed, err := p.state.Sweep(sweepAtOnce, keep)
		if err != nil {
			return err
		}
		p.entities.removeStored(p.state.Swept())
		if removed {
			p.forgotten = max(p.forgotten, newest+history+1)
		}
	}
	if now-p.swept < sweepEvery.Milliseconds() {
		return nil
	}
	p.swept = now
	for key, entity := range p.entities.byKey {
		if entity.newest >= keep {
			continue
		}
		ctx.Stop(entity.pid)
		p.entities.remove(key)
		p.forgotten = max(p.forgotten, entity.newest+history+1)
		if entity.stored != nil {
			p.state.Remove(entity.stored)
		}
	}
	return nil
}

// mostLate bounds the lateness that is usual, in milliseconds: an entity is remembered
// for three times as long as its history, and a few days, at most.
func (p *partition) mostLate() int64 { return (p.config.History + patience).Milliseconds() }

// behind is how late a time is, in milliseconds; 0 if stream time is not known.
func (p *partition) behind(at int64) int64 {
	if p.clock.now == 0 {
		return 0
	}
	return p.clock.now - at
}

// outlier takes a record whose time is far from stream time. It is scored like any
// other; but stream time, by which entities are removed, follows only if the stream does.
func (p *partition) outlier(record *kgo.Record, entity *child, at int64) {
	before := p.clock.now
	if p.clock.outlier(at, entity, p.known()) {
		p.swept = min(p.swept, p.clock.now)
		if before != 0 {
			p.log.Info("stream time moved", "offset", record.Offset,
				"from", time.UnixMilli(before).UTC(), "to", time.UnixMilli(p.clock.now).UTC())
		}
		return
	}
	if before != 0 && p.seen.Scored {
		p.config.Counts.Outliers.Add(1)
		p.far = record.Offset
		p.badLog.outlier(p.log, p.config.Now(), record, before)
	}
}
