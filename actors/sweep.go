package actors

import (
	"math"
	"time"

	"github.com/asynkron/protoactor-go/actor"
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
	history := p.config.History.Milliseconds()
	keep := p.streamTime - history - max(patience.Milliseconds(), 2*p.lateness)
	if p.reach != math.MaxInt64 {
		keep = min(keep, p.reach-history)
	}
	if p.state != nil {
		newest, removed, err := p.state.Sweep(sweepAtOnce, keep)
		if err != nil {
			return err
		}
		if removed {
			p.forgotten = max(p.forgotten, newest+history+1)
		}
	}
	if p.streamTime-p.swept < sweepEvery.Milliseconds() {
		return nil
	}
	p.swept = p.streamTime
	for key, entity := range p.entities.byKey {
		if entity.newest >= keep {
			continue
		}
		ctx.Stop(entity.pid)
		p.entities.drop(key, p.absent())
		p.forgotten = max(p.forgotten, entity.newest+history+1)
		if entity.stored != nil {
			p.state.Remove(entity.stored)
		}
	}
	return nil
}
