package imports

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// drawn is a folder in a picture.
type drawn struct {
	line int
	pure bool
}

func TestPicturesShowTheOrderOfImports(t *testing.T) {
	for _, name := range pictures {
		content, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		picture := pictureOf(string(content))
		none(t, disordered(name, picture, allowed, folders, beside, pure))
	}
}

func TestPictureThatDiffersFromTheLayoutIsFound(t *testing.T) {
	content, err := os.ReadFile("testdata/picture.md")
	if err != nil {
		t.Fatal(err)
	}
	picture := pictureOf(string(content))
	made := map[string][]string{"": {"top"}, "top": {"top/part", "middle", "core"}, "top/part": {"middle"}, "middle": {"core"}, "core": {}, "try": {"top", "core"}}
	check := func(name string, change func(map[string][]string), pure []string, want ...string) {
		t.Helper()
		layout := maps.Clone(made)
		change(layout)
		t.Run(name, func(t *testing.T) {
			says(t, disordered("picture.md", picture, layout, map[string]string{"words": ""}, []string{"try"}, pure), want...)
		})
	}
	check("as drawn", func(map[string][]string) {}, []string{"core"})
	check("upward", func(l map[string][]string) { l["middle"] = []string{"core", "top/part"} }, []string{"core"},
		"picture.md draws top above middle, which may import top/part")
	check("not drawn", func(l map[string][]string) { l["new/part"] = nil }, []string{"core"}, "picture.md does not draw new")
	check("gone", func(l map[string][]string) { delete(l, "try") }, []string{"core"}, "picture.md draws try, which is not in the layout")
	check("product imports what is beside it", func(l map[string][]string) { l["middle"] = []string{"try"} }, []string{"core"},
		"middle may import try, which is beside the product")
	check("not pure", func(map[string][]string) {}, nil, "picture.md calls core pure, which is not checked")
}

var (
	block  = regexp.MustCompile("(?s)\n```[a-z]*\n(main\\.go .*?)\n```\n")
	folder = regexp.MustCompile(`^[a-z]+/$`)
)

// pictureOf reads the block of a text that begins with main.go: lines of one or more folders
// and what they are for.
func pictureOf(text string) map[string]drawn {
	picture := make(map[string]drawn)
	found := block.FindStringSubmatch(text)
	if found == nil {
		return picture
	}
	for i, line := range strings.Split(found[1], "\n") {
		for _, word := range strings.Fields(line) {
			if !folder.MatchString(word) {
				break
			}
			picture[strings.TrimSuffix(word, "/")] = drawn{i, strings.HasSuffix(line, "; pure")}
		}
	}
	return picture
}

// disordered is where a picture and the layout differ.
func disordered(file string, picture map[string]drawn, allowed map[string][]string, folders map[string]string, beside, pure []string) (problems []string) {
	top := func(name string) string { first, _, _ := strings.Cut(name, "/"); return first }
	known := make(map[string]bool)
	for name := range folders {
		known[top(name)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(allowed)) {
		here, is := picture[top(name)]
		if !is && name != "" && !known[top(name)] {
			problems = append(problems, fmt.Sprintf("%s does not draw %s", file, top(name)))
		}
		known[top(name)] = true
		for _, imported := range allowed[name] {
			there := picture[top(imported)]
			switch {
			case slices.Contains(beside, top(name)):
			case slices.Contains(beside, top(imported)):
				problems = append(problems, fmt.Sprintf("%s may import %s, which is beside the product", name, imported))
			case is && there.line < here.line:
				problems = append(problems, fmt.Sprintf("%s draws %s above %s, which may import %s", file, top(imported), top(name), imported))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(picture)) {
		if !known[name] {
			problems = append(problems, fmt.Sprintf("%s draws %s, which is not in the layout", file, name))
		}
		if picture[name].pure && !slices.Contains(pure, name) {
			problems = append(problems, fmt.Sprintf("%s calls %s pure, which is not checked", file, name))
		}
	}
	return problems
}
