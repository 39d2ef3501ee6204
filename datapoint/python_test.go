package datapoint

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// malformed says whether a record is refused whatever fields are looked for.
func malformed(bad *BadRecord) bool {
	if bad == nil {
		return false
	}
	switch bad.Reason {
	case NotMsgpack, Truncated, NotUTF8, NameNotString, InvalidTime, ReservedExt:
		return true
	}
	return false
}

// sameAsPython compares the result with the verdict of testdata/python_reads.py. Python reads deeper records
// than we do, and does not read the anomalies of the deepest ones.
func sameAsPython(t *testing.T, s *Scanner, payload []byte, verdict string) {
	t.Helper()
	_, bad := s.Scan(0, payload)
	switch whole := verdict == "ok ok"; {
	case !malformed(bad) && !whole:
		t.Errorf("payload %x is taken (%v), and Python says %s", payload, bad, verdict)
	case malformed(bad) && whole && !(bad.Reason == NotMsgpack && deeperThanAllowed(payload)):
		t.Errorf("payload %x is refused (%v), and Python reads it", payload, bad)
	}
}

// deeperThanAllowed says whether a payload is one of those that are made here to be too deep.
func deeperThanAllowed(payload []byte) bool {
	return bytes.Count(payload, []byte{0x91})+bytes.Count(payload, []byte{0x81, 0xa0}) >= maxDepth
}

// If Scan took more, the consumers of anomalies would stop; it must not take less either.
// testdata/python_reads.py recorded the verdicts.
func TestScanTakesWhatPythonReads(t *testing.T) {
	file, err := os.Open("testdata/python_reads.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	s := NewScanner("hege", propertyKeys)
	read, refused := 0, 0
	lines := bufio.NewScanner(unzipped)
	for lines.Scan() {
		text, verdict, _ := strings.Cut(lines.Text(), " ")
		payload, err := hex.DecodeString(strings.Trim(text, "-"))
		if err != nil {
			t.Fatal(err)
		}
		sameAsPython(t, s, payload, verdict)
		if verdict == "ok ok" {
			read++
		} else {
			refused++
		}
	}
	if lines.Err() != nil || read < 500 || refused < 1000 {
		t.Errorf("%d payloads that Python reads, %d that it refuses; %v", read, refused, lines.Err())
	}
}

// python gives the verdicts of the installed msgpack on payloads.
type python struct {
	ask    io.Writer
	answer *bufio.Scanner
}

// startPython runs the interpreter that PYTHON names, which must have msgpack. Without PYTHON it runs
// python3, and skips the test if that has no msgpack.
func startPython(t testing.TB) *python {
	t.Helper()
	interpreter, missing := "python3", t.Skipf
	if named := os.Getenv("PYTHON"); named != "" {
		interpreter, missing = named, t.Fatalf
	}
	if out, err := exec.Command(interpreter, "-c", "import msgpack; assert msgpack.version >= (1, 2)").CombinedOutput(); err != nil {
		missing("%s with the package msgpack 1.2 is needed (PYTHON names another one): %v %s", interpreter, err, lastLine(out))
	}
	command := exec.Command(interpreter, "testdata/python_reads.py", "--serve")
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
	t.Cleanup(func() {
		in.Close()
		if err := command.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &python{in, bufio.NewScanner(out)}
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

func (p *python) verdict(t *testing.T, payload []byte) string {
	t.Helper()
	if _, err := fmt.Fprintf(p.ask, "%x\n", payload); err != nil {
		t.Fatal(err)
	}
	if !p.answer.Scan() {
		t.Fatal("Python answers no more: ", p.answer.Err())
	}
	return p.answer.Text()
}

// The test asks the real msgpack; see startPython.
func TestScanAgreesWithPythonOnRandomRecords(t *testing.T) {
	p := startPython(t)
	s := NewScanner("hege", propertyKeys)
	seen := make(map[string]int)
	for seed := range uint64(5_000) {
		r := rand.New(rand.NewPCG(seed, 2))
		payload := spoiled(r)
		verdict := p.verdict(t, payload)
		sameAsPython(t, s, payload, verdict)
		seen[verdict]++
	}
	if seen["ok ok"] < 1000 || seen["ValueError"] < 100 || seen["UnicodeDecodeError"] < 100 {
		t.Errorf("the verdicts are too much alike: %v", seen)
	}
}

// spoiled is a record, in most cases with some bytes changed, inserted or removed.
func spoiled(r *rand.Rand) []byte {
	payload := randomRecord(r)
	if r.IntN(4) == 0 {
		payload = appendRandom(msgp.AppendString([]byte{0x81}, "x"), r, 5)
	}
	for range r.IntN(4) {
		at := r.IntN(len(payload))
		switch r.IntN(4) {
		case 0:
			payload[at] = byte(r.Uint32())
		case 1:
			payload[at] = []byte{0x81, 0x91, 0xa1, 0xa2, 0xc1, 0xc4, 0xc7, 0xd4, 0xd6, 0xd7, 0xd9, 0xff}[r.IntN(12)]
		case 2:
			payload = append(payload[:at:at], append([]byte{byte(r.Uint32())}, payload[at:]...)...)
		case 3:
			if len(payload) > 1 {
				payload = append(payload[:at:at], payload[at+1:]...)
			}
		}
	}
	return payload
}

// FuzzScanAgainstPython is TestScanAgreesWithPythonOnRandomRecords with the inputs of
// Go's fuzzer.
func FuzzScanAgainstPython(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(spoiled(rand.New(rand.NewPCG(seed, 3))))
	}
	p := startPython(f)
	s := NewScanner("hege", propertyKeys)
	f.Fuzz(func(t *testing.T, payload []byte) {
		sameAsPython(t, s, payload, p.verdict(t, payload))
	})
}
