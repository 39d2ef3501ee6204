package configs

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func persistenceKeys() []string { return keysOf("persistence") }

// uncommented is a built-in configuration in which the commented keys of a section are in force.
func uncommented(t *testing.T, name, section string) string {
	t.Helper()
	content, err := builtIn.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for _, key := range keysOf(section) {
		line := regexp.MustCompile(`(?m)^; (` + key + ` =.*)$`)
		if !line.MatchString(text) {
			t.Errorf("%s does not explain %s", name, key)
		}
		text = line.ReplaceAllString(text, "$1")
	}
	return text
}

// TestBuiltInConfigurationsExplainEachKeyOfPersistence in a comment with the default, so that removing
// the semicolon changes nothing.
func TestBuiltInConfigurationsExplainEachKeyOfPersistence(t *testing.T) {
	for _, name := range BuiltIn() {
		plain, err := Load(name, none)
		if err != nil {
			t.Fatal(err)
		}
		text := uncommented(t, name, "persistence")
		given := mustRead(t, text, none)
		if given.Persistence != plain.Persistence {
			t.Errorf("%s shows other defaults: %+v, in force are %+v", name, given.Persistence, plain.Persistence)
		}
		for _, word := range []string{"DETECTOR_DATA_DIR", "0700"} {
			if !strings.Contains(text, word) {
				t.Errorf("%s does not tell of %s", name, word)
			}
		}
	}
}

func TestPersistenceDefaults(t *testing.T) {
	want := Persistence{Dir: "data", CommitInterval: time.Second, Enabled: true, MemoryMB: 256, FloorMB: 512}
	config := mustRead(t, base, none)
	if config.Persistence != want {
		t.Errorf("%+v, want %+v", config.Persistence, want)
	}
	for _, key := range persistenceKeys() {
		if !slices.ContainsFunc(config.Settings(), func(s Setting) bool {
			return s.Section == "persistence" && s.Key == key && s.Value != "" && s.Origin == "default"
		}) {
			t.Errorf("check does not show persistence.%s", key)
		}
	}
}

func TestBadPersistenceIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ line, says string }{
		"little memory":     {"memory_mb = 8", "from 16 to 65536"},
		"too much memory":   {"memory_mb = 1e6", "from 16 to 65536"},
		"half a megabyte":   {"memory_mb = 16.5", "whole number of megabytes"},
		"memory with unit":  {"memory_mb = 256MB", "whole number of megabytes"},
		"negative floor":    {"free_space_floor_mb = -1", "0 or more"},
		"negative entities": {"cached_entities = -1", "0 for all"},
		"entities as words": {"cached_entities = all", "0 for all"},
		"enabled":           {"enabled = maybe", "yes or no"},
		"empty directory":   {"dir =", "empty"},
		"file as directory": {"dir = load.go", "not a directory"},
		"on_damage":         {"on_damage = ignore", "rebuild or stop"},
		"two lines":         {"dir = a\n b", "path of a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read("detector.conf", "detector.conf", []byte(base+"[persistence]\n"+c.line+"\n"), none)
			var wrong *Error
			key, _, _ := strings.Cut(c.line, " ")
			if !errors.As(err, &wrong) || wrong.Section != "persistence" || wrong.Key != key || !strings.Contains(err.Error(), c.says) {
				t.Errorf("refused with %v, want [persistence] %s, and %q", err, key, c.says)
			}
		})
	}
	_, err := read("detector.conf", "detector.conf", []byte(base), of("DETECTOR_DATA_DIR", "load.go"))
	if err == nil || !strings.Contains(err.Error(), "environment: DETECTOR_DATA_DIR") {
		t.Errorf("a file as DETECTOR_DATA_DIR: %v", err)
	}
}

// TestResidentEntitiesIsAnOlderNameOfCachedEntities: it is accepted with a warning, and the present
// name counts if both are there.
func TestResidentEntitiesIsAnOlderNameOfCachedEntities(t *testing.T) {
	for name, c := range map[string]struct {
		lines    string
		want     int
		warnings int
	}{
		"present name": {"cached_entities = 2000", 2000, 0},
		"older name":   {"resident_entities = 1000", 1000, 1},
		"both":         {"resident_entities = 1000\ncached_entities = 2000", 2000, 1},
	} {
		config := mustRead(t, base+"[persistence]\n"+c.lines+"\n", none)
		if config.Persistence.CachedEntities != c.want || len(config.Warnings) != c.warnings {
			t.Errorf("%s: cached_entities is %d, warned of %+v; want %d and %d warnings", name, config.Persistence.CachedEntities, config.Warnings, c.want, c.warnings)
		}
		for _, w := range config.Warnings {
			if w.Section != "persistence" || w.Key != "resident_entities" || !strings.Contains(w.Text, "older name of cached_entities") {
				t.Errorf("%s: warned of %+v", name, w)
			}
		}
		if at := slices.IndexFunc(config.Settings(), func(s Setting) bool { return s.Key == "cached_entities" }); at < 0 {
			t.Errorf("%s: check does not show cached_entities", name)
		}
		if slices.ContainsFunc(config.Settings(), func(s Setting) bool { return s.Key == "resident_entities" }) {
			t.Errorf("%s: check shows resident_entities", name)
		}
	}
}
