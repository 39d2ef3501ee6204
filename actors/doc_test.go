package actors

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPackageCommentNamesEachFile: a reader who follows the list in doc.go misses no file.
func TestPackageCommentNamesEachFile(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	named := strings.FieldsFunc(string(doc), func(r rune) bool { return strings.ContainsRune(" ,\t\n", r) })
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file != "doc.go" && !strings.HasSuffix(file, "_test.go") && !slices.Contains(named, file) {
			t.Errorf("doc.go does not name %s", file)
		}
	}
	for _, word := range named {
		if strings.HasSuffix(word, ".go") && !slices.Contains(files, word) {
			t.Errorf("doc.go names %s, which does not exist", word)
		}
	}
}
