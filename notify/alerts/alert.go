package alerts

import "anomalydetector/episode"

// Kinds of episodes, as in episode.Record.
const (
	Deviation = "deviation"
	Absence   = "absence"
	Gap       = "gap"
)

// Alert is an episode as far as it is told. Times are stream time, in Unix milliseconds.
type Alert struct {
	Kind      string
	Entity    string   // empty for a gap
	Partition int32    // of a gap; -1 otherwise
	Values    []string // of the key fields, in the order of the conf
	Direction string   // above or below; empty for an absence and a gap
	ID        string   // of the episode

	OpenedAt   int64
	At         int64 // of its latest event
	Resolved   bool
	ResolvedAt int64
	Outcome    string

	Usual, Low, High, Value, Deviation episode.Number
}

// directions are all that an alert may have.
var directions = []string{"", "above", "below"}

// key tells alerts apart as their labels do: alerts with the same key have the same labels.
type key struct {
	kind, entity, direction string
	partition               int32
}

func (a *Alert) key() key { return key{a.Kind, a.Entity, a.Direction, a.Partition} }

// toward is the key of the same entity's alert with another direction.
func (k key) toward(direction string) key {
	k.direction = direction
	return k
}
