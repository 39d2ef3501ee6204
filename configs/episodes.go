package configs

import (
	"math"
	"slices"
	"strings"
	"time"
)

// Episodes is [episodes]: the life cycles that are published, and their rules.
type Episodes struct {
	OutputTopic     string // "": episodes are off, and all other fields are zero
	OpenAfter       int    // anomalies in a row that open a deviation, >= 1
	ClearAfter      int    // normal points in a row, or bins without a point, that end a deviation, >= 1
	ReopenWithin    time.Duration
	AbsenceAfter    int     // whole bins without a point that open an absence; 0: no absences
	AbsencePresence float64 // share of the bins with a point that a window needs before an absence, 0 to 1
	GapBelow        float64 // share of the usual entities below which a bin is a gap, 0 to 1; 0: no gaps
}

// Bin is the time granularity as a duration.
func (io IO) Bin() time.Duration {
	return time.Duration(math.Round(io.GranularityMinutes * float64(time.Minute)))
}

const (
	pointCount = "a whole number of points from 1 to 1000"
	binCount   = "a whole number of bins from 0 to 1000, 0 for no absences"
	reopenTime = "a time from 0s to 240h, such as 6h, or a number of seconds"
	gapShare   = "a number from 0 to 1, 0 for no gaps"
)

// forgetSlack is how long after the end of its window the detector forgets an entity.
const forgetSlack = 24 * time.Hour

// episodes reads [episodes].
func (r *reading) episodes(c *Config) Episodes {
	const section = "episodes"
	count := func(key, standard, expected string, least float64) int {
		fits := func(x float64) bool { return least <= x && x <= 1000 && x == math.Trunc(x) }
		return int(r.number(section, key, r.optional(section, key, standard), expected, fits))
	}
	share := func(key, standard, expected string) float64 {
		return r.number(section, key, r.optional(section, key, standard), expected, ratio)
	}
	e := Episodes{
		OutputTopic:     r.optional(section, "output_topic", ""),
		OpenAfter:       count("open_after", "1", pointCount, 1),
		ClearAfter:      count("clear_after", "4", pointCount, 1),
		ReopenWithin:    r.seconds(section, "reopen_within", r.optional(section, "reopen_within", "6h"), span{0, 240 * time.Hour, "want " + reopenTime}),
		AbsenceAfter:    count("absence_after", "4", binCount, 0),
		AbsencePresence: share("absence_min_presence", "0.8", "a number from 0 to 1"),
		GapBelow:        share("gap_below", "0.5", gapShare),
	}
	r.shown(section, "reopen_within", brief(e.ReopenWithin))
	if e.OutputTopic == "" {
		return r.noEpisodes(section)
	}
	r.topic(section, "output_topic", e.OutputTopic)
	for _, other := range []struct{ topic, named string }{
		{c.IO.InputTopic, "[io] input_topic"}, {c.IO.OutputTopic, "[io] output_topic"}, {c.Output.DeadLetterTopic, "[output] dead_letter_topic"},
	} {
		if e.OutputTopic == other.topic {
			r.fail(section, "output_topic", "it is also "+other.named, "want a topic of its own")
		}
	}
	if !c.Persistence.Enabled {
		r.fail(section, "output_topic", "episodes are stored with the windows, and [persistence] enabled is off",
			"want [persistence] enabled = yes, or no output_topic in [episodes]")
	}
	bin := c.IO.Bin()
	if bin < time.Second || bin%time.Second != 0 {
		r.fail("io", "time_granularity_min", "[episodes] output_topic needs bins of whole seconds, and this is "+bin.String(),
			"want a number of minutes that is a whole number of seconds, such as 0.5")
	}
	known := time.Duration(c.Detection.HistoryHours*float64(time.Hour)) + forgetSlack
	for _, of := range []struct {
		key   string
		count int
	}{{"clear_after", e.ClearAfter}, {"absence_after", e.AbsenceAfter}} {
		if bin > 0 && time.Duration(of.count) > known/bin {
			r.fail(section, of.key, "an entity is forgotten sooner, "+brief(known)+" after its last point", "want fewer bins, or longer history_hours")
		}
	}
	return e
}

// noEpisodes warns of keys that have no effect, and takes them out of the settings in force.
func (r *reading) noEpisodes(section string) Episodes {
	for _, key := range keysOf(section) {
		if _, there := r.doc.sections[section][key]; there && key != "output_topic" && r.err == nil {
			r.warn(section, key, "["+section+"] "+key+" has no effect without output_topic")
		}
	}
	r.settings = slices.DeleteFunc(r.settings, func(s Setting) bool { return s.Section == section })
	return Episodes{}
}

// brief prints a duration without the minutes and seconds that are 0.
func brief(d time.Duration) string {
	text := d.String()
	if short, cut := strings.CutSuffix(text, "m0s"); cut {
		text = short + "m"
	}
	if short, cut := strings.CutSuffix(text, "h0m"); cut {
		text = short + "h"
	}
	return text
}
