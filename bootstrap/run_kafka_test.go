package bootstrap

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"anomalydetector/configs"
	"anomalydetector/stream"
)

const refusedCase = "short_window_median"

// guarded starts a detector on a broker of its own with SASL and the input topic; the user need not exist.
// It returns the program and its password file.
func guarded(t *testing.T, login bool, keys string, options ...kfake.Opt) (o *outside, exit <-chan int, secret string) {
	t.Helper()
	cluster, err := stream.Embedded(append(options, kfake.SeedTopics(1, refusedCase+".in", refusedCase+".out"))...)
	must(t, err)
	t.Cleanup(cluster.Close)
	dir := t.TempDir()
	secret = filepath.Join(dir, "password")
	must(t, os.WriteFile(secret, []byte("right\n"), 0o600))
	if login {
		keys += "\nsasl_mechanism = SCRAM-SHA-256\nsasl_username = me\nsasl_password_file = " + secret
	}
	conf := (&broker{}).conf(t, dir, refusedCase, "\n[kafka]\n"+keys+"\n")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the program printed:\n%s", o.output)
		}
	})
	o = newOutside(t, map[string]string{"KAFKA_HOST": strings.Join(cluster.ListenAddrs(), ","), "DETECTOR_DATA_DIR": filepath.Join(dir, "data"), "LOG_LEVEL": "DEBUG"})
	return o, o.run(conf), secret
}

// refusedWith waits until the log has a text, and stops the program.
func refusedWith(t *testing.T, o *outside, exit <-chan int, says string) {
	t.Helper()
	until(t, "the log says "+says, func() bool { return strings.Contains(o.output.String(), says) })
	o.signals <- syscall.SIGTERM
	exits(t, exit, o)
}

// everything is the permissions that a detector needs.
var everything = []kfake.ACL{
	{Resource: kmsg.ACLResourceTypeTopic, Name: refusedCase + ".in", Operation: kmsg.ACLOperationRead},
	{Resource: kmsg.ACLResourceTypeTopic, Name: refusedCase + ".out", Operation: kmsg.ACLOperationWrite},
	{Resource: kmsg.ACLResourceTypeGroup, Name: refusedCase, Operation: kmsg.ACLOperationRead},
	{Resource: kmsg.ACLResourceTypeTransactionalId, Name: refusedCase, Pattern: kmsg.ACLResourcePatternTypePrefixed, Operation: kmsg.ACLOperationWrite},
}

func with(acls []kfake.ACL) []kfake.Opt {
	all := slices.Clone(acls)
	for i := range all {
		all[i].Allow = true
		if all[i].Pattern == 0 {
			all[i].Pattern = kmsg.ACLResourcePatternTypeLiteral
		}
	}
	return []kfake.Opt{
		kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("SCRAM-SHA-256", "admin", "admin"), kfake.User("SCRAM-SHA-256", "me", "right", all...),
	}
}

// TestMissingPermissionIsNamed with its purpose.
func TestMissingPermissionIsNamed(t *testing.T) {
	for missing, says := range []string{
		"topic " + refusedCase + ".in: TOPIC_AUTHORIZATION_FAILED: Not authorized to access topics: [Topic authorization failed.] " +
			"(the user needs the permissions Read and Describe on it)",
		"topic " + refusedCase + ".out: TOPIC_AUTHORIZATION_FAILED: Not authorized to access topics: [Topic authorization failed.] " +
			"(the user needs the permissions Write and Describe on it, and Create if it does not exist)",
		"", // of the group: the detector's standstill watch names it
		"(the user needs the permissions Write and Describe on transactional ids that begin with " + refusedCase + ".",
	} {
		if says == "" {
			continue
		}
		t.Run(everything[missing].Resource.String(), func(t *testing.T) {
			o, exit, _ := guarded(t, true, "", with(slices.Delete(slices.Clone(everything), missing, missing+1))...)
			refusedWith(t, o, exit, says)
		})
	}
	t.Run("none", func(t *testing.T) {
		o, exit, _ := guarded(t, true, "", with(everything)...)
		refusedWith(t, o, exit, "partition ready")
	})
}

// TestCorrectedPasswordIsUsedWithoutARestart.
func TestCorrectedPasswordIsUsedWithoutARestart(t *testing.T) {
	o, exit, secret := guarded(t, true, "", kfake.EnableSASL(), kfake.User("SCRAM-SHA-256", "me", "another"))
	// kfake closes the connection; package stream tests what Kafka answers.
	until(t, "the password is refused", func() bool { return strings.Contains(o.output.String(), "cannot start reading, trying again") })
	must(t, os.WriteFile(secret, nil, 0o600)) // as an editor may leave it for a moment
	until(t, "the file is called empty", func() bool {
		return strings.Contains(o.output.String(), "sasl_password_file "+secret+" is empty")
	})
	must(t, os.WriteFile(secret, []byte("another\n"), 0o600))
	refusedWith(t, o, exit, "partition ready")
}

// TestPasswordOfAPipeIsReadOnce: it cannot be read again.
func TestPasswordOfAPipeIsReadOnce(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	must(t, syscall.Mkfifo(fifo, 0o600))
	go func() { _ = os.WriteFile(fifo, []byte("hunter2\n"), 0) }() // if it fails, the test hangs
	secret := &password{path: fifo}
	must(t, secret.begin())
	for range 2 {
		if text, err := secret.get(); text != "hunter2" || err != nil {
			t.Errorf("the password is %q (%v)", text, err)
		}
	}
}

func TestEmptyPasswordFileIsRefusedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "password")
	must(t, os.WriteFile(secret, []byte("\n"), 0o600))
	conf := (&broker{}).conf(t, dir, refusedCase, "\n[kafka]\nsasl_mechanism = SCRAM-SHA-512\nsasl_username = me\nsasl_password_file = "+secret+"\n")
	for _, command := range [][]string{{conf}, {"check", conf}} {
		says(t, did(t, nil, exitUsage, command...), "[kafka] sasl_password_file: the file is empty")
	}
}

func TestTimeoutThatTheBrokerRefusesIsNamedWithItsBounds(t *testing.T) {
	for name, c := range map[string]struct {
		keys   string
		option kfake.Opt
		says   string
	}{
		"session": {"session_timeout = 20s", kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "30000"}),
			"([kafka] session_timeout is 20s, and the broker takes 30s to "},
		// Without the permission to read its bounds, the broker refuses when the group is joined.
		"default": {"", kfake.GroupMinSessionTimeout(30 * time.Second), "([kafka] session_timeout is 15s, and the broker takes "},
		"transaction": {"transaction_timeout = 20m", kfake.BrokerConfigs(nil),
			"([kafka] transaction_timeout is 20m0s, and the broker takes at most 15m0s (its setting transaction.max.timeout.ms))"},
	} {
		t.Run(name, func(t *testing.T) {
			o, exit, _ := guarded(t, false, c.keys, c.option)
			refusedWith(t, o, exit, c.says)
		})
	}
}

// TestDefaultTimeoutThatTheBrokerRefusesFailsOneSession: the detector asks for the broker's bounds before
// it opens another session.
func TestDefaultTimeoutThatTheBrokerRefusesFailsOneSession(t *testing.T) {
	o, exit, _ := guarded(t, false, "", kfake.GroupMinSessionTimeout(30*time.Second),
		kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "30000"}))
	again := "cannot start reading, trying again"
	until(t, "the start waits for it", func() bool { return strings.Count(o.output.String(), again) >= 2 })
	if n := strings.Count(o.output.String(), "session failed, opening another"); n != 1 {
		t.Errorf("%d sessions failed, want 1", n)
	}
	refusedWith(t, o, exit, "([kafka] session_timeout is 15s, and the broker takes 30s to ")
}

// TestShownTimeoutsAreTheDefaults: configs cannot import stream, which has them.
func TestShownTimeoutsAreTheDefaults(t *testing.T) {
	config, err := configs.Load("hegemonydetector.conf", func(string) string { return "" })
	must(t, err)
	want := map[string]time.Duration{"session_timeout": stream.DefaultTiming().Session, "transaction_timeout": stream.DefaultTiming().Transaction}
	for _, s := range config.Settings() {
		if timeout, ours := want[s.Key]; ours && s.Value != timeout.String() {
			t.Errorf("%s is shown as %s, and is %s", s.Key, s.Value, timeout)
		}
	}
}

// TestNoColorTurnsColourOff: see no-color.org.
func TestNoColorTurnsColourOff(t *testing.T) {
	colour := regexp.MustCompile("\x1b\\[")
	for value, want := range map[string]bool{"": true, "1": false} {
		o := newOutside(t, map[string]string{"NO_COLOR": value})
		o.Terminal = true
		l := newLogs(&o.World)
		log, err := l.logger(&configs.Config{Name: "d"})
		must(t, err)
		log.Warn("a line")
		must(t, l.close())
		if got := colour.MatchString(o.output.String()); got != want {
			t.Errorf("NO_COLOR=%q: colour %t in %q", value, got, o.output)
		}
	}
}
