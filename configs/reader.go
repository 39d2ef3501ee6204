package configs

import (
	"bytes"
	"strings"
	"unicode"

	"gopkg.in/ini.v1"
)

// document is what configparser would make of a file: sections of keys, with
// [DEFAULT] in each of them.
type document struct {
	names    []string // of the sections, in the file's order
	sections map[string]map[string]string
}

// asConfigparser makes go-ini read as Python's configparser does by default.
// What it cannot be told is checked in parse; testdata/configparser holds the
// cases and what Python says of them.
var asConfigparser = ini.LoadOptions{
	KeyValueDelimiters:         "=:",
	InsensitiveKeys:            true, // keys are lower-cased, sections are not
	IgnoreInlineComment:        true, // "x = 1 ; two" is the value "1 ; two"
	IgnoreContinuation:         true, // a backslash at the end means nothing
	AllowPythonMultilineValues: true,
	PreserveSurroundedQuote:    true,
	AllowNonUniqueSections:     true, // so that duplicates can be refused,
	AllowShadows:               true, // as Python does
	AllowDuplicateShadowValues: true,
	UnescapeValueDoubleQuotes:  false,
}

// parse reads a file's content.
func parse(file string, content []byte) (*document, error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	content = bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	if err := beginsWithSection(file, content); err != nil {
		return nil, err
	}
	read, err := ini.LoadSources(asConfigparser, content)
	if err != nil {
		return nil, &Error{File: file, Problem: "cannot be read as an INI file: " + strings.TrimSpace(err.Error()),
			Expected: "want [section] headers and lines of key = value"}
	}
	doc := &document{sections: make(map[string]map[string]string)}
	var defaults map[string]string
	for _, section := range read.Sections() {
		name := section.Name()
		if _, twice := doc.sections[name]; twice {
			return nil, &Error{File: file, Section: name, Problem: "the section is there twice", Expected: "join the two"}
		}
		keys := make(map[string]string)
		for _, key := range section.Keys() {
			if len(key.ValueWithShadows()) > 1 {
				return nil, &Error{File: file, Section: name, Key: key.Name(), Problem: "the key is there twice", Expected: "keep one"}
			}
			keys[key.Name()] = strings.TrimRightFunc(key.Value(), unicode.IsSpace)
		}
		if name == ini.DefaultSection {
			defaults = keys
			continue
		}
		doc.names = append(doc.names, name)
		doc.sections[name] = keys
	}
	for _, keys := range doc.sections {
		for key, value := range defaults {
			if _, own := keys[key]; !own {
				keys[key] = value
			}
		}
	}
	return doc, nil
}

// beginsWithSection refuses keys before any section, as Python does; go-ini
// would take them for [DEFAULT].
func beginsWithSection(file string, content []byte) error {
	for line := range bytes.Lines(content) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			return nil
		}
		return &Error{File: file, Problem: "the first line is in no section: " + string(line[:min(len(line), 60)]),
			Expected: "want a header such as [io] before it"}
	}
	return &Error{File: file, Problem: "the file is empty", Expected: "want the sections [io], [detection] and [job]"}
}
