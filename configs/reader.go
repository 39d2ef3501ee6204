package configs

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"unicode"
)

// document is what Python's configparser makes of a file: sections of keys,
// with those of [DEFAULT] in each of them.
type document struct {
	names    []string // of the sections, in the file's order
	sections map[string]map[string]string
}

// defaultSection is the one whose keys are in every other.
const defaultSection = "DEFAULT"

// parse reads a file's content as configparser does by default: keys in lower
// case; "=" or ":" after them; whole lines of comment with # or ;, never a part
// of one; values that go on in lines indented deeper than their key; nothing
// twice. "%" and quotes mean nothing. The error is an *Error.
//
// go-ini was tried first and read 11 of the 36 files in testdata/configparser
// otherwise than Python (indentation, comments and blanks within values, quotes),
// whatever its options: docs/adr/0006.
func parse(file string, content []byte) (*document, error) {
	p := &parser{file: file, doc: &document{sections: make(map[string]map[string]string)}, indent: -1}
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	for line := range strings.Lines(string(content)) {
		p.number++
		if err := p.line(strings.TrimRight(line, "\r\n")); err != nil {
			return nil, err
		}
	}
	p.endValue()
	defaults := p.doc.sections[defaultSection]
	delete(p.doc.sections, defaultSection)
	for _, keys := range p.doc.sections {
		for key, value := range defaults {
			if _, own := keys[key]; !own {
				keys[key] = value
			}
		}
	}
	return p.doc, nil
}

// parser is where parse is in a file.
type parser struct {
	file    string
	doc     *document
	number  int    // of the line
	section string // "" before the first
	key     string // whose value may go on; "" if there is none
	value   []string
	indent  int // of the line the key was in
}

func (p *parser) line(line string) error {
	text := strings.TrimSpace(line)
	switch {
	case text == "":
		if p.key != "" {
			p.value = append(p.value, "") // a blank within a value stays
		}
		return nil
	case text[0] == '#' || text[0] == ';':
		return nil
	}
	indent := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsSpace(r) })
	if p.key != "" && indent > p.indent {
		p.value = append(p.value, text)
		return nil
	}
	p.endValue()
	p.indent = indent
	if end := strings.LastIndexByte(text, ']'); text[0] == '[' && end > 1 {
		return p.header(text[1:end])
	}
	return p.assignment(text)
}

func (p *parser) header(name string) error {
	if _, twice := p.doc.sections[name]; twice {
		return &Error{File: p.file, Section: name, Problem: fmt.Sprintf("the section is there twice, the second time in line %d", p.number),
			Expected: "join the two"}
	}
	p.section = name
	p.doc.sections[name] = make(map[string]string)
	if name != defaultSection {
		p.doc.names = append(p.doc.names, name)
	}
	p.indent = math.MaxInt // no value can go on after a header
	return nil
}

func (p *parser) assignment(text string) error {
	if p.section == "" {
		return &Error{File: p.file, Problem: fmt.Sprintf("line %d is in no section: %.60s", p.number, text),
			Expected: "want a header such as [io] before it"}
	}
	at := strings.IndexAny(text, "=:")
	if at < 1 {
		return &Error{File: p.file, Section: p.section, Problem: fmt.Sprintf("line %d has no key and value: %.60s", p.number, text),
			Expected: "want key = value"}
	}
	key := strings.ToLower(strings.TrimSpace(text[:at]))
	if _, twice := p.doc.sections[p.section][key]; twice {
		return &Error{File: p.file, Section: p.section, Key: key, Problem: fmt.Sprintf("the key is there twice, the second time in line %d", p.number),
			Expected: "keep one"}
	}
	p.doc.sections[p.section][key] = ""
	p.key, p.value = key, []string{strings.TrimSpace(text[at+1:])}
	return nil
}

// endValue stores the value that was being read.
func (p *parser) endValue() {
	if p.key != "" {
		p.doc.sections[p.section][p.key] = strings.TrimRightFunc(strings.Join(p.value, "\n"), unicode.IsSpace)
		p.key = ""
	}
}
