package readme

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// block is a fenced block of sh on a page.
type block struct {
	page string // path from the root
	line int    // of its fence
	info map[string]string
	text string
	want string // the output that the page shows; "" for any
}

func (b *block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// pages are all pages for people.
func pages(t *testing.T) []string {
	t.Helper()
	all := []string{"README.md"}
	for _, pattern := range []string{"CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/*.md", "docs/adr/*.md", "ops/*.md", "ops/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			page, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, filepath.ToSlash(page))
		}
	}
	return all
}

var attribute = regexp.MustCompile(`(\w+)=("[^"]*"|\S+)`)

// blocks returns the blocks of sh of a page, each with the output that follows it.
func blocks(t *testing.T, page string) (all []*block) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	var last, current *block
	var output bool
	for i, line := range strings.Split(string(content), "\n") {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && (current != nil || output):
			last, current, output = current, nil, false
		case fence:
			words := strings.Fields(info)
			switch {
			case len(words) > 1 && words[0] == "text" && words[1] == "output":
				if last == nil {
					t.Fatalf("%s:%d: there is no block of sh whose output this could be", page, i+1)
				}
				output, current = true, nil
			default:
				current = &block{page: page, line: i + 1, info: map[string]string{}}
				for _, found := range attribute.FindAllStringSubmatch(info, -1) {
					current.info[found[1]] = strings.Trim(found[2], `"`)
				}
				if len(words) > 0 && (words[0] == "sh" || words[0] == "bash" || words[0] == "console") {
					all = append(all, current)
				}
			}
		case output:
			last.want += line + "\n"
		case current != nil:
			current.text += line + "\n"
		}
	}
	return all
}

func everyBlock(t *testing.T) (all []*block) {
	for _, page := range pages(t) {
		all = append(all, blocks(t, page)...)
	}
	return all
}

func TestEachCommandSaysWhatRunsIt(t *testing.T) {
	names := map[string]bool{}
	for _, b := range everyBlock(t) {
		declared := 0
		for _, how := range []string{"env", "by", "never"} {
			if b.info[how] != "" {
				declared++
			}
		}
		if declared != 1 {
			t.Errorf("%s has %d of env, by and never, want one", b, declared)
		}
		if name := b.page + " " + b.info["name"]; b.info["name"] != "" && names[name] {
			t.Errorf("%s: the page has another block of the name %s", b, b.info["name"])
		} else {
			names[name] = true
		}
		if env := b.info["env"]; env != "" && !slices.Contains(environments, env) {
			t.Errorf("%s: there is no environment %s", b, env)
		}
		if by := b.info["by"]; by != "" {
			takes(t, b, by)
		}
	}
}

// takes checks that a file takes a block from its page.
func takes(t *testing.T, b *block, file string) {
	content, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Errorf("%s: %v", b, err)
		return
	}
	call := regexp.MustCompile(`readme/block"? +"?` + regexp.QuoteMeta(b.page) + `"? +"?` + regexp.QuoteMeta(b.info["name"]) + `[\s")]`)
	if b.info["name"] == "" || !call.Match(content) {
		t.Errorf("%s: %s does not take it with: test/readme/block %s %s", b, file, b.page, b.info["name"])
	}
}
