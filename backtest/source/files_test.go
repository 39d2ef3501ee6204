package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInputsAreReadInTheirOrderAndAgain(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"b.csv", "a.csv", "[c].csv"} {
		if err := os.WriteFile(filepath.Join(dir, name), fmt.Appendf(nil, "timestamp,scope,asn,hege\n1600000200,%d,2,3\n", i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := hegemony
	o.Stdin = strings.NewReader("timestamp,scope,asn,hege\n1600000200,9,2,3\n")
	o.Spool = true
	from := open(t, o, "-", filepath.Join(dir, "*.csv"), filepath.Join(dir, "[c].csv"))
	want := []string{"2 1600000200000 9,2 3", "2 1600000200000 2,2 3", "2 1600000200000 1,2 3", "2 1600000200000 0,2 3", "2 1600000200000 2,2 3"}
	for range 3 {
		compare(t, everything(t, from, o), want...)
		if err := from.Rewind(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := from.Next(context.Background()); err != nil { // and once more, given up in the middle
		t.Fatal(err)
	}
	if err := from.Rewind(); err != nil {
		t.Fatal(err)
	}
	compare(t, everything(t, from, o), want...)
	if done, of := from.Progress(); done == 0 || of != 0 {
		t.Errorf("progress is %d of %d", done, of)
	}

	o.Stdin, o.Spool = strings.NewReader("timestamp,scope,asn,hege\n"), false
	if err := open(t, o, "-").Rewind(); err == nil {
		t.Error("standard input can rewind without a spool")
	}
}

func TestWhatCannotBeOpenedIsSaid(t *testing.T) {
	dir := t.TempDir()
	good := write(t, "good.csv", "timestamp,scope,asn,hege\n")
	for _, c := range []struct {
		name  string
		names []string
		o     Options
		want  string
	}{
		{"missing", []string{filepath.Join(dir, "x"), good, filepath.Join(dir, "y")}, hegemony, "x: cannot open it: no such file or directory y: cannot open it: no such file or directory"},
		{"folder", []string{t.TempDir()}, hegemony, ": this is a folder: want a file"},
		{"pattern", []string{filepath.Join(dir, "*.csv")}, hegemony, "*.csv: no file matches this pattern"},
		{"broken pattern", []string{filepath.Join(dir, "[")}, hegemony, "[: not a pattern: syntax error in pattern"},
		{"stdin twice", []string{"-", "-"}, hegemony, "standard input is named twice: it can be read only once"},
		{"map", []string{good}, Options{ValueField: "v", KeyFields: []string{"k"}, Map: map[string]string{"x": "y"}}, `cannot map the field "x" to a column: the configuration's fields are v, k`},
		{"map to one column", []string{good}, Options{ValueField: "v", KeyFields: []string{"k"}, Map: map[string]string{"k": "v"}}, `the fields "v" and "k" cannot both be in the column "v"`},
		{"format", []string{good}, Options{Format: "xml"}, `unknown format "xml": want one of golden, jsonl, csv, msgpack`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(c.names, c.o)
			if err == nil || !strings.HasSuffix(withoutFolder(err.Error()), c.want) {
				t.Errorf("the error is %v, want %s", err, c.want)
			}
		})
	}
	if _, err := ParseMap([]string{"a=b", "c"}); err == nil {
		t.Error("a mapping without = is taken")
	}
}

// TestLongRowsAreRead has rows that are longer than a block, and one that is longer than any record.
func TestLongRowsAreRead(t *testing.T) {
	long := strings.Repeat("x", 3*blockSize)
	content := "timestamp,scope,asn,hege\n1600000200,1,2,3\n1600000200," + long + ",2,3\n1600000200,\"" + strings.ReplaceAll(long, "xxx", "x\n\"\"") + "\",2,3\n1600000200,4,2,3\n"
	got := readAll(t, hegemony, write(t, "rows", content))
	if len(got) != 4 || got[0] != "2 1600000200000 1,2 3" || !strings.HasPrefix(got[1], "3 1600000200000 xxx") || !strings.HasPrefix(got[2], "4 1600000200000 x\n\"x") || !strings.HasSuffix(got[3], " 4,2 3") {
		t.Errorf("read %.100q", got)
	}
	got = readAll(t, hegemony, write(t, "rows", "timestamp,scope,asn,hege\n1600000200,1,2,3\n1600000200,"+strings.Repeat("x", rowSize)+",2,3\n"))
	compare(t, got, "2 1600000200000 1,2 3", "error rows:3: the row is longer than 16 MB: want one datapoint a line, and closed quotes")
}

func TestDecodingAllocatesNothing(t *testing.T) {
	for _, format := range []string{JSON, CSV} {
		b, err := open(t, hegemony, write(t, "rows", string(sample(format, 2000)))).Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		d := NewDecoder(hegemony)
		row, fault := func(*Row) {}, func(f *Fault) { t.Error(reason(f)) }
		if allocations := testing.AllocsPerRun(10, func() { d.Decode(b, row, fault) }); allocations > 0 {
			t.Errorf("decoding 2000 rows of %s allocates %v times", format, allocations)
		}
	}
}

func TestEndedContextEndsNext(t *testing.T) {
	reader, writer := io.Pipe()
	defer writer.Close()
	o := hegemony
	o.Stdin = reader
	from, err := Open([]string{"-"}, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := from.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if err := from.Close(); err != nil {
		t.Error(err)
	}
}
