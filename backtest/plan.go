package backtest

import "anomalydetector/detection"

// group is the settings that share a window.
type group struct {
	settings []int // their places
	rules    []detection.Rules
}

// groups says which settings share a window.
func groups(settings []detection.Settings) (all []group) {
	for i := range settings {
		rules := detection.NewRules(settings[i])
		k := 0
		for k < len(all) && !all[k].rules[0].Shares(&rules) {
			k++
		}
		if k == len(all) {
			all = append(all, group{})
		}
		all[k].settings, all[k].rules = append(all[k].settings, i), append(all[k].rules, rules)
	}
	return all
}
