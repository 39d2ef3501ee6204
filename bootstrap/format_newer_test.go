package bootstrap

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"anomalydetector/test/formats"
)

// TestStateOfANewerVersionIsRefused: after a downgrade the program finds a format that it does not know. It
// ends with one clear error, changes nothing, and the newer version can go on.
func TestStateOfANewerVersionIsRefused(t *testing.T) {
	f := storedFormats(t)[0]
	dir := f.Unpack(t, formats.Closed)
	renumberHeads(t, dir, 8)
	b := newBroker(t)
	b.commitUpTo(t, f, formats.Closed, "atlasdelaydetector")
	p := startProcess(t, t.TempDir(), []string{"KAFKA_HOST=" + b.address(), "DETECTOR_DATA_DIR=" + dir, "container=test"}, "atlasdelaydetector.conf")
	var said output
	copied := make(chan struct{})
	go func() {
		_, _ = io.Copy(&said, p.stdout) // the cleanup closes it
		close(copied)
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("stdout of the process:\n%s", &said)
		}
	})
	p.exits(t, exitFailure)
	<-copied
	told := said.String() + p.stderr.String()
	if strings.Count(told, "newer version") != 1 || strings.Contains(told, "goroutine ") {
		t.Errorf("it does not say once that a newer version wrote the state:\n%s", told)
	}
	renumberHeads(t, dir, -8)
	says(t, did(t, in(dir), exitClean, "state", "atlasdelaydetector.conf"), "yes")
}

// renumberHeads adds to the format of each stored head.
func renumberHeads(t *testing.T, dir string, by int) {
	t.Helper()
	db, err := badger.Open(badger.DefaultOptions(filepath.Join(dir, "state")).WithLogger(nil).WithValueLogFileSize(8 << 20).WithCompression(options.None))
	must(t, err)
	defer func() { must(t, db.Close()) }()
	count := 0
	must(t, db.Update(func(txn *badger.Txn) error {
		heads := txn.NewIterator(badger.IteratorOptions{Prefix: []byte("h")})
		values := make(map[string][]byte)
		for heads.Rewind(); heads.Valid(); heads.Next() {
			value, err := heads.Item().ValueCopy(nil)
			must(t, err)
			value[0] = byte(int(value[0]) + by)
			values[string(heads.Item().Key())] = value
		}
		heads.Close()
		for key, value := range values {
			must(t, txn.Set([]byte(key), value))
			count++
		}
		return nil
	}))
	if count == 0 {
		t.Fatal("no head is stored")
	}
}
