package actors

import (
	"strings"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// Source describes what stored windows were built from: input topic, group, value field and key fields. Stored windows
// of another source cannot be used.
func (c *Config) Source() string {
	return strings.Join(append([]string{c.InputTopic, c.Group, c.ValueField}, c.KeyFields...), "\x00")
}

// Unfit returns why stored windows cannot be used with these settings and this topic, whatever the group's offset is;
// empty: they can. The zero Identity stands for a topic that is not known.
func (c *Config) Unfit(head persistence.Head, topic messages.Identity) string {
	switch difference := identityOf(head).Difference(topic); {
	case head.Source != c.Source():
		return "they are of another " + c.differenceFrom(head.Source)
	case difference != "":
		return "they are of " + difference
	case head.States != c.States():
		return c.otherStates(head.States)
	case head.History < c.History.Milliseconds():
		return "history_hours is longer now"
	}
	return ""
}

// States is by what the states of entities are made; empty: entities have windows.
func (c *Config) States() string {
	if c.Habit == nil {
		return ""
	}
	return c.Habit.Kind()
}

// otherStates returns why stored states, or windows, are not those of the method.
func (c *Config) otherStates(stored string) string {
	switch {
	case stored == "":
		return "they are of another method: original, which keeps too little for habit"
	case c.Habit == nil:
		return "they are of another method: " + stored
	}
	return "they were made by another version or other settings: " + stored + " (now " + c.States() + ")"
}

// identityOf returns the topic that stored windows are of.
func identityOf(head persistence.Head) messages.Identity {
	return messages.Identity{Cluster: head.Cluster, Topic: head.Topic}
}

// differenceFrom names the settings in which a stored source differs from this one, with the stored values.
func (c *Config) differenceFrom(stored string) string {
	theirs, now := strings.SplitN(stored, "\x00", 4), strings.SplitN(c.Source(), "\x00", 4)
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
