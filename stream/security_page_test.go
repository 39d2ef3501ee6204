package stream

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// placeholders stand for a name or a number in the messages of docs/security.md. What stands around a colon may come from two places.
var placeholders = regexp.MustCompile(`\b(NAME|PATH|GROUP|X|Y|Z)\b|\.\.\.|: `)

// TestSecurityPageShowsTheMessages: each message of the page's table stands in the program, and for those of this package the
// page says truly whether waiting can cure it.
func TestSecurityPageShowsTheMessages(t *testing.T) {
	page, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| what is wrong | the line ends with | at the start |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	literals := literals(t, "..")
	names := Names{Input: "NAME", Output: "NAME", Group: "GROUP"}
	rows := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(line, "|\n "), " | ")
		if len(cells) != 3 || strings.HasPrefix(line, "|--") {
			continue
		}
		rows++
		message, exit := cells[1], cells[2]
		for _, part := range placeholders.Split(message, -1) {
			if part = strings.Trim(part, " .()"); part != "[kafka] sasl_password_file" && len(part) > 3 && !strings.Contains(literals, part) {
				t.Errorf("the page shows %q, and no text of the program has %q", message, part)
			}
		}
		for i := range diagnoses {
			d := &diagnoses[i]
			if strings.Contains(d.advice(names), message) && d.final != strings.HasPrefix(exit, "2") {
				t.Errorf("the page says %q for %q, and final is %v", exit, d.name, d.final)
			}
		}
	}
	if rows < 15 {
		t.Fatalf("the table has %d rows", rows)
	}
}

// literals are the texts in the source of the program, one after another.
func literals(t *testing.T, root string) string {
	t.Helper()
	var all strings.Builder
	for _, dir := range []string{"stream", "configs", "bootstrap", "actors"} {
		err := fs.WalkDir(os.DirFS(filepath.Join(root, dir)), ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, dir, path), nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					text, _ := strconv.Unquote(literal.Value)
					all.WriteString(text)
				}
				return true
			})
			all.WriteString("\n")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
