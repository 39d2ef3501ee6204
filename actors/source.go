package actors

import (
	"strings"

	"anomalydetector/persistence"
)

// Source says what stored windows were read from, and how: those of another
// source are of no use.
func (c *Config) Source() string {
	return strings.Join(append([]string{c.InputTopic, c.Group, c.ValueField}, c.KeyFields...), "\x00")
}

// Unfit tells why stored windows cannot be used with these settings, whatever the
// group's offset is; "" if they can.
func (c *Config) Unfit(head persistence.Head) string {
	switch {
	case head.Source != c.Source():
		return "they are of another " + difference(head.Source, c.Source())
	case head.History < c.History.Milliseconds():
		return "history_hours is longer now"
	}
	return ""
}

// difference names the settings in which two sources differ, with those of the
// stored one.
func difference(stored, ours string) string {
	theirs, now := strings.SplitN(stored, "\x00", 4), strings.SplitN(ours, "\x00", 4)
	names := []string{"input_topic", "consumer_group", "value_field", "key_field"}
	if len(theirs) != len(names) || len(now) != len(names) {
		return "kind"
	}
	var different []string
	for i, name := range names {
		if theirs[i] != now[i] {
			different = append(different, name+" ("+strings.ReplaceAll(theirs[i], "\x00", ",")+")")
		}
	}
	return strings.Join(different, ", ")
}
