package configs

import (
	"cmp"
	"slices"
	"strings"
)

// known are the sections that the program reads, with their keys in the order in which they are shown.
var known = []struct {
	section string
	keys    []string
}{
	{"io", []string{"input_topic", "value_field", "key_field", "output_topic", "time_granularity_min", "consumer_group"}},
	{"detection", []string{"threshold", "dev_metric", "min_dev", "history_hours", "history_min_ratio"}},
	{"job", []string{"duration"}},
	{"kafka", []string{"brokers", "tls", "tls_ca", "tls_cert", "tls_key", "sasl_mechanism", "sasl_username", "sasl_password_file", "sasl_token_file", "leave_on_stop",
		"session_timeout", "transaction_timeout"}},
	{"persistence", []string{"dir", "commit_interval", "enabled", "memory_mb", "free_space_floor_mb", "cached_entities", "on_damage"}},
	{"output", []string{"dead_letter_topic", "retention_hours", "explain"}},
	{"cluster", []string{"listen", "advertise", "tls_ca", "tls_cert", "tls_key", "insecure", "standbys"}},
	{"http", []string{"listen", "web_config_file", "insecure", "health_listen"}},
}

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
			if k.section == s.Section {
				return at + slices.Index(k.keys, s.Key)
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
		if k.section == section {
			return k.keys
		}
	}
	return nil
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
		if slices.Contains(k.keys, key) {
			return k.section
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
		names = append(names, k.section)
	}
	return names
}
