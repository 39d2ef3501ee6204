package imports

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// concurrent are the methods with which tests and benchmarks run side by side, or start a goroutine.
var concurrent = []string{"Parallel", "RunParallel", "Go"}

// TestPackagesTestedWithoutTheRaceDetectorAreSequential: they are pure, and their tests start no goroutine either.
func TestPackagesTestedWithoutTheRaceDetectorAreSequential(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^SEQUENTIAL := (.+)$`).FindSubmatch(makefile)
	if line == nil {
		t.Fatal("the Makefile has no SEQUENTIAL")
	}
	for _, path := range strings.Fields(string(line[1])) {
		name := strings.TrimPrefix(path, "./")
		if !slices.Contains(pure, name) {
			t.Errorf("%s is tested without the race detector, and is not one of the pure packages", name)
		}
		none(t, sideBySide(t, name))
	}
}

func TestTestsThatRunSideBySideAreFound(t *testing.T) {
	const name = "test/imports/testdata/sidebyside"
	says(t, sideBySide(t, name),
		name+"/tests_test.go:6 calls Parallel", name+"/tests_test.go:7 starts a goroutine")
}

// sideBySide are where the tests of a package do something beside something else.
func sideBySide(t *testing.T, name string) (problems []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", name, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("package %s has no tests: %v", name, err)
	}
	s := &source{name: name, files: token.NewFileSet()}
	for _, file := range files {
		syntax, err := parser.ParseFile(s.files, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		s.syntax = append(s.syntax, syntax)
		ast.Inspect(syntax, func(node ast.Node) bool {
			selector, is := node.(*ast.SelectorExpr)
			if is && slices.Contains(concurrent, selector.Sel.Name) {
				problems = append(problems, s.at(selector.Sel)+" calls "+selector.Sel.Name)
			}
			return true
		})
	}
	return append(problems, s.goroutines()...)
}
