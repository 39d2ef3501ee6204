package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// sweepEvery is how much stream time lies between two sweeps.
const sweepEvery = time.Hour

// patience is for how long, beyond the history, an entity without points is
// remembered: longer, if entities were seen to come back later than that.
const patience = 24 * time.Hour

// sweep drops the entities whose points would all be evicted by their next one,
// unless that is a straggler. Which it may be: so covered moves up with what was
// dropped, and such a straggler makes the history be loaded again, after which
// the patience is longer. It goes by stream time, so that a replay does alike.
func (p *partition) sweep(ctx actor.Context) {
	if p.streamTime-p.swept < sweepEvery.Milliseconds() {
		return
	}
	p.swept = p.streamTime
	history := p.config.History.Milliseconds()
	keep := p.streamTime - history - max(patience.Milliseconds(), 2*p.lateness)
	for key, entity := range p.entities {
		if entity.newest < keep {
			ctx.Stop(entity.pid)
			delete(p.entities, key)
			p.covered = max(p.covered, entity.newest+history+1)
		}
	}
}
