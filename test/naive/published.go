package naive

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"anomalydetector/episode"
)

// Published is the value of the record of an event, as a detector with these key fields publishes it.
func Published(event episode.Record, detector string, keyFields ...string) string {
	event.Detector = detector
	if event.Entity != "" {
		event.Fields = make(map[string]string)
		for i, part := range strings.Split(event.Entity, ",") {
			event.Fields[keyFields[i]] = part
		}
	}
	text, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// Difference tells where the events of a partition first differ from those that are wanted; "" if they are equal.
func Difference(got, want []string) string {
	if slices.Equal(got, want) {
		return ""
	}
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	return fmt.Sprintf("event %d of %d is %s, want %s of %d; before it %s, after it %s, want %s", i+1, len(got), at(got, i), at(want, i), len(want),
		at(got, i-1), at(got, i+1), at(want, i+1))
}

// at is an event of a list.
func at(events []string, number int) string {
	if number < 0 || number >= len(events) {
		return "nothing"
	}
	return events[number]
}
