package bootstrap

import (
	"anomalydetector/configs"
	"anomalydetector/episode"
)

// ledgerRules are the rules of published episodes; zero if they are not published.
func ledgerRules(config *configs.Config) episode.LedgerRules {
	e := &config.Episodes
	if e.OutputTopic == "" {
		return episode.LedgerRules{}
	}
	detection := rules(config)
	return episode.LedgerRules{
		Rules: episode.Rules{
			Bin: config.IO.Bin(), OpenAfter: e.OpenAfter, ClearAfter: e.ClearAfter, ReopenWithin: e.ReopenWithin,
			Threshold: config.Detection.Threshold,
		},
		AbsenceAfter: e.AbsenceAfter, AbsencePresence: e.AbsencePresence, GapBelow: e.GapBelow,
		History: history(config), Minimum: float64(detection.Needed() - 1),
	}
}
