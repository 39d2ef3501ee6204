package bootstrap

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"anomalydetector/configs"
	"anomalydetector/web"
)

// again is a reloader of one or two configurations that the test can change on disk.
type again struct {
	*reloader
	path    string
	second  string // path of the other configuration, if there is one
	output  *output
	other   *output // log of the other configuration
	applied []*configs.Config
	now     time.Time
}

func newAgain(t *testing.T, text string, second ...string) *again {
	t.Helper()
	dir := t.TempDir()
	a := &again{path: filepath.Join(dir, "a.conf"), second: filepath.Join(dir, "b.conf"), output: &output{}, other: &output{}, now: time.Unix(1_800_000_000, 0)}
	a.write(t, text)
	paths := []string{a.path}
	for _, text := range second {
		must(t, os.WriteFile(a.second, []byte(text), 0o600))
		paths = append(paths, a.second)
	}
	world := &World{Env: func(string) string { return "" }, Stdout: &output{}, Stderr: &output{}, Now: func() time.Time { return a.now }}
	confs, err := loadAll(paths, world)
	must(t, err)
	logs := newLogs(world)
	t.Cleanup(func() { _ = logs.close() })
	a.reloader = &reloader{now: world.Now, logs: logs,
		read:  func() ([]*configs.Config, error) { return loadAgain(paths, world) },
		apply: func(confs []*configs.Config) { a.applied = append(a.applied, confs[0]) },
	}
	for i, config := range confs {
		a.all = append(a.all, &reloadable{config, slog.New(slog.NewTextHandler([]*output{a.output, a.other}[i], nil))})
	}
	a.begin()
	return a
}

func (a *again) write(t *testing.T, text string) {
	t.Helper()
	must(t, os.WriteFile(a.path, []byte(text), 0o600))
}

func (a *again) is(t *testing.T, want web.Reload) {
	t.Helper()
	if got := *a.last.Load(); got != want {
		t.Errorf("the result is %+v, want %+v", got, want)
	}
}

func conf1(t *testing.T) string {
	t.Helper()
	return readAll(t, filepath.Join("..", "testdata", "golden", "hegemony_mean", "detector.conf"))
}

// TestReloadThatCannotBeUsedChangesNothing: not even those settings that are right.
func TestReloadThatCannotBeUsedChangesNothing(t *testing.T) {
	text := conf1(t)
	certificate := filepath.Join(t.TempDir(), "ca.pem")
	for name, c := range map[string]struct {
		start, then string
		do          func(t *testing.T, a *again)
		says        string
	}{
		"unknown key":    {then: "[persistence]\nfree_space_floor_mb = 700\nfoor = 1\n", says: `\[persistence\] foor: unknown key`},
		"bad number":     {then: "[persistence]\nfree_space_floor_mb = 700\ncached_entities = many\n", says: `cached_entities: the value is`},
		"file is gone":   {do: func(t *testing.T, a *again) { must(t, os.Remove(a.path)) }, says: "there is no such file"},
		"file is a FIFO": {do: func(t *testing.T, a *again) { must(t, os.Remove(a.path)); must(t, syscall.Mkfifo(a.path, 0o600)) }, says: "not a regular file"},
		"broken certificate": {start: "[kafka]\ntls_ca = " + certificate + "\n", then: "[kafka]\ntls_ca = " + certificate + "\n[persistence]\nfree_space_floor_mb = 700\n",
			do: func(t *testing.T, _ *again) { must(t, os.WriteFile(certificate, []byte("no certificate"), 0o600)) }, says: `\[kafka\].*no PEM certificate`},
	} {
		t.Run(name, func(t *testing.T) {
			must(t, os.WriteFile(certificate, nil, 0o600))
			a := newAgain(t, text+c.start)
			if c.then != "" {
				a.write(t, text+c.then)
			}
			if c.do != nil {
				c.do(t, a)
			}
			began := a.now
			a.now = a.now.Add(time.Hour)
			a.reload()
			if len(a.applied) > 0 || !regexp.MustCompile("level=ERROR .*refused as a whole.*"+c.says).MatchString(a.output.String()) {
				t.Errorf("%d changes; it says\n%s", len(a.applied), a.output)
			}
			a.is(t, web.Reload{Succeeded: began})
		})
	}
}

// TestReloadIsRefusedForASecondConfigurationAndForItsFiles: in each detector's log, and before a restart would fail.
func TestReloadIsRefusedForASecondConfigurationAndForItsFiles(t *testing.T) {
	dir := t.TempDir()
	garbage, empty := filepath.Join(dir, "garbage"), filepath.Join(dir, "empty")
	must(t, os.WriteFile(garbage, []byte("nothing useful"), 0o600))
	must(t, os.WriteFile(empty, nil, 0o600))
	text := conf1(t) + "[persistence]\nfree_space_floor_mb = 700\n"
	for name, c := range map[string]struct{ then, says string }{
		"unknown key":        {"[output]\nfoor = 1\n", `b\.conf.*\[output\] foor: unknown key`},
		"broker's authority": {"[kafka]\ntls_ca = " + garbage + "\n", `b\.conf.*\[kafka\].*no PEM certificate`},
		"password":           {"[kafka]\nsasl_mechanism = PLAIN\nsasl_username = me\nsasl_password_file = " + empty + "\n", `b\.conf.*\[kafka\].*the file is empty`},
		"token":              {"[kafka]\nsasl_mechanism = OAUTHBEARER\nsasl_token_file = " + empty + "\n", `b\.conf.*\[kafka\].*the file is empty`},
		"web_config_file":    {"[http]\nweb_config_file = " + garbage + "\n", `b\.conf.*\[http\] web_config_file`},
		"cluster": {"[cluster]\nlisten = 127.0.0.1:7100\ntls_ca = " + garbage + "\ntls_cert = " + garbage + "\ntls_key = " + garbage + "\n",
			`b\.conf.*\[cluster\].*no PEM certificate`},
		"sections that differ": {"[http]\nlisten = 127.0.0.1:2\n", `b\.conf.*\[http\].*it differs from that of`},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAgain(t, conf1(t)+"[http]\nlisten = 127.0.0.1:1\n", conf1(t))
			a.write(t, text+"[http]\nlisten = 127.0.0.1:1\n")
			must(t, os.WriteFile(a.second, []byte(text+c.then), 0o600))
			began := a.now
			a.now = a.now.Add(time.Hour)
			a.reload()
			for _, output := range []*output{a.output, a.other} {
				if !regexp.MustCompile("level=ERROR .*refused as a whole.*" + c.says).MatchString(output.String()) {
					t.Errorf("a log says\n%s", output)
				}
			}
			if len(a.applied) > 0 {
				t.Error("something has changed")
			}
			a.is(t, web.Reload{Succeeded: began})
		})
	}
}

// TestReloadAppliesWhatMayChangeAndSaysWhatMayNot, each time anew until the file is as before.
func TestReloadAppliesWhatMayChangeAndSaysWhatMayNot(t *testing.T) {
	text := conf1(t)
	a := newAgain(t, text)
	began := a.now
	changed := regexp.MustCompile(`(?m)^threshold.*$`).ReplaceAllString(text, "threshold = 99")
	a.write(t, changed+"[persistence]\nfree_space_floor_mb = 700\n")
	for range 2 {
		a.now = a.now.Add(time.Hour)
		a.reload()
		a.is(t, web.Reload{Succeeded: began})
	}
	says(t, a.output.String(), `msg="setting changed" file=`+a.path+` section=persistence key=free_space_floor_mb old=512 new=700`,
		`level=WARN msg="setting not changed: it needs a restart" file=`+a.path+` section=detection key=threshold in_force=`, `in_file=99 because="verdicts would`)
	if got := strings.Count(a.output.String(), "setting changed"); got != 1 {
		t.Errorf("the floor changed %d times", got)
	}
	if got := strings.Count(a.output.String(), "needs a restart"); got != 2 {
		t.Errorf("the threshold was refused %d times, want each time", got)
	}
	last := a.applied[len(a.applied)-1]
	if last.Persistence.FloorMB != 700 || last.Detection.Threshold == 99 {
		t.Errorf("in force are a floor of %d MB and a threshold of %v", last.Persistence.FloorMB, last.Detection.Threshold)
	}
	a.write(t, text+"[persistence]\nfree_space_floor_mb = 700\n")
	a.reload()
	a.is(t, web.Reload{Successful: true, Succeeded: a.now})
}

// TestSIGHUPChangesTheLevelOfARunningProcess, whose verdicts stay as they are.
func TestSIGHUPChangesTheLevelOfARunningProcess(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t, name)
	dir := t.TempDir()
	level := func(word string) string { return "\n[logger_root]\nlevel=" + word + "\n" }
	conf := b.conf(t, dir, name, level("WARNING"))
	p := startProcess(t, dir, []string{"KAFKA_HOST=" + b.address(), "DETECTOR_DATA_DIR=" + filepath.Join(dir, "data")}, conf)
	said := p.reads(t)
	b.bad(t, name)
	until(t, "it runs", func() bool { return strings.Contains(said.String(), "bad record") })
	if strings.Contains(said.String(), "INF") {
		t.Errorf("it says too much at first:\n%s", said)
	}
	b.conf(t, dir, name, level("LOUD"))
	p.signal(t, syscall.SIGHUP)
	until(t, "the wrong level is refused", func() bool { return strings.Contains(said.String(), "refused as a whole") })
	b.conf(t, dir, name, level("DEBUG"))
	p.signal(t, syscall.SIGHUP)
	until(t, "the level has changed", func() bool {
		return strings.Contains(said.String(), "section=logger_root key=level old=WARNING new=DEBUG")
	})
	b.bad(t, name)
	until(t, "it logs at debug", func() bool { return strings.Contains(said.String(), "DBG") })
	b.untilRead(t, name)
	p.signal(t, syscall.SIGTERM)
	p.exits(t, exitClean)
	b.verify(t, name)
}
