package backtest

import (
	"slices"

	"anomalydetector/detection"
)

// group is the settings of a method that share what is kept of an entity, with their rules.
type group[R any] struct {
	settings []int // their places
	rules    []R
}

// habits is the settings of the method habit that share a state.
type habits struct {
	group[detection.HabitRules]
	judgements []detection.Judgement // of the present datapoint
}

// windowsOf says which settings of the original method share a window.
func windowsOf(settings []detection.Settings) []group[detection.Rules] {
	return groupsOf(settings, detection.OriginalMethod, detection.NewRules, (*detection.Rules).Shares)
}

// habitsOf says which settings of the method habit share a state.
func habitsOf(settings []detection.Settings) (all []habits) {
	for _, g := range groupsOf(settings, detection.HabitMethod, detection.NewHabitRules, (*detection.HabitRules).Shares) {
		all = append(all, habits{g, make([]detection.Judgement, len(g.rules))})
	}
	return all
}

func groupsOf[R any](settings []detection.Settings, method detection.Method, rulesOf func(detection.Settings) R, share func(a, b *R) bool) (all []group[R]) {
	for i := range settings {
		if settings[i].Method != method {
			continue
		}
		rules := rulesOf(settings[i])
		k := slices.IndexFunc(all, func(g group[R]) bool { return share(&g.rules[0], &rules) })
		if k < 0 {
			k, all = len(all), append(all, group[R]{})
		}
		all[k].settings, all[k].rules = append(all[k].settings, i), append(all[k].rules, rules)
	}
	return all
}
