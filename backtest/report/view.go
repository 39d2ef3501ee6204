package report

import (
	"fmt"
	"strings"

	"anomalydetector/backtest"
	"anomalydetector/web/look"
)

// view is what the template shows, from the top to the bottom.
type view struct {
	inline
	About
	Detector    string
	Partial     bool
	CutTraces   bool
	Broken      []string // inputs that could not be read to their end
	Unknown     []string // entities that were named and are not there
	Headline    string
	Sentence    []string
	Strip       []fact
	Parts       []part
	Few         string   // that only some settings are drawn
	Names       []string // of the settings that are drawn
	Short       []string // the same, without what all have in common
	Varied      string   // what the short names are values of
	Settings    []settingRow
	Remarks     []string // of settings
	Scores      *scores
	Lanes       *lanes
	Loud        *loudest
	Traces      []trace
	Labelled    bool // a trace has labels
	Examples    []examples
	Input       input
	Rules       []fact
	Definitions []definition
}

// fact is a name and its value.
type fact struct{ Label, Value, Kind string }

// part is a part of the page that its head leads to.
type part struct{ ID, Label string }

func viewOf(r *backtest.Result, about About) *view {
	drawn := firstSettings(r)
	v := &view{inline: inlined(len(drawn.Settings)), About: about, Detector: r.Detector, Partial: r.Partial, CutTraces: r.CutTraces, Broken: r.Broken, Unknown: r.Unknown}
	v.Names = namesOf(drawn)
	if n := len(drawn.Settings); n < len(r.Settings) {
		v.Few = fmt.Sprintf("Pictures and tables by setting have the first %d of %d settings.", n, len(r.Settings))
	}
	v.Short, v.Varied = shortened(v.Names)
	v.say(r)
	v.Strip = strip(r)
	v.Settings = settingsOf(r)
	v.Remarks = r.AllRemarks()
	if v.Scores = scoresOf(r); v.Scores != nil {
		v.Scores.Kinds = kindsOf(drawn)
	}
	v.Lanes = lanesOf(drawn)
	v.Traces = tracesOf(drawn)
	for _, t := range v.Traces {
		v.Labelled = v.Labelled || len(t.Labels) > 0
	}
	v.Loud = loudestOf(drawn)
	v.Examples = examplesOf(drawn)
	v.Input = inputOf(r)
	v.Rules = rulesOf(r)
	v.Definitions = definitionsOf(r, v.Scores != nil)
	v.Parts = v.parts()
	return v
}

// firstSettings is the result with at most as many settings as a picture has. The tables that have a row for each setting have
// all of them.
func firstSettings(r *backtest.Result) *backtest.Result {
	few := *r
	few.Settings = r.Settings[:min(len(r.Settings), backtest.MostTraced)]
	return &few
}

func namesOf(r *backtest.Result) (names []string) {
	for _, s := range r.Settings {
		names = append(names, s.Name)
	}
	return names
}

func (v *view) parts() []part {
	parts := []part{{"settings", "Settings"}}
	if v.Scores != nil {
		parts = append(parts, part{"labels", "Labels"})
	}
	if v.Lanes != nil {
		parts = append(parts, part{"time", "Time"})
	}
	if v.Loud != nil {
		parts = append(parts, part{"loudest", "Loudest"})
	}
	if len(v.Traces) > 0 {
		parts = append(parts, part{"entities", "Entities"})
	}
	if len(v.Examples) > 0 {
		parts = append(parts, part{"examples", "Examples"})
	}
	return append(parts, part{"input", "Input"}, part{"definitions", "Definitions"})
}

// say writes the headline and the sentences below it.
func (v *view) say(r *backtest.Result) {
	var least, most int64
	for i, s := range r.Settings {
		if i == 0 {
			least, most = s.Episodes, s.Episodes
		}
		least, most = min(least, s.Episodes), max(most, s.Episodes)
	}
	switch {
	case r.Points == 0:
		v.Headline = "There is no datapoint in the input."
	case most == 0 && len(r.Settings) > 1:
		v.Headline = "No anomaly, at any setting."
	case most == 0:
		v.Headline = "No anomaly."
	case len(r.Settings) == 1:
		v.Headline = look.Count(r.Settings[0].Episodes, "episode", "episodes") + ", " + look.Count(r.Settings[0].Anomalies, "anomaly", "anomalies") + "."
	case least == most:
		v.Headline = look.Count(most, "episode", "episodes") + " at each setting."
	default:
		v.Headline = fmt.Sprintf("%s to %s, depending on the setting.", look.Group(least), look.Count(most, "episode", "episodes"))
	}
	if r.Points == 0 || len(r.Settings) == 0 {
		return
	}
	v.Sentence = append(v.Sentence, fmt.Sprintf("%s of %s from %s UTC.", look.Count(r.Points, "datapoint", "datapoints"),
		look.Count(r.Entities, "entity", "entities"), between(r.From, r.Until)))
	v.Sentence = append(v.Sentence, messages(r))
	if text := best(r); text != "" {
		v.Sentence = append(v.Sentence, text)
	}
}

// messages says how many messages a day the quietest and the loudest setting send.
func messages(r *backtest.Result) string {
	least, most := r.Settings[0], r.Settings[0]
	for _, s := range r.Settings {
		if s.PerDay < least.PerDay {
			least = s
		}
		if s.PerDay > most.PerDay {
			most = s
		}
	}
	if rate(least.PerDay) == rate(most.PerDay) {
		return message(most.PerDay) + " a day."
	}
	return message(least.PerDay) + " a day with " + least.Name + ", " + rate(most.PerDay) + " with " + most.Name + "."
}

// best names the setting that fits the labels best; empty if there is none.
func best(r *backtest.Result) string {
	var names []string
	var most float64
	judged := 0
	for _, s := range r.Settings {
		if s.Score == nil || s.Score.Episodes.F1 == nil {
			continue
		}
		judged++
		switch f1 := *s.Score.Episodes.F1; {
		case len(names) == 0 || f1 > most:
			names, most = []string{s.Name}, f1
		case f1 == most:
			names = append(names, s.Name)
		}
	}
	switch {
	case judged == 0:
		return ""
	case judged == 1:
		return "Its episodes fit the labels with F1 " + share(&most) + "."
	case len(names) == judged:
		return "Each setting's episodes fit the labels with F1 " + share(&most) + "."
	case len(names) > 2:
		return "The best F1 of episodes against the labels is " + share(&most) + ", of " + look.Count(len(names), "setting", "settings") + "."
	}
	return "The episodes of " + strings.Join(names, " and ") + " fit the labels best: F1 " + share(&most) + "."
}

func message(perDay float64) string {
	if text := rate(perDay); text != "1" {
		return text + " messages"
	}
	return "1 message"
}

// strip is the numbers below the headline.
func strip(r *backtest.Result) []fact {
	var bad int64
	for _, f := range r.Faults {
		bad += f.Count
	}
	kind := func(n int64) string {
		if n > 0 {
			return "warn"
		}
		return ""
	}
	length := look.Span(at(r.Until).Sub(at(r.From)) + r.Bin)
	if r.Points == 0 {
		length = "–"
	}
	speed := "to compute"
	if s := r.Took.Seconds(); s > 0.1 && r.Rows > 1000 {
		speed = "at " + look.Group(roundTo3(float64(r.Rows)/s)) + " rows a second"
	}
	return []fact{
		{Value: look.Group(r.Points), Label: "datapoints"}, {Value: look.Group(r.Entities), Label: things(int64(r.Entities), "entity", "entities")}, {Value: length, Label: "of stream time"},
		{Value: look.Group(bad), Label: things(bad, "bad row", "bad rows"), Kind: kind(bad)}, {Value: look.Group(r.Late), Label: things(r.Late, "datapoint out of order", "datapoints out of order"), Kind: kind(r.Late)},
		{Value: took(r.Took), Label: speed},
	}
}

func things(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// roundTo3 keeps the first three digits.
func roundTo3(v float64) int64 {
	n, power := int64(v), int64(1)
	for n/power >= 1000 {
		power *= 10
	}
	return n / power * power
}
