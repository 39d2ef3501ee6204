package configs

import (
	"strings"
	"unicode"
)

// Error is a mistake in a configuration. It never shows a secret.
type Error struct {
	File     string // path, or "environment"
	Section  string // "" for the file as a whole, or the environment
	Key      string // "" for the section as a whole
	Problem  string
	Expected string // what is expected, or a hint
}

// NoSuchFile is the Problem of a missing configuration.
const NoSuchFile = "there is no such file"

// Error is one line that names file, section, key, problem and what to do.
func (e *Error) Error() string {
	var line strings.Builder
	line.WriteString(e.File)
	switch {
	case e.Section != "" && e.Key != "":
		line.WriteString(": [" + e.Section + "] " + e.Key)
	case e.Section != "":
		line.WriteString(": [" + e.Section + "]")
	case e.Key != "":
		line.WriteString(": " + e.Key)
	}
	line.WriteString(": " + e.Problem)
	if e.Expected != "" {
		line.WriteString("; " + e.Expected)
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' ' // a name in the file may move a terminal's cursor
		}
		return r
	}, line.String())
}

// Nearest returns the known word that is closest to an unknown one. It returns "" if none is near
// enough: at most three edits, and at most half of the letters.
func Nearest(word string, known []string) string {
	best, least := "", min(4, len(word)/2+1)
	for _, candidate := range known {
		if distance := edits(word, candidate); distance < least {
			best, least = candidate, distance
		}
	}
	return best
}

// edits counts the insertions, deletions and substitutions between two words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substituted := diagonal
			if a[i] != b[j] {
				substituted++
			}
			diagonal = row[j+1]
			row[j+1] = min(substituted, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
