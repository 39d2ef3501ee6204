package configs

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// document is a parsed file: sections of keys, each with the keys of [DEFAULT].
type document struct {
	names    []string            // of the sections, in the file's order
	own      map[string][]string // the keys that a section has itself, in the file's order
	sections map[string]map[string]string
	defaults map[string]string // the keys of [DEFAULT]
}

// defaultSection is the section whose keys are in every other one.
const defaultSection = "DEFAULT"

// parse reads the content of a file as configparser does by default:
//   - keys are in lower case, followed by "=" or ":"
//   - a comment is a whole line that begins with # or ;, never a part of one
//   - a value goes on in lines that are indented deeper than its key
//   - no section and no key appears twice
//   - "%" and quotes have no meaning
//
// The error is an *Error. go-ini was tried first; it read 11 of the first 36 files in
// testdata/configparser differently from Python, whatever its options (docs/adr/0006).
//
// Two things differ from Python: a byte order mark is skipped, and Go's lower case differs for a few
// letters that are in no key.
func parse(file string, content []byte) (*document, error) {
	if !utf8.Valid(content) {
		return nil, &Error{File: file, Problem: "it is not a text in UTF-8", Expected: "save it as UTF-8"}
	}
	doc := &document{own: make(map[string][]string), sections: make(map[string]map[string]string)}
	p := &parser{file: file, doc: doc}
	text := lineEnds.Replace(strings.TrimPrefix(string(content), "\ufeff"))
	for line := range strings.SplitSeq(text, "\n") {
		p.number++
		if err := p.line(line); err != nil {
			return nil, err
		}
	}
	p.endValue()
	defaults := doc.sections[defaultSection]
	doc.defaults = defaults
	delete(doc.sections, defaultSection)
	for _, keys := range doc.sections {
		for key, value := range defaults {
			if _, own := keys[key]; !own {
				keys[key] = value
			}
		}
	}
	return doc, nil
}

// lineEnds are the line ends of a text file in Python: \r\n, \r and \n.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// blank tells whether Python's str.strip removes a rune.
func blank(r rune) bool { return unicode.IsSpace(r) || '\x1c' <= r && r <= '\x1f' }

// parser is the position of parse in a file.
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
	text := strings.TrimFunc(line, blank)
	switch {
	case text == "":
		if p.key != "" {
			p.value = append(p.value, "") // a blank within a value stays
		}
		return nil
	case text[0] == '#' || text[0] == ';':
		return nil
	}
	indent := utf8.RuneCountInString(line[:strings.Index(line, text)])
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
	_, twice := p.doc.sections[name]
	if twice && name != defaultSection {
		return &Error{File: p.file, Section: name, Problem: fmt.Sprintf("the section is there twice, the second time in line %d", p.number),
			Expected: "join the two"}
	}
	p.section = name
	if !twice {
		p.doc.sections[name] = make(map[string]string)
	}
	if name != defaultSection {
		p.doc.names = append(p.doc.names, name)
	}
	return nil
}

func (p *parser) assignment(text string) error {
	if p.section == "" {
		return &Error{File: p.file, Problem: fmt.Sprintf("line %d is in no section", p.number),
			Expected: "want a header such as [io] before it"}
	}
	at := strings.IndexAny(text, "=:")
	if at < 1 {
		return &Error{File: p.file, Section: p.section, Problem: fmt.Sprintf("line %d has no key and value", p.number),
			Expected: "want key = value"}
	}
	key := strings.ToLower(strings.TrimFunc(text[:at], blank))
	if _, twice := p.doc.sections[p.section][key]; twice {
		return &Error{File: p.file, Section: p.section, Key: key, Problem: fmt.Sprintf("the key is there twice, the second time in line %d", p.number),
			Expected: "keep one"}
	}
	p.doc.sections[p.section][key] = ""
	p.doc.own[p.section] = append(p.doc.own[p.section], key)
	p.key, p.value = key, []string{strings.TrimFunc(text[at+1:], blank)}
	return nil
}

// endValue stores the value that was being read.
func (p *parser) endValue() {
	if p.key != "" {
		p.doc.sections[p.section][p.key] = strings.TrimRightFunc(strings.Join(p.value, "\n"), blank)
		p.key = ""
	}
}
