package backtest

import "anomalydetector/detection"

// group is the settings that share a window.
type group struct {
	settings []int // their places
	rules    []detection.Rules
}

// groups says which settings of the original method share a window.
func groups(settings []detection.Settings) (all []group) {
	for i := range settings {
		if settings[i].Method != detection.OriginalMethod {
			continue
		}
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

// habits is the settings of the method habit that share a state.
type habits struct {
	settings   []int // their places
	rules      []detection.HabitRules
	judgements []detection.Judgement // of the present datapoint
}

// habitsOf says which settings of the method habit share a state.
func habitsOf(settings []detection.Settings) (all []habits) {
	for i := range settings {
		if settings[i].Method != detection.HabitMethod {
			continue
		}
		rules := detection.NewHabitRules(settings[i])
		k := 0
		for k < len(all) && !all[k].rules[0].Shares(&rules) {
			k++
		}
		if k == len(all) {
			all = append(all, habits{})
		}
		all[k].settings, all[k].rules = append(all[k].settings, i), append(all[k].rules, rules)
		all[k].judgements = append(all[k].judgements, detection.Judgement{})
	}
	return all
}
