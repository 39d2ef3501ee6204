package bootstrap

import (
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"anomalydetector/persistence"
)

// TestSignalEndsALongOpening: nothing else reads signals meanwhile.
func TestSignalEndsALongOpening(t *testing.T) {
	o := newOutside(t, map[string]string{"DETECTOR_DATA_DIR": t.TempDir(), "KAFKA_HOST": "127.0.0.1:1"})
	confs, err := loadAll([]string{"hegemonydetector.conf"}, &o.World)
	must(t, err)
	o.Container = "so that the log goes to standard output"
	long := false
	err = Run(&o.World, confs, Options{Store: func(options *persistence.Options) {
		begin := options.Long
		options.Free = func() (uint64, error) { // called while the directory is opened
			if !long {
				long = true
				o.signals <- syscall.SIGTERM
				<-begin()
			}
			return 1 << 40, nil
		}
	}})
	if err != nil || !strings.Contains(o.output.String(), "stopped before anything was read") {
		t.Errorf("it ended with %v; it said\n%s", err, o.output)
	}
}

// A disk that hangs does not keep the process.
func TestDataDirectoryThatHangsIsGivenUp(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		hangs, writing := make(chan struct{}), make(chan struct{})
		node, err := persistence.OpenNode(dir, "")
		must(t, err)
		store, err := persistence.OpenStore(dir, persistence.Options{Log: slog.New(slog.DiscardHandler), BeforeWrite: func() error {
			close(writing)
			<-hangs
			return nil
		}})
		must(t, err)
		partition, err := store.Partition("d", 0)
		must(t, err)
		written := make(chan error, 1)
		go func() { written <- partition.Checkpoint(persistence.Head{Source: "s", Offset: 1}, nil, nil) }()
		<-writing
		begun := time.Now()
		err = (&home{dir: dir, node: node, store: store}).close()
		if took := time.Since(begun); err == nil || took != closeWithin {
			t.Errorf("closing took %s and returned %v, want an error after %s", took, err, closeWithin)
		}
		close(hangs)
		<-written
		partition.Close()
		synctest.Wait()
		must(t, node.Close())
	})
}
