package configs

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Without -write, the files are compared.
var write = flag.Bool("write", false, "write the built-in files and docs/configuration.md from the schema")

// builtInFiles are the built-in files: their first line, and the values that the schema does not give.
var builtInFiles = map[string]struct {
	about  string
	values map[string]string
}{
	"hegemonydetector.conf": {"AS hegemony, IPv4: how much each network depends on each other network.", map[string]string{
		"input_topic": "ihr_hegemony", "value_field": "hege", "key_field": "scope,asn", "output_topic": "ihr_hegemony_anomalies_ipv4",
		"time_granularity_min": "15", "consumer_group": "ihr_hegemony_anomaly_detection_ipv4", "min_dev": "0.01",
		"args": "('ihr_hegemony_anomaly_detection_ipv4.log',)",
	}},
	"hegemonydetector_v6.conf": {"AS hegemony, IPv6: how much each network depends on each other network.", map[string]string{
		"input_topic": "ihr_hegemony_v6", "value_field": "hege", "key_field": "scope,asn", "output_topic": "ihr_hegemony_anomalies_ipv6",
		"time_granularity_min": "15", "consumer_group": "ihr_hegemony_anomaly_detection_ipv6", "min_dev": "0.01",
		"args": "('ihr_hegemony_anomaly_detection_ipv6.log',)",
	}},
	"atlasdelaydetector.conf": {"Atlas delay: the median round-trip delay between two places.", map[string]string{
		"input_topic": "ihr_raclette_diffrtt", "value_field": "median", "key_field": "startpoint,endpoint",
		"output_topic": "ihr_raclette_diffrtt_anomalies", "time_granularity_min": "30",
		"consumer_group": "ihr_raclette_diffrtt_anomaly_detection", "min_dev": "1",
		"args": "('ihr_raclette_diffrtt_anomaly_detection.log',)",
	}},
}

// everywhere are values of the original's files that all built-in ones share.
var everywhere = map[string]string{"threshold": "5", "history_hours": "72", "duration": "1440"}

// TestFilesFollowTheSchema word by word. With -write it writes them.
func TestFilesFollowTheSchema(t *testing.T) {
	path := filepath.Join("..", "docs", "configuration.md")
	files := map[string]string{path: page(t, path)}
	for name := range builtInFiles {
		files[name] = builtInFile(name)
	}
	for path, want := range files {
		if *write {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s differs from the schema in line %d: run go generate ./configs", path, firstDifference(string(got), want))
		}
	}
	if len(builtInFiles) != len(BuiltIn()) {
		t.Errorf("%v are built in, but %d are written", BuiltIn(), len(builtInFiles))
	}
}

func firstDifference(a, b string) int {
	in := strings.Split(b, "\n")
	for i, line := range strings.Split(a, "\n") {
		if i >= len(in) || line != in[i] {
			return i + 1
		}
	}
	return len(in)
}

// builtInFile writes a built-in file. What the original's files say is said; all else is a comment.
func builtInFile(name string) string {
	about := builtInFiles[name]
	var text strings.Builder
	comment(&text, about.about)
	comment(&text, "Lines that start with ; or # are comments. A comment above each key explains it. Where a key is commented out, the value "+
		"shown is the default. docs/configuration.md explains the same.")
	for _, section := range append(append([]schemaSection{}, known...), logging...) {
		text.WriteString("\n")
		if section.name == logging[0].name { // its explanation is about all sections that follow
			comment(&text, section.doc)
		}
		fmt.Fprintf(&text, "[%s]\n", section.name)
		if section.name != logging[0].name && section.doc != "" && !needed(section) {
			comment(&text, section.doc)
			text.WriteString(";\n")
		}
		for _, key := range section.keys {
			explain(&text, key)
			given := key.since == original || section.isLogging()
			value := key.standard
			if given { // another section may have a key of that name
				value = cmp.Or(about.values[key.name], everywhere[key.name], key.standard)
			}
			line := strings.TrimRight(key.name+" = "+value, " ")
			if !given {
				line = "; " + line
			}
			text.WriteString(line + "\n")
		}
	}
	return text.String()
}

func (s schemaSection) isLogging() bool { return loggingSection(s.name) }

// needed tells whether a file needs the section, or the original's files have it.
func needed(section schemaSection) bool {
	for _, key := range section.keys {
		if key.since == original {
			return true
		}
	}
	return false
}

// explain writes the comment of a key.
func explain(to *strings.Builder, key schemaKey) {
	text, more := key.doc, ""
	if key.without != "" {
		text += " Empty: " + key.without + "."
	}
	comment(to, text)
	if key.values != "" {
		more = "Value: " + key.values + ". "
	}
	if key.variable != "" {
		more += key.variable + " overrides this key."
	}
	if more != "" {
		comment(to, more)
	}
}

// comment writes a comment in lines of at most 90 characters.
func comment(to *strings.Builder, text string) {
	line := ";"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 90 {
			to.WriteString(line + "\n")
			line = ";"
		}
		line += " " + word
	}
	to.WriteString(line + "\n")
}
