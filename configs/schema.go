package configs

import (
	"cmp"
	"slices"
	"strings"
)

// schemaSection describes a section that the program reads. The built-in files and
// docs/configuration.md are written from it: go generate ./configs.
type schemaSection struct {
	name string
	doc  string
	keys []schemaKey // in the order in which they are shown
}

// schemaKey describes a key of a section. Its doc says what the key does; the rest is added to it.
type schemaKey struct {
	name     string
	doc      string
	values   string // what a value may be, with unit and range, as error messages say it; "" for any text
	standard string // the value without such a line; "" for none
	without  string // what an empty value, or none, means, if standard does not say it
	variable string // the environment variable that overrides the key
	required bool
	since    string // the version that brought the key; "" for 1.0.0
}

// original is the version of keys that the original program reads, too.
const original = "the original program"

// schemaVariable describes an environment variable that overrides no key.
type schemaVariable struct{ name, values, doc string }

//go:generate go test . -run TestFilesFollowTheSchema -args -write

// older are the names that keys had in earlier versions. A file may still use them; a warning says so.
var older = []struct{ section, was, key string }{
	{"detection", "noise", "min_dev"},
	{"detection", "min_mad", "min_dev"},
	{"persistence", "resident_entities", "cached_entities"},
}

// wasKey tells whether a section had the key in an earlier version.
func wasKey(section, key string) bool {
	for _, o := range older {
		if o.was == key && o.section == section {
			return true
		}
	}
	return false
}

// inOrder sorts settings in the order of known. Those of the log come last, in the order in which
// they were noted.
func inOrder(settings []Setting) []Setting {
	place := func(s Setting) int {
		at := 0
		for _, k := range known {
			if k.name == s.Section {
				return at + slices.Index(k.names(), s.Key)
			}
			at += len(k.keys)
		}
		return at
	}
	slices.SortStableFunc(settings, func(a, b Setting) int { return cmp.Compare(place(a), place(b)) })
	return settings
}

// keysOf returns the keys of a section; nil if the program does not read it.
func keysOf(section string) []string {
	for _, k := range known {
		if k.name == section {
			return k.names()
		}
	}
	return nil
}

// names returns the names of a section's keys.
func (s schemaSection) names() []string {
	var names []string
	for _, key := range s.keys {
		names = append(names, key.name)
	}
	return names
}

// loggingSection tells whether Python's logging reads the section.
func loggingSection(name string) bool {
	if slices.Contains([]string{"loggers", "handlers", "formatters"}, name) {
		return true
	}
	for _, prefix := range []string{"logger_", "handler_", "formatter_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// unknown warns of sections that the program does not read. It returns an error for an unknown key in
// a section that it reads.
func unknown(file string, doc *document) ([]Warning, error) {
	var warnings []Warning
	for _, name := range doc.names {
		keys := keysOf(name)
		if keys == nil {
			if !loggingSection(name) {
				text := "the section [" + name + "] is not used"
				if like := Nearest(strings.ToLower(name), sectionNames()); like != "" {
					text += "; did you mean [" + like + "]?"
				}
				warnings = append(warnings, Warning{Section: name, Text: text})
			}
			continue
		}
		for _, key := range doc.own[name] {
			if slices.Contains(keys, key) || wasKey(name, key) {
				continue
			}
			return nil, &Error{File: file, Section: name, Key: key, Problem: "unknown key", Expected: meant(key, keys)}
		}
	}
	for _, key := range doc.own[defaultSection] {
		if sectionOf(key) == "" {
			warnings = append(warnings, Warning{defaultSection, key, "the key " + key + " in [DEFAULT] belongs to no section that is read"})
		}
	}
	return warnings, nil
}

// meant is a hint for a key that its section does not have.
func meant(key string, keys []string) string {
	if section := sectionOf(key); section != "" {
		return "it belongs in [" + section + "]"
	}
	if like := Nearest(key, keys); like != "" {
		return "did you mean " + like + "?"
	}
	return "want one of: " + join(keys)
}

// sectionOf returns the section that has the key, also under an older name; "" if none has.
func sectionOf(key string) string {
	for _, k := range known {
		if slices.Contains(k.names(), key) {
			return k.name
		}
	}
	for _, o := range older {
		if o.was == key {
			return o.section
		}
	}
	return ""
}

func sectionNames() []string {
	var names []string
	for _, k := range known {
		names = append(names, k.name)
	}
	return names
}
