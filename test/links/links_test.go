// Package links checks that the links in the prose lead somewhere.
package links

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.*)$`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
	outside = regexp.MustCompile(`^[a-z]+:`)
)

// A relative link leads to a file that exists, and to a heading in it.
func TestRelativeLinksOfTheProseLeadSomewhere(t *testing.T) {
	root := filepath.Join("..", "..")
	var files []string
	for _, pattern := range []string{"*.md", "ops/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	links := 0
	for _, file := range files {
		for _, found := range link.FindAllStringSubmatch(prose(t, file), -1) {
			if outside.MatchString(found[1]) {
				continue
			}
			links++
			path, anchor, _ := strings.Cut(found[1], "#")
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), filepath.FromSlash(path))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: the link %s leads to no file", file, found[1])
			} else if anchor != "" && !anchors(prose(t, target))[anchor] {
				t.Errorf("%s: the link %s leads to no heading", file, found[1])
			}
		}
	}
	if links < 20 {
		t.Errorf("only %d relative links were found", links)
	}
}

// TestIndexOfDecisionsIsComplete: docs/adr/README.md links to each decision.
func TestIndexOfDecisionsIsComplete(t *testing.T) {
	folder := filepath.Join("..", "..", "docs", "adr")
	index := prose(t, filepath.Join(folder, "README.md"))
	decisions, err := filepath.Glob(filepath.Join(folder, "0*.md"))
	if err != nil || len(decisions) == 0 {
		t.Fatalf("found %d decisions: %v", len(decisions), err)
	}
	for _, path := range decisions {
		if !strings.Contains(index, "]("+filepath.Base(path)+")") {
			t.Errorf("docs/adr/README.md does not name %s", filepath.Base(path))
		}
	}
}

// prose is the text of a file without its fenced blocks.
func prose(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return fenced.ReplaceAllString(string(content), "")
}

// anchors are the anchors of a text's headings, as GitHub makes them.
func anchors(text string) map[string]bool {
	all := make(map[string]bool)
	for _, found := range heading.FindAllStringSubmatch(text, -1) {
		all[strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, found[1])] = true
	}
	return all
}
