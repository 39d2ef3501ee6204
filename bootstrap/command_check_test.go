package bootstrap

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCheckConnectFailsIfADetectorCouldNotWork. It asks about every configuration, also after a failure.
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

// TestCheckConnectFindsAWrongField: it reads the last records as the detector would.
func TestCheckConnectFindsAWrongField(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t, name)
	for says, change := range map[string][2]string{
		"20 of the last 20 records of topic " + name + ".in can be read, such as entity ":                                            {"", ""},
		`problem: 0 of the last 20 records of topic ` + name + `.in can be read; the first that cannot: field "hegemoni" is missing`: {"value_field *=.*", "value_field = hegemoni"},
		`problem: 0 of the last 20 records of topic ` + name + `.in can be read; the first that cannot: field "asm" is missing`:      {"key_field *=.*", "key_field = asm"},
	} {
		conf, code := b.conf(t, t.TempDir(), name, ""), exitClean
		if change[0] != "" {
			code = exitFailure
			text, err := os.ReadFile(conf)
			must(t, err)
			changed := regexp.MustCompile("(?m)^"+change[0]+"$").ReplaceAllString(string(text), change[1])
			must(t, os.WriteFile(conf, []byte(changed), 0o644))
		}
		o := newOutside(t, map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": filepath.Join(t.TempDir(), "data")})
		if got := exits(t, o.run("check", "--connect", conf), o); got != code || !strings.Contains(o.output.String(), says) {
			t.Errorf("%v: exit code %d, want %d and %q in\n%s", change, got, code, says, o.output)
		}
	}
}
