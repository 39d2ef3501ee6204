package configs

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// interpreter is a running configparser. Its methods may be called concurrently.
type interpreter struct {
	mu  sync.Mutex
	in  io.Writer
	out io.Reader
}

// startPython runs the interpreter that PYTHON names, or python3. Without one, the test is skipped.
func startPython(t testing.TB) *interpreter {
	t.Helper()
	name := "python3"
	if named := os.Getenv("PYTHON"); named != "" {
		name = named
	} else if _, err := exec.LookPath(name); err != nil {
		t.Skipf("Python is needed (PYTHON names another one): %v", err)
	}
	command := exec.Command(name, filepath.Join("testdata", "configparser", "serve.py"))
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = command.Wait() })
	return &interpreter{in: in, out: out}
}

// readFile is what Python makes of a file.
func (p *interpreter) readFile(t *testing.T, content []byte) (reading struct {
	pythonReading
	Lower string // the text in Python's lower case
}) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.in.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(content))), content...)); err != nil {
		t.Fatal(err)
	}
	var head [4]byte
	if _, err := io.ReadFull(p.out, head[:]); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(p.out, answer); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(answer, &reading); err != nil {
		t.Fatal(err)
	}
	return reading
}

// FuzzParseAgainstPython: both read the same, or both refuse. Texts whose lower case differs in Python
// are left out, as parse says.
func FuzzParseAgainstPython(f *testing.F) {
	cases, err := filepath.Glob(filepath.Join("testdata", "configparser", "*.ini"))
	if err != nil || len(cases) == 0 {
		f.Fatalf("no cases: %v", err)
	}
	for _, path := range cases {
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	python := startPython(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		doc, err := parse("fuzz.conf", content)
		want := python.readFile(t, content)
		if want.Error != "" || err != nil {
			if (want.Error != "") != (err != nil) {
				t.Errorf("%q gives error %v, Python says %q", content, err, want.Error)
			}
			return
		}
		if strings.ToLower(lineEnds.Replace(strings.TrimPrefix(string(content), "\ufeff"))) != want.Lower {
			return
		}
		if len(doc.names) != len(want.Sections) {
			t.Fatalf("%q has sections %q, Python has %v", content, doc.names, want.Sections)
		}
		for i, section := range want.Sections {
			if got := doc.sections[section.Name]; doc.names[i] != section.Name || !reflect.DeepEqual(got, section.Keys) {
				t.Errorf("%q: [%s] has %q, Python has [%s] with %q", content, doc.names[i], got, section.Name, section.Keys)
			}
		}
	})
}
