package imports

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layout is all that a folder's place is looked up in.
type layout struct {
	packages map[string][]string
	modules  map[string][]string
	folders  map[string]string
}

func TestEachFolderHasItsPlace(t *testing.T) {
	problems, err := misplaced(os.DirFS("../.."), layout{allowed, modules, folders})
	if err != nil {
		t.Fatal(err)
	}
	none(t, problems)
}

func TestFolderWithoutAPlaceIsFound(t *testing.T) {
	tree := os.DirFS("testdata/tree")
	for name, c := range map[string]struct {
		layout layout
		want   []string
	}{
		"nothing has a place": {layout{}, []string{
			"the folder known is not in the layout", "the folder inner is not in the layout", "the folder prose is not in the layout"}},
		"all but a package that tags hide": {layout{map[string][]string{"known": nil}, map[string][]string{"inner/module": {"known"}}, map[string]string{"prose": ""}},
			[]string{"the folder known/tagged is not in the layout"}},
		"a module imports what it must not": {layout{map[string][]string{"known": nil, "known/tagged": nil}, map[string][]string{"inner/module": {}}, map[string]string{"prose": ""}},
			[]string{"the module inner/module imports known"}},
		"a module is taken for a folder": {layout{map[string][]string{"known": nil, "known/tagged": nil}, nil, map[string]string{"prose": "", "inner/module": ""}},
			[]string{"the module inner/module is not in the layout"}},
		"all has a place": {layout{map[string][]string{"known": nil, "known/tagged": nil}, map[string][]string{"inner/module": {"known"}}, map[string]string{"prose": ""}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			problems, err := misplaced(tree, c.layout)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(problems)
			slices.Sort(c.want)
			says(t, problems, c.want...)
		})
	}
}

// misplaced are the folders of a tree that a layout does not know. What a package has below
// it without Go is its own, and so is testdata.
func misplaced(tree fs.FS, l layout) (problems []string, err error) {
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() || name == "." {
			return err
		}
		_, isPackage := l.packages[name]
		_, isFolder := l.folders[name]
		_, err = fs.Stat(tree, path.Join(name, "go.mod"))
		isModule := err == nil
		sources, err := fs.Glob(tree, path.Join(name, "*.go"))
		_, inPackage := l.packages[path.Dir(name)]
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(entry.Name(), "."), inPackage && entry.Name() == "testdata":
			return fs.SkipDir
		case isModule:
			found, err := l.module(tree, name)
			problems = append(problems, found...)
			if err != nil {
				return err
			}
			return fs.SkipDir
		case isFolder:
			return fs.SkipDir
		case isPackage, l.below(name):
			return nil
		case inPackage && len(sources) == 0:
			return fs.SkipDir
		}
		problems = append(problems, fmt.Sprintf("the folder %s is not in the layout", name))
		return fs.SkipDir
	})
	return problems, err
}

// below tells whether the layout has anything below a folder.
func (l layout) below(name string) bool {
	under := func(other string) bool { return strings.HasPrefix(other, name+"/") }
	for other := range l.packages {
		if under(other) {
			return true
		}
	}
	for other := range l.modules {
		if under(other) {
			return true
		}
	}
	for other := range l.folders {
		if under(other) {
			return true
		}
	}
	return false
}

// module looks at what a module within ours imports.
func (l layout) module(tree fs.FS, name string) (problems []string, err error) {
	may, known := l.modules[name]
	if !known {
		return []string{fmt.Sprintf("the module %s is not in the layout", name)}, nil
	}
	var imports []string
	err = fs.WalkDir(tree, name, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || path.Ext(file) != ".go" {
			return err
		}
		content, err := fs.ReadFile(tree, file)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, content, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imported := range syntax.Imports {
			path, _ := strconv.Unquote(imported.Path.Value) // the parser has read it as a string
			imports = append(imports, path)
		}
		return nil
	})
	for _, imported := range ours(imports) {
		if within := strings.HasPrefix(imported, name+"/"); !within && !slices.Contains(may, imported) {
			problems = append(problems, fmt.Sprintf("the module %s imports %s", name, imported))
		}
	}
	return problems, err
}
