package source

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// compressed is content in each compression.
func compressed(t testing.TB, content []byte) map[string][]byte {
	t.Helper()
	all := map[string][]byte{"": content}
	for name, open := range map[string]func(io.Writer) io.WriteCloser{
		".gz":  func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		".lz4": func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) },
		".zst": func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
	} {
		var packed bytes.Buffer
		for _, half := range [][]byte{content[:len(content)/2], content[len(content)/2:]} { // two members, as tools that append write them
			to := open(&packed)
			if _, err := to.Write(half); err != nil {
				t.Fatal(err)
			}
			if err := to.Close(); err != nil {
				t.Fatal(err)
			}
		}
		all[name] = packed.Bytes()
	}
	if path, err := exec.LookPath("bzip2"); err == nil {
		command := exec.Command(path, "-1c") // in small blocks
		command.Stdin = bytes.NewReader(content)
		if all[".bz2"], err = command.Output(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestCompressionIsToldByContent(t *testing.T) {
	content := sample(CSV, 10_000)
	want := readAll(t, hegemony, write(t, "plain.csv", string(content)))
	if len(want) != 10_000 {
		t.Fatalf("read %d rows", len(want))
	}
	for name, packed := range compressed(t, content) {
		t.Run("content "+name, func(t *testing.T) {
			compare(t, readAll(t, hegemony, write(t, "named.wrongly", string(packed))), want...)
		})
		if name == "" {
			continue
		}
		t.Run("damaged "+name, func(t *testing.T) {
			got := readAll(t, hegemony, write(t, "cut", string(packed[:len(packed)*3/4])), write(t, "whole", string(content)))
			failed := -1
			for i, line := range got {
				if strings.HasPrefix(line, "error ") {
					failed = i
				}
			}
			if failed < 0 || !strings.Contains(got[failed], "ends too early") || !strings.HasPrefix(got[failed], fmt.Sprintf("error cut:%d: ", failed+2)) {
				t.Fatalf("the error at %d of %d is %q", failed, len(got), got[max(failed, 0)])
			}
			compare(t, got[:failed], want[:failed]...)
			compare(t, got[failed+1:], want...)
		})
		t.Run("garbled "+name, func(t *testing.T) {
			garbled := bytes.Clone(packed)
			for i := len(garbled) / 2; i < len(garbled)/2+64; i++ {
				garbled[i] ^= 0x5a
			}
			got := readAll(t, hegemony, write(t, "garbled", string(garbled)))
			if last := got[len(got)-1]; !strings.Contains(last, "data is damaged") && !strings.Contains(last, "ends too early") {
				t.Errorf("the last line is %q", last)
			}
		})
		t.Run("not even begun "+name, func(t *testing.T) {
			if got := readAll(t, hegemony, write(t, "cut", string(packed[:6]))); len(got) != 1 || !strings.HasPrefix(got[0], "cannot open: cut") {
				t.Errorf("read %q", got)
			}
		})
	}
}
