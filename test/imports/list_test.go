package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "anomalydetector"

// listed is what the go command says of a package.
type listed struct {
	ImportPath   string
	Dir          string
	Standard     bool
	DepOnly      bool   // it is listed as a dependency only
	Export       string // the file with what it exports, compiled
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// name is how the layout calls a package of ours.
func (l *listed) name() string {
	return strings.TrimPrefix(strings.TrimPrefix(l.ImportPath, module), "/")
}

// list asks the go command for packages.
func list(t *testing.T, arguments ...string) (all []*listed) {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-pgo=off", "-json=ImportPath,Dir,Standard,DepOnly,Export,GoFiles,Imports,TestImports,XTestImports"}, arguments...)...).Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		t.Fatalf("list packages: %v: %s", err, failed.Stderr)
	}
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		l := &listed{}
		if err := decoder.Decode(l); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
}

// madeUp lists a made-up package of testdata.
func madeUp(t *testing.T, name string) *listed {
	t.Helper()
	return list(t, "./testdata/"+name)[0]
}

// says compares the problems that a check has found.
func says(t *testing.T, problems []string, want ...string) {
	t.Helper()
	if got, wanted := strings.Join(problems, "\n"), strings.Join(want, "\n"); got != wanted {
		t.Errorf("it finds\n%s\nwant\n%s", got, wanted)
	}
}

// none reports problems of our packages.
func none(t *testing.T, problems []string) {
	t.Helper()
	for _, problem := range problems {
		t.Error(problem)
	}
}
