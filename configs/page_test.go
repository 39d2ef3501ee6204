package configs

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The part of docs/configuration.md that is written stands between these lines. People write the rest.
const (
	pageBegin = "<!-- from here on written by: go generate ./configs -->\n"
	pageEnd   = "<!-- up to here -->\n"
)

// page returns docs/configuration.md with the part that follows from the schema.
func page(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(content), pageBegin)
	_, after, ends := strings.Cut(rest, pageEnd)
	if !begins || !ends {
		t.Fatalf("%s lacks the lines that mark the part to write", path)
	}
	var text strings.Builder
	for _, section := range known {
		pageSection(&text, section)
	}
	pageLogging(&text)
	pageVariables(&text)
	return before + pageBegin + text.String() + pageEnd + after
}

// pageSection has a heading for each key, so that there is a link to each.
func pageSection(to *strings.Builder, section schemaSection) {
	fmt.Fprintf(to, "\n## [%s]\n\n", section.name)
	prose(to, "", section.doc)
	for _, key := range section.keys {
		fmt.Fprintf(to, "\n### [%s] %s\n\n", section.name, key.name)
		prose(to, "", key.doc)
		to.WriteString("\n")
		fact(to, "Value", key.values)
		switch {
		case key.standard != "":
			fact(to, "Default", "`"+key.standard+"`")
		case key.required:
			fact(to, "Default", "none: the key must be there")
		default:
			fact(to, "Default", "empty: "+key.without)
		}
		fact(to, "Environment", code(key.variable))
		var names []string
		for _, o := range older {
			if o.section == section.name && o.key == key.name {
				names = append(names, code(o.was))
			}
		}
		if len(names) > 0 {
			fact(to, "Older names", strings.Join(names, ", ")+"; a warning says so")
		}
		if key.since == "" {
			fact(to, "Since", "1.0.0")
		} else {
			fact(to, "Since", key.since)
		}
	}
}

func fact(to *strings.Builder, name, text string) {
	if text != "" {
		prose(to, "- ", name+": "+text)
	}
}

func code(name string) string {
	if name == "" {
		return ""
	}
	return "`" + name + "`"
}

func pageLogging(to *strings.Builder) {
	to.WriteString("\n## Sections of the log\n\n")
	prose(to, "", logging[0].doc)
	to.WriteString("\n| section | key | what it is | built-in value |\n|---|---|---|---|\n")
	for _, section := range logging {
		for _, key := range section.keys {
			text := key.doc
			if key.values != "" {
				text += " Value: " + key.values + "."
			}
			if key.variable != "" {
				text += " " + code(key.variable) + " overrides it."
			}
			fmt.Fprintf(to, "| `[%s]` | `%s` | %s | `%s` |\n", section.name, key.name, text, key.standard)
		}
	}
}

func pageVariables(to *strings.Builder) {
	to.WriteString("\n## Environment variables\n\n")
	prose(to, "", "A variable that is set and not empty wins over the file.")
	to.WriteString("\n| variable | value | what it does |\n|---|---|---|\n")
	for _, section := range append(append([]schemaSection{}, known...), logging...) {
		for _, key := range section.keys {
			if key.variable != "" {
				fmt.Fprintf(to, "| `%s` | %s | overrides `[%s] %s` |\n", key.variable, key.values, section.name, key.name)
			}
		}
	}
	for _, v := range variables {
		fmt.Fprintf(to, "| `%s` | %s | %s |\n", v.name, v.values, v.doc)
	}
}

// prose writes a paragraph in lines of at most 140 characters. Lines after the first are indented below
// the mark of a list.
func prose(to *strings.Builder, mark, text string) {
	line, indent := mark, strings.Repeat(" ", len(mark))
	for i, word := range strings.Fields(text) {
		switch {
		case i > 0 && len(line)+1+len(word) > 140:
			to.WriteString(line + "\n")
			line = indent + word
		case i > 0:
			line += " " + word
		default:
			line += word
		}
	}
	to.WriteString(line + "\n")
}
