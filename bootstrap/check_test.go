package bootstrap

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckConnectFailsIfADetectorCouldNotWork: each configuration is asked about, also
// behind one that could not.
func TestCheckConnectFailsIfADetectorCouldNotWork(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t, name)
	dir := t.TempDir()
	conf := b.conf(t, dir, name, "")
	data := filepath.Join(dir, "data")
	for _, c := range []struct {
		confs []string
		code  int
		says  []string
	}{
		{[]string{conf}, exitClean, []string{"answers: 1 broker", "input topic " + name + ".in: ", "output topic " + name + ".out does not exist", "group " + name + ": 0 members"}},
		{[]string{"hegemonydetector.conf", conf}, exitFailure, []string{"problem: input topic ihr_hegemony does not exist", "group " + name}},
	} {
		o := newOutside(t, map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": data})
		if code := exits(t, o.run(append([]string{"check", "--connect"}, c.confs...)...), o); code != c.code {
			t.Errorf("%v: exit code %d, want %d", c.confs, code, c.code)
		}
		for _, says := range c.says {
			if !strings.Contains(o.output.String(), says) {
				t.Errorf("%v: %q is not in\n%s", c.confs, says, o.output)
			}
		}
	}
	if found, _ := filepath.Glob(data); found != nil {
		t.Error("the data directory was made")
	}
	if got := b.cluster.PartitionInfos(name + ".out"); got != nil {
		t.Error("the output topic was made")
	}
}
