package configs

import (
	"cmp"
	"slices"
	"strings"
)

// known are the sections this program reads, each with its keys in the order
// they are shown.
var known = []struct {
	section string
	keys    []string
}{
	{"io", []string{"input_topic", "value_field", "key_field", "output_topic", "time_granularity_min", "consumer_group"}},
	{"detection", []string{"threshold", "dev_metric", "min_dev", "history_hours", "history_min_ratio", "noise", "min_mad"}},
	{"job", []string{"duration"}},
	{"kafka", []string{"brokers", "tls", "tls_ca", "tls_cert", "tls_key", "sasl_mechanism", "sasl_username", "sasl_password_file", "leave_on_stop",
		"session_timeout", "transaction_timeout"}},
	{"persistence", []string{"dir", "commit_interval", "enabled", "memory_mb", "free_space_floor_mb", "resident_entities", "on_damage"}},
	{"output", []string{"dead_letter_topic", "retention_hours", "explain"}},
	{"cluster", []string{"listen", "advertise", "tls_ca", "tls_cert", "tls_key", "insecure", "standbys"}},
	{"http", []string{"listen", "web_config_file", "insecure", "health_listen"}},
}

// inOrder sorts settings as they are in known; those of the log come last, as
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

// keysOf returns the keys of a known section, nil for any other.
func keysOf(section string) []string {
	for _, k := range known {
		if k.section == section {
			return k.keys
		}
	}
	return nil
}

// loggingSection tells the sections of Python's logging.
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

// unknown warns of sections that are not read, and refuses keys that are not.
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
			if slices.Contains(keys, key) {
				continue
			}
			return nil, &Error{File: file, Section: name, Key: key, Problem: "unknown key", Expected: meant(key, keys)}
		}
	}
	for _, key := range doc.own[defaultSection] {
		if sectionOf(key) == "" {
			warnings = append(warnings, Warning{defaultSection, key, "the key " + key + " in [DEFAULT] is not one of any section read here"})
		}
	}
	return warnings, nil
}

// meant is a hint to whoever wrote a key that its section does not have.
func meant(key string, keys []string) string {
	if section := sectionOf(key); section != "" {
		return "it belongs in [" + section + "]"
	}
	if like := Nearest(key, keys); like != "" {
		return "did you mean " + like + "?"
	}
	return "want one of: " + join(keys)
}

// sectionOf returns the section that has the key, "" if none has.
func sectionOf(key string) string {
	for _, k := range known {
		if slices.Contains(k.keys, key) {
			return k.section
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
