package source

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestPipeIsReadOnceAndWhole, as a shell's <(command) is. With Spool it can be read again.
func TestPipeIsReadOnceAndWhole(t *testing.T) {
	file := write(t, "a.csv", "timestamp,scope,asn,hege\n1600000200,1,2,0.5\n")
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, spool := range []bool{false, true} {
		o := hegemony
		o.Spool = spool
		from, err := Open([]string{file, fifo}, o)
		if err != nil {
			t.Fatal(err)
		}
		wrote := make(chan error)
		go func() { wrote <- os.WriteFile(fifo, []byte("timestamp,scope,asn,hege\n1600001100,3,4,0.5\n"), 0o600) }()
		want := []string{"2 1600000200000 1,2 0.5", "2 1600001100000 3,4 0.5"}
		compare(t, everything(t, from, o), want...)
		if err := <-wrote; err != nil {
			t.Error(err)
		}
		if err := from.Rewind(); (err == nil) != spool {
			t.Errorf("with spool %v it is read again with %v", spool, err)
		}
		if spool {
			compare(t, everything(t, from, o), want...)
		}
		if err := from.Close(); err != nil {
			t.Error(err)
		}
	}
}
