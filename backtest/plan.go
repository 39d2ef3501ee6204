package backtest

import "anomalydetector/detection"

// plan says which settings share a window.
type plan struct {
	settings []Setting
	groups   []group
}

// group is the settings of one window.
type group struct {
	settings []int // their places in plan.settings
	rules    []detection.Rules
}

func newPlan(settings []Setting) *plan {
	p := &plan{settings: settings}
	for i := range settings {
		rules := detection.NewRules(settings[i].Rules)
		g := p.groupOf(&rules)
		g.settings, g.rules = append(g.settings, i), append(g.rules, rules)
	}
	return p
}

// groupOf finds the group whose window serves the rules, or makes one.
func (p *plan) groupOf(rules *detection.Rules) *group {
	for i := range p.groups {
		if p.groups[i].rules[0].Shares(rules) {
			return &p.groups[i]
		}
	}
	p.groups = append(p.groups, group{})
	return &p.groups[len(p.groups)-1]
}
