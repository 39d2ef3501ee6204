package notify

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"anomalydetector/episode"
	"anomalydetector/notify/alerts"
	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// annotations are what people read of an alert. Numbers are exact but for those in the summary.
func (n *Notifier) annotations(a *alerts.Alert, link string) map[string]string {
	all := map[string]string{"summary": n.summary(a), "episode": a.ID}
	set := func(name, value string) {
		if value != "" {
			all[name] = value
		}
	}
	set("link", link)
	set("opened_at", time.UnixMilli(a.OpenedAt).UTC().Format(time.RFC3339))
	if a.Resolved {
		set("resolved_at", time.UnixMilli(a.ResolvedAt).UTC().Format(time.RFC3339))
	}
	set("outcome", a.Outcome)
	set("value", exact(a.Value))
	set("usual", exact(a.Usual))
	set("low", exact(a.Low))
	set("high", exact(a.High))
	set("deviation", exact(a.Deviation))
	return all
}

// exact is a number that is the same float64 when it is read; empty if it is not known.
func exact(x episode.Number) string {
	if !x.Known {
		return ""
	}
	return strconv.FormatFloat(x.Value, 'g', -1, 64)
}

// summary is the page's sentence about an episode.
func (n *Notifier) summary(a *alerts.Alert) string {
	name := look.Full(answers.Fields(n.config.KeyFields, a.Values), a.Entity)
	span := "since " + clock(a.OpenedAt)
	if a.Resolved {
		span = "from " + clock(a.OpenedAt) + " to " + clock(a.ResolvedAt)
	}
	switch a.Kind {
	case alerts.Absence:
		return absence(a, name, span)
	case alerts.Gap:
		text := fmt.Sprintf("The input of %s has a gap in partition %d, %s", n.config.Detector, a.Partition, span)
		if a.Value.Known && a.Usual.Known {
			text += fmt.Sprintf(": %s, usually %s", look.Count(int64(a.Value.Value), "entity", "entities"), look.Brief(finite(a.Usual)))
		}
		return text + "."
	}
	text := name
	if finite(a.Usual) != nil && finite(a.Value) != nil {
		text += fmt.Sprintf(" %s from %s to %s,", look.Turned(direction(a)), look.Brief(finite(a.Usual)), look.Brief(finite(a.Value)))
	} else {
		text += " is"
	}
	text += fmt.Sprintf(" %s %s its usual level, %s", size(a.Deviation), side(a), span)
	if a.Resolved && a.Outcome != "" {
		text += ": " + a.Outcome
	}
	return text + "."
}

func absence(a *alerts.Alert, name, span string) string {
	if !a.Resolved {
		text := name + " has been absent " + span
		if a.Usual.Known {
			text += "; usually " + look.Brief(finite(a.Usual))
		}
		return text + "."
	}
	text := name + " was absent " + span
	if a.Outcome != "" {
		text += ": " + a.Outcome
	}
	return text + "."
}

// direction is that of the latest value, which the sentence names; the label has that of the peak.
func direction(a *alerts.Alert) answers.Direction {
	if a.Deviation.Known && a.Deviation.Value < 0 || !a.Deviation.Known && a.Direction == "below" {
		return answers.Down
	}
	return answers.Up
}

func side(a *alerts.Alert) string {
	if direction(a) == answers.Down {
		return "below"
	}
	return "above"
}

func size(deviation episode.Number) string {
	switch at := finite(deviation); {
	case at != nil:
		return look.Size(at) + " deviations"
	case deviation.Known:
		return "infinitely many deviations"
	}
	return "many deviations"
}

// finite is a number as the page's words take it; nil if it is not finite, or not known.
func finite(x episode.Number) *float64 {
	if !x.Known || math.IsInf(x.Value, 0) {
		return nil
	}
	return &x.Value
}

// clock prints a time for people.
func clock(at int64) string { return time.UnixMilli(at).UTC().Format("2006-01-02 15:04 UTC") }
