package configs

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEpisodesDefaults(t *testing.T) {
	config := mustRead(t, withEpisodes, none)
	want := Episodes{OutputTopic: "life", OpenAfter: 1, ClearAfter: 4, ReopenWithin: 6 * time.Hour, AbsenceAfter: 4, AbsencePresence: 0.8, GapBelow: 0.5}
	if config.Episodes != want || config.IO.Bin() != 15*time.Minute {
		t.Errorf("%+v with bins of %s, want %+v", config.Episodes, config.IO.Bin(), want)
	}
	off := mustRead(t, base+"[episodes]\nabsence_after = 2\n", none)
	if off.Episodes != (Episodes{}) || len(off.Warnings) != 1 || !strings.Contains(off.Warnings[0].Text, "absence_after has no effect without output_topic") {
		t.Errorf("without output_topic: %+v, warned of %+v", off.Episodes, off.Warnings)
	}
	if slices.ContainsFunc(off.Settings(), func(s Setting) bool { return s.Section == "episodes" }) {
		t.Error("check shows [episodes] though it is off")
	}
}

func TestEpisodesCanDoWithoutAbsencesAndGaps(t *testing.T) {
	config := mustRead(t, withEpisodes+"absence_after = 0\ngap_below = 0\nreopen_within = 90\n", none)
	if e := config.Episodes; e.AbsenceAfter != 0 || e.GapBelow != 0 || e.ReopenWithin != 90*time.Second {
		t.Errorf("%+v", e)
	}
}

func TestBadEpisodesAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ content, section, key, says string }{
		"the input topic":         {base + "[episodes]\noutput_topic = in\n", "episodes", "output_topic", "also [io] input_topic"},
		"the output topic":        {base + "[episodes]\noutput_topic = out\n", "episodes", "output_topic", "also [io] output_topic"},
		"the dead-letter topic":   {withEpisodes + "[output]\ndead_letter_topic = life\n", "episodes", "output_topic", "also [output] dead_letter_topic"},
		"no topic":                {base + "[episodes]\noutput_topic = a/b\n", "episodes", "output_topic", "the name of a Kafka topic"},
		"no windows stored":       {withEpisodes + "[persistence]\nenabled = no\n", "episodes", "output_topic", "[persistence] enabled is off"},
		"half a second":           {strings.Replace(withEpisodes, "_min = 15", "_min = 0.025", 1), "io", "time_granularity_min", "whole seconds"},
		"less than a second":      {strings.Replace(withEpisodes, "_min = 15", "_min = 1e-9", 1), "io", "time_granularity_min", "whole seconds"},
		"opened by none":          {withEpisodes + "open_after = 0\n", "episodes", "open_after", "from 1 to 1000"},
		"cleared by none":         {withEpisodes + "clear_after = 0\n", "episodes", "clear_after", "from 1 to 1000"},
		"half a bin":              {withEpisodes + "absence_after = 0.5\n", "episodes", "absence_after", "from 0 to 1000"},
		"presence in percent":     {withEpisodes + "absence_min_presence = 80\n", "episodes", "absence_min_presence", "from 0 to 1"},
		"more than usual":         {withEpisodes + "gap_below = 2\n", "episodes", "gap_below", "from 0 to 1"},
		"reopened for ever":       {withEpisodes + "reopen_within = 241h\n", "episodes", "reopen_within", "from 0s to 240h"},
		"absent once forgotten":   {withEpisodes + "absence_after = 385\n", "episodes", "absence_after", "forgotten sooner, 96h after its last point"},
		"silent once forgotten":   {withEpisodes + "clear_after = 385\n", "episodes", "clear_after", "forgotten sooner"},
		"a key that there is not": {withEpisodes + "absent_after = 3\n", "episodes", "absent_after", "did you mean absence_after?"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read("detector.conf", "detector.conf", []byte(c.content), none)
			var wrong *Error
			if !errors.As(err, &wrong) || wrong.Section != c.section || wrong.Key != c.key || !strings.Contains(err.Error(), c.says) {
				t.Errorf("refused with %v, want [%s] %s, and %q", err, c.section, c.key, c.says)
			}
		})
	}
	mustRead(t, withEpisodes+"absence_after = 384\nclear_after = 384\n", none)
	mustRead(t, strings.Replace(withEpisodes, "_min = 15", "_min = 0.35", 1), none) // 21 s, not exact in binary
}
