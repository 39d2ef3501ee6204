package actors

// sweepAtOnce is how many uncached entities one commit looks at.
const sweepAtOnce = 200

// sweep drops entities that have had no point for so long that their next point would evict their whole window. The history
// notes what was dropped: if a late record needs it all the same, a replay begins early enough to bring it back.
func (p *partition) sweep() error {
	p.entities.settle()
	keep, settled := p.history.Keep()
	if !settled {
		return nil
	}
	if state := p.stored.state; state != nil {
		newest, removed, err := state.Sweep(sweepAtOnce, keep)
		if err != nil {
			return err
		}
		p.entities.removeStored(state.Swept())
		if removed {
			p.history.Dropped(newest)
		}
	}
	if !p.history.SweepDue() {
		return nil
	}
	for key, entity := range p.entities.byKey {
		if entity.newest >= keep {
			continue
		}
		p.entities.remove(key)
		p.history.Dropped(entity.newest)
		if entity.stored != nil {
			p.stored.state.Remove(entity.stored)
		}
	}
	return nil
}
