package configs

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// A new section must say whether its settings may change while the process runs.
func TestEachSectionSaysWhetherItMayChangeAtRunTime(t *testing.T) {
	config := &Config{}
	for _, section := range append(sectionNames(), "log") {
		if restart[section] == "" {
			t.Errorf("restart has no reason for [%s]", section)
		}
		if config.sections()[section] == nil {
			t.Errorf("sections has no [%s]", section)
		}
	}
	for section, keys := range reloadable {
		for _, key := range keys {
			if section != "log" && !slices.Contains(keysOf(section), key) {
				t.Errorf("reloadable has [%s] %s, which is no key", section, key)
			}
		}
	}
}

const loggedToFile = "[logger_root]\nlevel = INFO\nhandlers = h\n[handler_h]\nclass = FileHandler\nformatter = f\nargs = ('a.log',)\n[formatter_f]\nformat = %(message)s\n"

func TestReloadAppliesOrRefusesEachChange(t *testing.T) {
	full := base + "[persistence]\nfree_space_floor_mb = 600\n[http]\nlisten = off\n" + loggedToFile
	for name, c := range map[string]struct{ from, to, want string }{ // the log's sections are those of the file
		"nothing":              {"", "", ""},
		"threshold":            {"threshold = 5", "threshold = 3", "[detection] threshold 5 3 refused"},
		"in other words":       {"threshold = 5", "threshold = 5.0", ""},
		"window":               {"history_hours = 72", "history_hours = 48", "[detection] history_hours 72 48 refused"},
		"topic":                {"input_topic = in", "input_topic = other", "[io] input_topic in other refused"},
		"floor":                {"free_space_floor_mb = 600", "free_space_floor_mb = 700", "[persistence] free_space_floor_mb 600 700"},
		"floor by default":     {"free_space_floor_mb = 600", "", "[persistence] free_space_floor_mb 600 512"},
		"cache and directory":  {"free_space_floor_mb = 600", "free_space_floor_mb = 600\ncached_entities = 7\ndir = elsewhere", "[persistence] dir data elsewhere refused; [persistence] cached_entities 0 7"},
		"a default, written":   {"free_space_floor_mb = 600", "free_space_floor_mb = 600\ncached_entities = 0", ""},
		"level":                {"level = INFO", "level = DEBUG", "[logger_root] level INFO DEBUG"},
		"log file":             {"a.log", "b.log", "[handler_*] args a.log b.log refused"},
		"log format":           {"%(message)s", "%(levelname)s %(message)s", "[formatter_*] format %(message)s %(levelname)s %(message)s refused"},
		"kind of log":          {"class = FileHandler", "class = handlers.WatchedFileHandler", "[handler_*] class no yes refused"},
		"a key that goes away": {"free_space_floor_mb = 600", "free_space_floor_mb = 600\n[output]\ndead_letter_topic = bad", "[output] dead_letter_topic  bad refused"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(full, c.from) {
				t.Fatalf("the base has no %q", c.from)
			}
			inForce, read := mustRead(t, full, none), mustRead(t, strings.Replace(full, c.from, c.to, 1), none)
			var all []string
			for _, change := range Compare(inForce, read) {
				section, key := change.InFile()
				line := "[" + section + "] " + key + " " + change.Old + " " + change.New
				if change.Refused != "" {
					line += " refused"
				}
				all = append(all, line)
			}
			if got := strings.Join(all, "; "); got != c.want {
				t.Errorf("it finds\n%s\nwant\n%s", got, c.want)
			}
			// What was applied is in force, and what was refused is still refused the next time.
			next := inForce.With(read)
			for _, change := range Compare(next, read) {
				if change.Refused == "" {
					t.Errorf("[%s] %s was not applied", change.Section, change.Key)
				}
			}
			before, after := inForce.sections(), next.sections()
			for section := range restart {
				if reloadable[section] == nil && !reflect.DeepEqual(before[section], after[section]) {
					t.Errorf("[%s] has changed", section)
				}
			}
		})
	}
}
