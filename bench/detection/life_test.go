package main

import (
	"testing"
	"time"

	"anomalydetector/backtest/labels"
	"anomalydetector/detection"
	"anomalydetector/episode"
)

func defaults(t *testing.T) (detection.Settings, episode.LedgerRules) {
	t.Helper()
	s, err := originals()
	must(t, err)
	rules, err := ledgerRules(s)
	must(t, err)
	return s, rules
}

func TestTheRulesAreTheDefaults(t *testing.T) {
	_, rules := defaults(t)
	want := episode.LedgerRules{
		Rules: episode.DefaultRules(15*time.Minute, 5), AbsenceAfter: 4, AbsencePresence: 0.8, GapBelow: 0.5, History: 72 * time.Hour, Minimum: 172,
	}
	if rules != want {
		t.Errorf("%+v, want %+v", rules, want)
	}
}

// TestAnomaliesAndDeviationsAreJudgedLikeThoseOfABacktest guards that the rows of a table can be compared.
func TestAnomaliesAndDeviationsAreJudgedLikeThoseOfABacktest(t *testing.T) {
	s, rules := defaults(t)
	all, err := newStreams(small, 1)
	must(t, err)
	outcomes, err := all.try(t.Context(), []detection.Settings{s}, false)
	must(t, err)
	l, err := lives(all, s, rules)
	must(t, err)
	sum := l.all()
	for _, c := range []struct {
		name       string
		want       labels.Fit
		way        int
		all, wrong int
	}{
		{"anomalies", outcomes[0].Anomalies, asAnomalies, sum.anomalies + l.after.anomalies + l.wrong.anomalies, l.wrong.anomalies},
		{"deviations", outcomes[0].Episodes, asDeviations, l.classes[episode.Deviation].opened, l.classes[episode.Deviation].wrong},
	} {
		if c.want.Found == 0 || len(sum.delays[c.way]) != c.want.Found || int64(c.all) != c.want.Reports || int64(c.wrong) != c.want.False {
			t.Errorf("%s: %d found, %d reports, %d false; a backtest says %d, %d, %d", c.name, len(sum.delays[c.way]), c.all, c.wrong,
				c.want.Found, c.want.Reports, c.want.False)
		}
		for _, kind := range c.want.Kinds {
			if got := l.kinds[kind.Kind]; got.events != kind.Events || len(got.delays[c.way]) != kind.Found {
				t.Errorf("%s of %s: %d of %d found, a backtest says %d of %d", c.name, kind.Kind, len(got.delays[c.way]), got.events, kind.Found, kind.Events)
			}
		}
	}
}

func TestSilenceIsFoundIfEpisodesArePublished(t *testing.T) {
	s, rules := defaults(t)
	all, err := newStreams(small, 1)
	must(t, err)
	l, err := lives(all, s, rules)
	must(t, err)
	for _, kind := range []string{"vanish", "hole"} {
		k := l.kinds[kind]
		if k.events == 0 || len(k.delays[asEpisodes]) != k.events || len(k.delays[asDeviations]) != 0 {
			t.Errorf("%s: %d events, %d found, %d of them by deviations", kind, k.events, len(k.delays[asEpisodes]), len(k.delays[asDeviations]))
		}
	}
	rules.AbsenceAfter, rules.GapBelow = 0, 0
	off, err := lives(all, s, rules)
	must(t, err)
	if n := len(off.kinds["vanish"].delays[asEpisodes]) + len(off.kinds["hole"].delays[asEpisodes]); n != 0 {
		t.Errorf("without absences and gaps, %d silences are found", n)
	}
}

func TestALongIncidentIsOneEpisode(t *testing.T) {
	s, rules := defaults(t)
	l, err := longLife(60, s, rules)
	must(t, err)
	for kind, outcomes := range map[string][]episode.Outcome{
		newLevel: {episode.Absorbed}, growing: {episode.Absorbed}, longQuiet: {episode.Returned, episode.Forgotten}, longHole: {episode.Filled},
	} {
		k := l.kinds[kind]
		ended := 0
		for _, how := range outcomes {
			ended += k.outcomes[how.String()]
			if k.outcomes[how.String()] == 0 {
				t.Errorf("%s: none is %s", kind, how)
			}
		}
		if k.events == 0 || ended != k.events || len(k.delays[asEpisodes]) != k.events {
			t.Errorf("%s: of %d incidents, %d are found, and %d end as they should: %v", kind, k.events, len(k.delays[asEpisodes]), ended, k.outcomes)
		}
		if updates := k.records[episode.Deviation][episode.Updated]; (updates > 0) != (kind == growing) {
			t.Errorf("%s: %d updates", kind, updates)
		}
	}
}

func TestAHoleMakesNoAbsence(t *testing.T) {
	s, rules := defaults(t)
	l, err := longLife(60, s, rules)
	must(t, err)
	if n := l.byHole.records[episode.Absence][episode.Opened]; n != 0 {
		t.Errorf("%d absences because of a hole", n)
	}
	rules.GapBelow = 0
	l, err = longLife(60, s, rules)
	must(t, err)
	if l.byHole.records[episode.Absence][episode.Opened] == 0 {
		t.Error("no absence because of a hole even if no bin is a gap, so the stream shows nothing")
	}
}
