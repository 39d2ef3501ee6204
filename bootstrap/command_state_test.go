package bootstrap

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"anomalydetector/persistence"
)

// did runs a command and returns its output.
func did(t *testing.T, env map[string]string, code int, arguments ...string) string {
	t.Helper()
	o := newOutside(t, env)
	if got := exits(t, o.run(arguments...), o); got != code {
		t.Fatalf("%v: exit code %d, want %d:\n%s", arguments, got, code, o.output)
	}
	return o.output.String()
}

func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("it does not say %q:\n%s", word, text)
		}
	}
}

// TestExportedStateIsUsedAfterAnImport: a detector runs; its state is shown, exported and imported; a
// detector starts from it.
func TestExportedStateIsUsedAfterAnImport(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t, name)
	dir := t.TempDir()
	conf := b.conf(t, dir, name, "")
	at := func(data string) map[string]string {
		return map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": filepath.Join(dir, data)}
	}
	says(t, did(t, at("one"), exitFailure, "state", conf), "there is no state yet", "DETECTOR_DATA_DIR")
	if _, err := os.Stat(filepath.Join(dir, "one")); err == nil {
		t.Error("state show has made the directory")
	}

	o := newOutside(t, at("one"))
	exit := o.run(conf)
	b.untilRead(t, name)
	says(t, did(t, at("one"), exitFailure, "state", conf), "in use", "stop it first")
	says(t, did(t, at("one"), exitFailure, "state", "import", conf, conf), "stop it first")
	o.signals <- syscall.SIGTERM
	exits(t, exit, o)

	says(t, did(t, at("one"), exitClean, "state", conf), "on disk", "usable", name+"  0", "yes")
	var found []stateDirectory
	must(t, json.Unmarshal([]byte(did(t, at("one"), exitClean, "state", conf, "--json")), &found))
	offset := int64(0)
	for _, p := range found[0].Partitions {
		offset += p.Offset
		if !p.Usable || p.Entities == 0 || p.Points < p.Entities || p.StreamTime == nil || p.Bytes == 0 || p.Format != 1 {
			t.Errorf("partition %+v", p)
		}
	}
	if want := len(b.cases[name].Records); offset != int64(want) {
		t.Errorf("the offsets come to %d, want %d", offset, want)
	}

	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	says(t, did(t, at("one"), exitClean, "state", "export", conf, first), "exported partition 0 up to offset")
	says(t, did(t, at("two"), exitClean, "state", "import", conf, first), "imported partition 0 up to offset")
	did(t, at("two"), exitClean, "state", "export", conf, second)
	same(t, first, second)

	text, err := os.ReadFile(conf)
	must(t, err)
	other := filepath.Join(t.TempDir(), name+".conf")
	changed := regexp.MustCompile(`(?m)^value_field.*$`).ReplaceAll(text, []byte("value_field = other"))
	must(t, os.WriteFile(other, changed, 0o644))
	says(t, did(t, at("two"), exitClean, "state", other), "no: they are of another value_field (")
	says(t, did(t, at("two"), exitFailure, "state", "import", other, first), "another value_field (", "the stored windows are unchanged")
	changed = regexp.MustCompile(`(?m)^\[detection\]$`).ReplaceAll(text, []byte("[detection]\nmethod = habit"))
	must(t, os.WriteFile(other, changed, 0o644))
	says(t, did(t, at("two"), exitClean, "state", other), "no: they are of another method: original")
	says(t, did(t, at("two"), exitFailure, "state", "import", conf, conf), "this is no archive", "the stored windows are unchanged")
	says(t, did(t, at("two"), exitFailure, "state", "import", conf, first, "--partition", "99"), "partition 99 is not in it")
	says(t, did(t, at("two"), exitFailure, "state", "export", conf, second, "--partition", "99"), "nothing is stored for partition 99")
	says(t, did(t, at("two"), exitFailure, "state", "export", conf, second), "the file exists", "--force")
	did(t, at("two"), exitClean, "state", "export", conf, second, "--force")
	same(t, first, second)

	// The detector starts from the imported windows: it replays nothing.
	o = newOutside(t, at("two"))
	exit = o.run(conf)
	for deadline := time.Now().Add(patience); strings.Count(o.output.String(), "partition ready") < len(found[0].Partitions); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the partitions were not ready:\n%s", o.output)
		}
	}
	o.signals <- syscall.SIGTERM
	if code := exits(t, exit, o); code != exitClean || strings.Count(o.output.String(), "replayed=0") != len(found[0].Partitions) {
		t.Errorf("exit code %d, and not all was used of what was imported:\n%s", code, o.output)
	}
}

func same(t *testing.T, first, second string) {
	t.Helper()
	a, err := os.ReadFile(first)
	must(t, err)
	b, err := os.ReadFile(second)
	must(t, err)
	if len(a) == 0 || !bytes.Equal(a, b) {
		t.Errorf("the archives differ: %d and %d bytes", len(a), len(b))
	}
}

func TestDamagedDirectoryIsNamed(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "state"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "state", "MANIFEST"), []byte("nonsense"), 0o600))
	if there, err := persistence.HasState(dir); !there || err != nil {
		t.Fatalf("state %v, %v", there, err)
	}
	says(t, did(t, map[string]string{"DETECTOR_DATA_DIR": dir}, exitFailure, "state", "hegemonydetector.conf"), "moves the damaged state aside and rebuilds the windows", dir)

	text, err := os.ReadFile(filepath.Join("..", "configs", "hegemonydetector.conf"))
	must(t, err)
	stops := filepath.Join(t.TempDir(), "hegemonydetector.conf")
	must(t, os.WriteFile(stops, bytes.Replace(text, []byte("; on_damage = rebuild"), []byte("on_damage = stop"), 1), 0o644))
	for _, command := range [][]string{{"state", stops}, {"state", "import", stops, stops}} {
		if said := did(t, map[string]string{"DETECTOR_DATA_DIR": dir}, exitFailure, command...); strings.Contains(said, "moves it aside") || !strings.Contains(said, "MANIFEST") {
			t.Errorf("with on_damage = stop, %v says %s", command, said)
		}
	}
	must(t, os.RemoveAll(filepath.Join(dir, "state")))
	must(t, os.WriteFile(filepath.Join(dir, "state"), nil, 0o600))
	if said := did(t, map[string]string{"DETECTOR_DATA_DIR": dir}, exitFailure, "state", "import", "hegemonydetector.conf", stops); strings.Contains(said, "moves it aside") {
		t.Errorf("of a file that is no directory it says %s", said)
	}
}
