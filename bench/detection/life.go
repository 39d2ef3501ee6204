package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"anomalydetector/detection"
	"anomalydetector/episode"
)

// longEntities is how many entities the stream of long incidents has.
const longEntities = 120

// lifeTables are the tables of published episodes.
func lifeTables(s *streams, settings detection.Settings) (map[string]string, error) {
	rules, err := ledgerRules(settings)
	if err != nil {
		return nil, err
	}
	l, err := lives(s, settings, rules)
	if err != nil {
		return nil, err
	}
	long, err := longLife(longEntities, settings, rules)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"published": l.published(), "found": l.found(), "messages": l.messages(), "classes": l.byClass(), "long": long.long(),
	}, nil
}

// all sums up the kinds of events.
func (l *life) all() (sum kindLife) {
	for _, k := range l.kinds {
		sum.events += k.events
		for way := range ways {
			sum.delays[way] = append(sum.delays[way], k.delays[way]...)
		}
		sum.add(k)
	}
	return sum
}

// add adds what was reported.
func (k *kindLife) add(other *kindLife) {
	k.anomalies += other.anomalies
	for class := range k.records {
		for kind := range k.records[class] {
			k.records[class][kind] += other.records[class][kind]
		}
	}
}

// told counts the records of some classes that open, reopen and resolve, and the updates apart from them.
func (k *kindLife) told(classes ...episode.Kind) (told, updates int) {
	for _, class := range classes {
		r := &k.records[class]
		told += r[episode.Opened] + r[episode.Reopened] + r[episode.Resolved]
		updates += r[episode.Updated]
	}
	return told, updates
}

var (
	onlyDeviations = []episode.Kind{episode.Deviation}
	silences       = []episode.Kind{episode.Absence, episode.Gap}
	allClasses     = slices.Concat(onlyDeviations, silences)
)

// published compares the ways to report.
func (l *life) published() string {
	t := newTable("reports", "events", "found", "missed", "false", "false a day", "delay, 50 %", "90 %", "messages a day", "updates a day")
	events := l.all()
	every := events
	every.add(&l.after)
	every.add(&l.byHole)
	every.add(&l.wrong)
	row := func(name string, way, wrong, told, updates int) {
		found := len(events.delays[way])
		t.row(name, events.events, share(found, events.events), events.events-found, wrong, l.aDay(wrong),
			percentile(events.delays[way], 50), percentile(events.delays[way], 90), l.aDay(told), l.aDay(updates))
	}
	row("original: anomalies", asAnomalies, l.wrong.anomalies, every.anomalies, 0)
	wrong := l.classes[episode.Deviation].wrong
	told, updates := every.told(onlyDeviations...)
	row("deviations", asDeviations, wrong, told, updates)
	wrong += l.classes[episode.Absence].wrong + l.classes[episode.Gap].wrong
	told, updates = every.told(allClasses...)
	row("deviations, absences, gaps", asEpisodes, wrong, told, updates)
	return t.String()
}

func (l *life) aDay(n int) string { return fmt.Sprintf("%.1f", float64(n)/l.days) }

// found is by kind of event.
func (l *life) found() string {
	t := newTable("event", "events", "original finds", "delay", "deviations find", "delay", "all find", "misses", "delay")
	for _, name := range l.names() {
		k := l.kinds[name]
		cells := []any{name, k.events}
		for way, delays := range k.delays {
			cells = append(cells, share(len(delays), k.events))
			if way == asEpisodes {
				cells = append(cells, k.events-len(delays))
			}
			cells = append(cells, bothDelays(delays))
		}
		t.row(cells...)
	}
	return t.String()
}

// bothDelays are the median delay and that of 90 %, in bins.
func bothDelays(delays []int64) string {
	if len(delays) == 0 {
		return "–"
	}
	return percentile(delays, 50) + " / " + percentile(delays, 90)
}

// messages says how many messages an event makes.
func (l *life) messages() string {
	t := newTable("messages of", "original", "deviations", "absences and gaps", "updates")
	sum := kindLife{}
	row := func(name string, k *kindLife) {
		deviations, updates := k.told(onlyDeviations...)
		others, _ := k.told(silences...) // they have no updates
		t.row(name, k.anomalies, deviations, others, updates)
	}
	add := func(name string, k *kindLife) {
		row(name, k)
		sum.add(k)
	}
	for _, name := range l.names() {
		add(name, l.kinds[name])
	}
	add("soon after an event", &l.after)
	add("absences because of a hole (false)", &l.byHole)
	add("no event (false)", &l.wrong)
	row("all", &sum)
	return t.String()
}

// byClass says how much of each class of episodes is right.
func (l *life) byClass() string {
	t := newTable("episodes", "opened", "in an event", "soon after one", "false", "false a day")
	for class, c := range l.classes {
		t.row(episode.Kind(class), c.opened, c.inside, c.opened-c.inside-c.wrong, c.wrong, l.aDay(c.wrong))
	}
	return t.String()
}

// long is about the long incidents.
func (l *life) long() string {
	t := newTable("long incident", "incidents", "original finds", "messages", "episodes find", "delay", "opened", "reopened", "updated", "resolved", "outcomes")
	row := func(name string, k *kindLife) {
		var counts [episode.Events]int
		for _, records := range k.records {
			for kind, n := range records {
				counts[kind] += n
			}
		}
		t.row(name, k.events, share(len(k.delays[asAnomalies]), k.events), k.anomalies, share(len(k.delays[asEpisodes]), k.events), bothDelays(k.delays[asEpisodes]),
			counts[episode.Opened], counts[episode.Reopened], counts[episode.Updated], counts[episode.Resolved], outcomeWords(k.outcomes))
	}
	for _, name := range l.names() {
		row(name, l.kinds[name])
	}
	row("within 72 h after one", &l.after)
	row("absences because of a hole (false)", &l.byHole)
	row("no event (false)", &l.wrong)
	return t.String()
}

func outcomeWords(outcomes map[string]int) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		words = append(words, fmt.Sprintf("%s %d", name, outcomes[name]))
	}
	if len(words) == 0 {
		return "–"
	}
	return strings.Join(words, ", ")
}
