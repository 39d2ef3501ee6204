package configs

import (
	"strings"
	"unicode"
)

// Error is what is wrong with a configuration. It never shows a secret.
type Error struct {
	File     string // or "environment"
	Section  string // "" if the file as a whole is at fault, or the environment
	Key      string // "" if the section as a whole is
	Problem  string
	Expected string // what would have been right, or a hint
}

// NoSuchFile is the problem of a configuration that is not there.
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
			return ' ' // a name in the file may hold what moves a terminal's cursor
		}
		return r
	}, line.String())
}

// Nearest is the known word that is closest to one that is not, or "" if none
// is near enough to be meant: three letters off, and no more than half of it.
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
