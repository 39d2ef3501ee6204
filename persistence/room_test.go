package persistence

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestGarbageTakesBoundedSpace: journal blocks are deleted soon after they are written. Their space is used
// again, although nobody collects garbage here, and no memtable is full of anything else.
func TestGarbageTakesBoundedSpace(t *testing.T) {
	const entities, checkpoints, bound = 2000, 3500, 60 << 20
	l := newLoadedWith(t, entities, Options{Memory: 16 << 20, Log: slog.New(slog.DiscardHandler)})
	for range checkpoints {
		l.bin()
		l.checkpoint()
	}
	if written := l.head.Offset * 10; written < bound {
		t.Fatalf("about %d bytes were written, which shows nothing", written)
	}
	size := func() (bytes int64) {
		files, err := os.ReadDir(l.store.db.Opts().Dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if info, err := file.Info(); err == nil && filepath.Ext(file.Name()) != ".mem" { // else it was compacted meanwhile
				bytes += info.Size()
			}
		}
		return bytes
	}
	for deadline := time.Now().Add(time.Minute); size() > bound; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the files take %d bytes, want at most %d", size(), bound)
		}
	}
}
