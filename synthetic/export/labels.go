package export

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"time"

	"anomalydetector/synthetic"
)

// label is an event as a file of labels has it.
type label struct {
	Entity string `json:"entity"`
	From   string `json:"from"`
	Until  string `json:"until"`
	Kind   string `json:"kind"`
}

func labelOf(e *synthetic.Event) label {
	return label{e.Entity, instant(e.From), instant(e.Until), e.Kind.String()}
}

func instant(at int64) string { return time.UnixMilli(at).UTC().Format(time.RFC3339) }

// LabelsCSV writes the events, one a line: entity, from, until, kind. From and until are the times of the first and the last
// bin. A transit loss has a line for each of its entities. A hole has the entity *.
func LabelsCSV(to io.Writer, events []synthetic.Event) error {
	out := csv.NewWriter(to)
	_ = out.Write([]string{"entity", "from", "until", "kind"}) // Flush keeps the first error
	for i := range events {
		l := labelOf(&events[i])
		_ = out.Write([]string{l.Entity, l.From, l.Until, l.Kind})
	}
	out.Flush()
	return out.Error()
}

// LabelsJSON writes the same as an array of objects.
func LabelsJSON(to io.Writer, events []synthetic.Event) error {
	all := make([]label, len(events))
	for i := range events {
		all[i] = labelOf(&events[i])
	}
	out := json.NewEncoder(to)
	out.SetIndent("", "  ")
	return out.Encode(all)
}
