package main

import (
	"fmt"
	"time"

	"anomalydetector/backtest/labels"
	"anomalydetector/detection"
	"anomalydetector/episode"
	"anomalydetector/synthetic"
)

// Package synthetic ends each event before the window takes it on, and a hole before an entity could be absent. These
// incidents last longer: they are made from a stream without events.

const (
	longDays = 28
	day      = int(24 * time.Hour / binLength) // bins
)

// The kinds of long incidents, with how long they last.
const (
	newLevel  = "a new level, 2 to 6 days"
	growing   = "a new level that grows, 2 to 6 days"
	longQuiet = "no datapoints, 2 to 6 days"
	longHole  = "hole, 6 to 12 h"
)

// incident is a long event of an entity, or a hole. Its bins are those from first to last.
type incident struct {
	kind        string
	first, last int
	moves       float64 // how far the level goes
}

// longHoles are the holes. In all but the last one, one entity of ten still has datapoints.
var longHoles = []incident{{longHole, 4 * day, 4*day + 23, 0}, {longHole, 10 * day, 10*day + 31, 0}, {longHole, 26 * day, 26*day + 47, 0}}

// longIncidents are a calm stream and its incidents by entity. Of four entities, one is left alone.
func longIncidents(entities int) (*synthetic.Stream, map[string]incident, error) {
	o := synthetic.Default()
	o.Entities, o.Events, o.HistoryBins, o.LiveBins = entities, 0, 3*day, (longDays-3)*day
	o.EntityKinds = []synthetic.EntityKind{synthetic.Ordinary}
	part, err := synthetic.New(o)
	if err != nil {
		return nil, nil, err
	}
	all := make(map[string]incident)
	for i, e := range part.Entities() {
		kind, n := []string{newLevel, growing, longQuiet, ""}[i%4], i/4
		if kind == "" {
			continue
		}
		// The first five days are calm, and so are the last ten, but for holes and what the incidents leave behind.
		in := incident{kind: kind, first: 5*day + n*37%(7*day), moves: 0.4}
		in.last = in.first + 2*day + n*29%(4*day) - 1
		if e.Usual > 0.5 {
			in.moves = -in.moves
		}
		all[e.Key] = in
	}
	return part, all, nil
}

// change is the value in a bin, and whether there is a datapoint.
func (in incident) change(bin int, value float64) (float64, bool) {
	switch {
	case bin < in.first || bin > in.last:
		return value, true
	case in.kind == longQuiet:
		return 0, false
	case in.kind == growing && bin < in.first+4: // for the first hour it is half as large
		return value + in.moves/2, true
	}
	return min(max(value+in.moves, 0), 1), true
}

// missing tells whether the n-th entity is missing in a bin because of a hole.
func missing(n, bin int) bool {
	for i, hole := range longHoles {
		if hole.first <= bin && bin <= hole.last {
			return n%10 != 0 || i == len(longHoles)-1
		}
	}
	return false
}

// longLife puts the long incidents through the windows and the ledger. What is reported before the window has forgotten an
// incident belongs to its end.
func longLife(entities int, settings detection.Settings, rules episode.LedgerRules) (*life, error) {
	part, incidents, err := longIncidents(entities)
	if err != nil {
		return nil, err
	}
	start := synthetic.Default().Start.UnixMilli()
	var events []happening
	places := make(map[string]int) // of the entities
	label := func(entity string, in incident) {
		at := func(bin int) int64 { return start + int64(bin)*binLength.Milliseconds() }
		events = append(events, happening{
			labels.Label{Entity: entity, From: at(in.first), Until: at(in.last), Kind: in.kind}, in.kind == longQuiet || in.kind == longHole,
		})
	}
	for n, e := range part.Entities() {
		places[e.Key] = n
		if in, has := incidents[e.Key]; has {
			label(e.Key, in)
		}
	}
	for _, hole := range longHoles {
		label(synthetic.Everything, hole)
	}
	f := newFollower(settings, rules)
	err = f.follow(part, func(r *synthetic.Row) (float64, bool) {
		bin := int((r.At - start) / binLength.Milliseconds())
		if missing(places[r.Entity], bin) {
			return 0, false
		}
		if in, has := incidents[r.Entity]; has {
			return in.change(bin, r.Value)
		}
		return r.Value, true
	})
	if err != nil {
		return nil, fmt.Errorf("follow the long incidents: %w", err)
	}
	l := &life{days: longDays, kinds: make(map[string]*kindLife)}
	l.judge(f, events, rules.History)
	return l, nil
}
