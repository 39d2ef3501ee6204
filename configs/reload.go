package configs

import "reflect"

// A running process reads its configurations again when it is asked to (SIGHUP). A setting that decides
// what is read, or what an anomaly is, must not change then: verdicts would depend on when the signal came.

// Change is a setting whose value in the file is not the one in force.
type Change struct {
	Section, Key, Old, New string
	// Refused says why the value in force stays until the process is started again; "": it may change now.
	Refused string
}

// InFile returns the section and the key that a file has for the setting. Those of the log are in sections
// of Python's logging; a * stands for a name that the file chooses.
func (c Change) InFile() (section, key string) {
	if c.Section == "log" {
		switch c.Key {
		case "level":
			return "logger_root", "level"
		case "file":
			return "handler_*", "args"
		case logFormat:
			return "formatter_*", "format"
		case logWatched:
			return "handler_*", "class"
		}
	}
	return c.Section, c.Key
}

// Two changes of the log that are no settings.
const (
	logFormat  = "format of the file"
	logWatched = "WatchedFileHandler"
)

// reloadable are the settings that may change while the process runs. None of them decides a verdict.
var reloadable = map[string][]string{
	"persistence": {"free_space_floor_mb", "cached_entities"},
	"log":         {"level"},
}

// restart says for each section why its other settings may change only with a restart.
var restart = map[string]string{
	"io":          "it says what is read and where anomalies go",
	"detection":   "verdicts would depend on when the signal came",
	"job":         "the job has begun",
	"kafka":       "the session with Kafka has it; the files it names are read again at each connection",
	"persistence": "the open data directory depends on it",
	"output":      "what is written would depend on when the signal came",
	"episodes":    "what is written would depend on when the signal came",
	"cluster":     "the other nodes know this one by it; the certificate that it names is read again by itself",
	"http":        "the port is open; the file that web_config_file names is read again by itself",
	"notify":      "those who were told of an episode must be told of its end; the files that it names are read again by themselves",
	"log":         "the open log depends on it",
}

// sections are the parts of a configuration, by the name of their section.
func (c *Config) sections() map[string]any {
	return map[string]any{"io": c.IO, "detection": c.Detection, "job": c.Job, "kafka": c.Kafka, "persistence": c.Persistence,
		"output": c.Output, "episodes": c.Episodes, "cluster": c.Cluster, "http": c.HTTP, "notify": c.Notify, "log": c.Log}
}

// Compare returns the changes from the configuration in force to one that was read again, in the order of
// the schema. A value that is only written in another way is no change.
func Compare(inForce, read *Config) (changes []Change) {
	before, after := inForce.sections(), read.sections()
	differs := func(section string) bool { return !reflect.DeepEqual(before[section], after[section]) }
	values := func(c *Config) map[[2]string]string {
		all := make(map[[2]string]string)
		for _, s := range c.settings {
			all[[2]string{s.Section, s.Key}] = s.Value
		}
		return all
	}
	was, is := values(inForce), values(read)
	seen := make(map[[2]string]bool)
	for _, s := range inOrder(append(append([]Setting{}, inForce.settings...), read.settings...)) {
		name := [2]string{s.Section, s.Key}
		if seen[name] || !differs(s.Section) || was[name] == is[name] {
			continue
		}
		seen[name] = true
		changes = append(changes, changed(s.Section, s.Key, was[name], is[name]))
	}
	// These two are shown in no list of settings.
	if inForce.Log.Format != read.Log.Format {
		changes = append(changes, changed("log", logFormat, inForce.Log.Text, read.Log.Text))
	}
	if inForce.Log.Watched != read.Log.Watched {
		changes = append(changes, changed("log", logWatched, word(inForce.Log.Watched), word(read.Log.Watched)))
	}
	return changes
}

func changed(section, key, was, is string) Change {
	c := Change{Section: section, Key: key, Old: was, New: is, Refused: restart[section]}
	for _, live := range reloadable[section] {
		if live == key {
			c.Refused = ""
		}
	}
	return c
}

// With returns the configuration in force after the changes that may be made now.
func (c *Config) With(read *Config) *Config {
	next := *c
	next.Persistence.FloorMB = read.Persistence.FloorMB
	next.Persistence.CachedEntities = read.Persistence.CachedEntities
	next.Log.Level = read.Log.Level
	next.settings = append([]Setting{}, c.settings...)
	for _, change := range Compare(c, read) {
		if change.Refused != "" {
			continue
		}
		for i := range next.settings {
			if s := &next.settings[i]; s.Section == change.Section && s.Key == change.Key {
				s.Value = change.New
			}
		}
	}
	return &next
}

func word(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
