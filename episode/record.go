package episode

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Record is an event of an episode as readers of the episodes topic get it: JSON, with the entity's key as the record's key.
// docs/episodes.schema.json describes it. A field that is not known, or does not apply, is left out.
type Record struct {
	ID       string            `json:"id"`               // of the episode; the same in all its events
	Event    string            `json:"event"`            // opened, updated, resolved or reopened
	Kind     string            `json:"kind"`             // deviation, absence or gap
	Detector string            `json:"detector"`         // the detector's name
	Entity   string            `json:"entity,omitempty"` // the entity's key; a gap has none
	Fields   map[string]string `json:"fields,omitempty"` // the fields of the key, by the names in the conf
	OpenedAt int64             `json:"opened_at"`        // stream time, Unix milliseconds, as all times
	At       int64             `json:"at"`               // stream time of the event
	Resolved int64             `json:"resolved_at,omitempty"`
	Outcome  string            `json:"outcome,omitempty"` // recovered, absorbed, silent, returned, forgotten, filled or unknown
	// Direction is above or below, that of the peak; empty for an absence and a gap.
	Direction string `json:"direction,omitempty"`
	Reopened  int    `json:"reopened,omitempty"` // how often it was reopened
	// Points counts the anomalies so far; of an absence and a gap the bins.
	Points int `json:"points"`
	// Usual, Low and High are of the first anomaly: its window's median, and the band of normal values. Of an absence, Usual is the
	// median of its window; of a gap, the usual number of entities in a bin, and Low the least that is no gap.
	Usual Number `json:"usual,omitzero"`
	Low   Number `json:"low,omitzero"`
	High  Number `json:"high,omitzero"`
	// Value and Deviation are of the latest anomaly; of a gap, Value is the number of entities in its latest bin.
	Value     Number `json:"value,omitzero"`
	Deviation Number `json:"deviation,omitzero"`
	Peak      *Peak  `json:"peak,omitempty"`
}

// Peak is the anomaly with the largest |deviation| of an episode.
type Peak struct {
	ID        string `json:"id"` // of the anomaly
	At        int64  `json:"at"`
	Value     Number `json:"value"`
	Deviation Number `json:"deviation"`
}

// Number is a float64 that JSON holds exactly. What JSON has no number for is a text: "Infinity" and "-Infinity". It is left out
// if it is not known.
type Number struct {
	Value float64
	Known bool
}

// NumberOf is the number of a value; NaN is not known.
func NumberOf(x float64) Number {
	if math.IsNaN(x) {
		return Number{}
	}
	return Number{x, true}
}

// IsZero tells the JSON encoder to leave the number out.
func (n Number) IsZero() bool { return !n.Known }

// MarshalJSON writes the shortest text that is the same float64.
func (n Number) MarshalJSON() ([]byte, error) {
	switch {
	case !n.Known:
		return []byte("null"), nil
	case math.IsInf(n.Value, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(n.Value, -1):
		return []byte(`"-Infinity"`), nil
	}
	return json.Marshal(n.Value)
}

// UnmarshalJSON is the opposite of MarshalJSON.
func (n *Number) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*n = Number{}
		return nil
	}
	var x float64
	var word string
	err := json.Unmarshal(text, &x)
	if err != nil && json.Unmarshal(text, &word) == nil {
		x, err = strconv.ParseFloat(word, 64)
	}
	*n = NumberOf(x)
	return err
}

// RecordOf is the record of an event.
func RecordOf(o *Occurrence, detector string) Record {
	e := &o.Episode
	r := Record{
		ID: e.ID, Event: o.Event.String(), Kind: o.Kind.String(), Detector: detector, Entity: o.Entity,
		OpenedAt: e.OpenedAt, At: o.At, Reopened: e.Reopened, Points: e.Points,
		Usual: NumberOf(e.Usual), Low: NumberOf(e.Low), High: NumberOf(e.High),
		Value: NumberOf(o.Value), Deviation: NumberOf(o.Deviation),
	}
	if o.Event == Resolved {
		r.Resolved, r.Outcome = e.EndedAt, cmp.Or(e.Outcome.String(), "unknown")
	}
	if o.Kind == Deviation {
		peak := &e.Peak
		r.Direction = "above"
		if peak.Deviation < 0 {
			r.Direction = "below"
		}
		r.Peak = &Peak{ID: peak.ID, At: peak.At, Value: NumberOf(peak.Value), Deviation: NumberOf(peak.Deviation)}
	}
	return r
}

var (
	eventNames = []string{Opened.String(), Updated.String(), Resolved.String(), Reopened.String()}
	kindNames  = []string{Deviation.String(), Absence.String(), Gap.String()}
)

// ParseRecord decodes the value of an event's record. It refuses what no detector publishes: another event or kind, no id,
// or an entity for a gap only.
func ParseRecord(value []byte) (r Record, err error) {
	if err := json.Unmarshal(value, &r); err != nil {
		return Record{}, fmt.Errorf("record of an episode: %w", err)
	}
	switch {
	case r.ID == "":
		return Record{}, errors.New("record of an episode: it has no id")
	case !slices.Contains(eventNames, r.Event) || !slices.Contains(kindNames, r.Kind):
		return Record{}, fmt.Errorf("record of an episode: event %.20q of kind %.20q", r.Event, r.Kind)
	case (r.Kind == Gap.String()) != (r.Entity == ""):
		return Record{}, fmt.Errorf("record of an episode: kind %q with entity %.50q", r.Kind, r.Entity)
	}
	return r, nil
}
