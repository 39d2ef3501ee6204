// Package imports holds the check that imports point downward.
package imports

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed is which of our packages each package may import. A package that is
// not listed here may import none and must not exist.
var allowed = map[string][]string{
	"":                       {"bootstrap"},
	"bootstrap":              {"bootstrap/stopping", "cluster", "actors", "stream", "persistence", "messages", "detection", "datapoint", "configs", "synthetic", "episode", "tail", "tail/feed", "web", "web/api", "web/answers", "web/source"},
	"bootstrap/stopping":     {},
	"cluster":                {"actors", "stream", "persistence", "messages"},
	"actors":                 {"stream", "persistence", "messages", "detection", "datapoint"},
	"web":                    {"web/api", "web/page", "web/answers", "actors", "messages"},
	"web/answers":            {},
	"web/answers/madeup":     {"web/answers"},
	"web/api":                {"web/answers", "configs"},
	"web/source":             {"web/answers", "tail", "episode", "messages", "detection"},
	"web/page":               {"web/answers"},
	"web/page/sample":        {"web/page", "web/answers"},
	"web/page/sample/serve":  {"web/page/sample"},
	"stream":                 {"messages"},
	"persistence":            {},
	"messages":               {"detection"},
	"detection":              {},
	"datapoint":              {},
	"episode":                {},
	"tail":                   {"episode"},
	"tail/feed":              {"tail", "stream", "messages", "datapoint"},
	"configs":                {},
	"synthetic":              {},
	"bench":                  {"bench/report", "actors", "messages", "stream", "persistence", "detection", "datapoint", "synthetic"},
	"bench/report":           {},
	"test/imports":           {},
	"test/certs":             {},
	"test/golden":            {},
	"test/naive":             {},
	"test/sink":              {},
	"test/simulation":        {"bootstrap", "actors", "configs", "stream", "persistence", "test/golden", "test/naive", "test/sink"},
	"test/kafka":             {},
	"test/links":             {},
	"test/containers/golden": {"test/golden"},
}

// pure are the packages that must not reach the outside: what they may import
// of the standard library and others does not include these.
var pure = []string{"detection", "datapoint", "episode", "tail", "synthetic", "bench/report"}

var impure = []string{"os", "net", "time.Now", "log", "log/slog", "math/rand",
	"github.com/twmb/franz-go/pkg/kgo", "github.com/asynkron/protoactor-go/actor"}

func TestImportsPointDownward(t *testing.T) {
	const module = "anomalydetector"
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"/...").Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		name := strings.TrimPrefix(strings.TrimPrefix(words[0], module), "/")
		may, known := allowed[name]
		if !known {
			t.Errorf("package %s is not in the layout", name)
			continue
		}
		for _, imported := range words[1:] {
			ours, is := strings.CutPrefix(imported, module+"/")
			if is && !slices.Contains(may, ours) {
				t.Errorf("%s imports %s, which is not below it", name, ours)
			}
			if slices.Contains(pure, name) && slices.Contains(impure, imported) {
				t.Errorf("%s is pure, but imports %s", name, imported)
			}
		}
	}
}
