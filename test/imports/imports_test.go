package imports

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestImportsPointDownward(t *testing.T) {
	found := make(map[string]bool)
	for _, l := range list(t, "-tags", "synctests", module+"/...") {
		found[l.name()] = true
		none(t, upward(l, allowed, inTests))
	}
	for name := range allowed {
		if !found[name] {
			t.Errorf("the layout has a package %s, which there is not", name)
		}
	}
}

func TestImportThatIsNotBelowIsFound(t *testing.T) {
	l := madeUp(t, "upward")
	says(t, upward(l, map[string][]string{}, nil), "package test/imports/testdata/upward is not in the layout")
	says(t, upward(l, map[string][]string{l.name(): {"datapoint"}}, nil),
		"test/imports/testdata/upward imports detection, which is not below it",
		"the tests of test/imports/testdata/upward import episode, which is not below it")
	says(t, upward(l, map[string][]string{l.name(): {"datapoint", "detection"}}, map[string][]string{l.name(): {"episode"}}))
}

// upward are the imports of a package that a layout does not allow.
func upward(l *listed, allowed, inTests map[string][]string) (problems []string) {
	name := l.name()
	may, known := allowed[name]
	if !known {
		return []string{fmt.Sprintf("package %s is not in the layout", name)}
	}
	for _, imported := range ours(l.Imports) {
		if !slices.Contains(may, imported) {
			problems = append(problems, fmt.Sprintf("%s imports %s, which is not below it", name, imported))
		}
	}
	for _, imported := range ours(l.TestImports, l.XTestImports) {
		if !slices.Contains(may, imported) && !slices.Contains(inTests[name], imported) && imported != name && !strings.HasPrefix(imported, "test/") {
			problems = append(problems, fmt.Sprintf("the tests of %s import %s, which is not below it", name, imported))
		}
	}
	return problems
}

// ours are the imports that are packages of ours, by name.
func ours(imports ...[]string) (names []string) {
	for _, imported := range slices.Concat(imports...) {
		if name, is := strings.CutPrefix(imported, module+"/"); is && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
