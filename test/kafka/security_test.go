package kafka_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/test/certs"
)

const securityCase = "short_window_median"

// guarded is a golden case on the secured broker.
type guarded struct {
	*world
	secured *secured
}

// newGuarded makes the topics of a case.
func newGuarded(t *testing.T, s *secured) *guarded {
	t.Helper()
	w := newWorld(t, securityCase)
	client, err := kgo.NewClient(kgo.SeedBrokers(s.plain), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(100*time.Millisecond)) // a busy broker may not know a new topic yet: ask again soon
	must(t, err)
	t.Cleanup(client.Close)
	w.broker, w.client, w.admin = s.plain, client, kadm.NewClient(client)
	w.createInput()
	g := &guarded{w, s}
	g.until("the broker knows the new topics", func() bool {
		found, err := g.admin.ListTopics(context.Background(), g.input(), g.output(), g.letter())
		return err == nil && found.Error() == nil && len(found) == 3
	})
	return g
}

// rule is a permission, as a line of the documentation has it.
type rule struct {
	kind      string // topic, group, transactional-id, cluster
	name      string
	prefixed  bool
	operation kadm.ACLOperation
}

func (r rule) String() string { return fmt.Sprintf("%v on %s %s", r.operation, r.kind, r.name) }

// needed is the list of the documentation, without what only some features need.
func (g *guarded) needed() []rule {
	return []rule{
		{"topic", g.input(), false, kadm.OpRead},
		{"group", g.name, false, kadm.OpRead},
		{"topic", g.output(), false, kadm.OpWrite},
		{"topic", g.letter(), false, kadm.OpWrite},
		{"transactional-id", g.name + ".", true, kadm.OpWrite},
	}
}

// builder is the rule for the broker.
func (r rule) builder(who string) *kadm.ACLBuilder {
	b := kadm.NewACLs().Allow("User:" + who).AllowHosts("*").Operations(r.operation)
	if r.prefixed {
		b = b.ResourcePatternType(kadm.ACLPatternPrefixed)
	} else {
		b = b.ResourcePatternType(kadm.ACLPatternLiteral)
	}
	switch r.kind {
	case "topic":
		return b.Topics(r.name)
	case "group":
		return b.Groups(r.name)
	case "cluster":
		return b.Clusters()
	}
	return b.TransactionalIDs(r.name)
}

func (g *guarded) allow(who string, rules ...rule) {
	g.Helper()
	for _, r := range rules {
		answers, err := g.secured.admin.CreateACLs(context.Background(), r.builder(who))
		must(g.T, err)
		for _, answer := range answers {
			must(g.T, answer.Err)
		}
	}
	for _, r := range rules {
		g.untilAllowed(who, r, true)
	}
}

// untilAllowed waits until the broker has heard of a change of permissions: the controller, which answers the
// request, tells the broker later.
func (g *guarded) untilAllowed(who string, r rule, allowed bool) {
	g.Helper()
	g.until(fmt.Sprintf("the broker has the permission %s: %t", r, allowed), func() bool {
		found, err := g.secured.admin.DescribeACLs(context.Background(), r.builder(who))
		return err == nil && len(found) == 1 && found[0].Err == nil && (len(found[0].Described) > 0) == allowed
	})
}

func (g *guarded) forbid(who string, r rule) {
	g.Helper()
	answers, err := g.secured.admin.DeleteACLs(context.Background(), r.builder(who))
	must(g.T, err)
	for _, answer := range answers {
		must(g.T, answer.Err)
		if len(answer.Deleted) == 0 {
			g.Fatalf("there is no permission %s", r)
		}
	}
	g.untilAllowed(who, r, false)
}

// file writes a file, and returns its path.
func (g *guarded) file(name, content string) string {
	g.Helper()
	path := filepath.Join(g.home, name)
	must(g.T, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// configure writes the configuration with lines for [kafka].
func (g *guarded) configure(lines ...string) string {
	return g.conf(append([]string{"[output]", "dead_letter_topic = " + g.letter(), "[kafka]"}, lines...)...)
}

func (g *guarded) run(listener string, conf string, more ...string) *process {
	return g.startWith(append(more, "KAFKA_HOST="+g.secured.at[listener], "DETECTOR_DATA_DIR="+filepath.Join(g.home, "data")), conf)
}

// check is what the command check --connect prints, and its exit code.
func (g *guarded) check(listener, conf string) (string, int) {
	command := g.command([]string{"KAFKA_HOST=" + g.secured.at[listener]}, "check", "--connect", conf)
	said, _ := command.CombinedOutput() // the exit code tells
	return string(said), command.ProcessState.ExitCode()
}

// login are the lines of a user with a password.
func (g *guarded) login(mechanism, user, password string) []string {
	return []string{"sasl_mechanism = " + mechanism, "sasl_username = " + user, "sasl_password_file = " + g.file("password", password+"\n")}
}

// trust is the line that trusts the broker's certificates.
func (g *guarded) trust() string { return "tls_ca = " + g.secured.ca.Path() }

func (g *guarded) certificate(a *certs.Authority, end time.Time) []string {
	g.Helper()
	certificate, key := a.IssueUntil(g.T, time.Now().UnixNano(), user, end)
	return []string{"tls_cert = " + g.file("cert.pem", string(certificate)), "tls_key = " + g.file("key.pem", string(key))}
}

func (g *guarded) bearer(end time.Time) []string {
	return []string{"sasl_mechanism = OAUTHBEARER", "sasl_token_file = " + g.file("token", token(end)+"\n")}
}

// TestSecuredBroker shares one broker among its cases, which takes a while to start.
func TestSecuredBroker(t *testing.T) {
	s := newSecured(t)
	t.Run("each way in works with exactly the documented permissions", s.eachWayIn)
	t.Run("each failure has its line and its exit", s.eachFailure)
	t.Run("each permission is missed with its line", s.eachPermission)
	t.Run("a running detector outlives what is changed", s.outlives)
}

func join(lists ...[]string) (all []string) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

func (s *secured) eachWayIn(t *testing.T) {
	t.Parallel()
	later := time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		listener, who string
		lines         func(*guarded) []string
	}{
		"TLS and SCRAM-SHA-512": {"BOTH", user, func(g *guarded) []string { return join(g.login("SCRAM-SHA-512", user, password), []string{g.trust()}) }},
		"SCRAM-SHA-256":         {"LOGIN", user, func(g *guarded) []string { return g.login("SCRAM-SHA-256", user, password) }},
		"TLS and PLAIN":         {"BOTH", user, func(g *guarded) []string { return join(g.login("PLAIN", user, password), []string{g.trust()}) }},
		"TLS and OAUTHBEARER":   {"BOTH", user, func(g *guarded) []string { return join(g.bearer(later), []string{g.trust()}) }},
		"mutual TLS":            {"MUTUAL", "CN=" + user, func(g *guarded) []string { return join(g.certificate(s.ca, later), []string{g.trust()}) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuarded(t, s)
			g.allow(c.who, g.needed()...)
			conf := g.configure(c.lines(g)...)
			if said, code := g.check(c.listener, conf); code != 0 {
				t.Errorf("check --connect ends with %d:\n%s", code, said)
			}
			p := g.run(c.listener, conf)
			g.feed(len(g.golden.Records))
			g.untilCommitted()
			p.stop()
			g.verify()
		})
	}
}

func (s *secured) eachFailure(t *testing.T) {
	t.Parallel()
	later, before := time.Now().Add(time.Hour), time.Now().Add(-time.Minute)
	other := certs.New(t)
	for name, c := range map[string]struct {
		listener string
		lines    func(*guarded) []string
		says     string
		waits    bool // it tries again for ever
	}{
		"wrong password": {"LOGIN", func(g *guarded) []string { return g.login("SCRAM-SHA-512", user, "wrong") },
			"the broker refuses [kafka] sasl_username with the password in sasl_password_file", false},
		"wrong password, PLAIN": {"LOGIN", func(g *guarded) []string { return g.login("PLAIN", user, "wrong") },
			"the broker refuses [kafka] sasl_username with the password in sasl_password_file", false},
		"unknown user": {"LOGIN", func(g *guarded) []string { return g.login("SCRAM-SHA-256", "nobody", password) },
			"the broker refuses [kafka] sasl_username with the password in sasl_password_file", false},
		"empty password file": {"LOGIN", func(g *guarded) []string { return g.login("SCRAM-SHA-256", user, "") },
			"[kafka] sasl_password_file: the file is empty", false},
		"mechanism that is off": {"SCRAMONLY", func(g *guarded) []string { return g.login("PLAIN", user, password) },
			"[kafka] sasl_mechanism must be one that this listener has enabled", false},
		"login to a listener without": {"OPENLY", func(g *guarded) []string { return g.login("SCRAM-SHA-512", user, password) },
			"this listener takes no login: remove [kafka] sasl_mechanism", false},
		"no login": {"LOGIN", func(*guarded) []string { return nil },
			"this listener wants a login: set [kafka] sasl_mechanism", false},
		"no login over TLS": {"BOTH", func(g *guarded) []string { return []string{g.trust()} },
			"this listener wants a login: set [kafka] sasl_mechanism", false},
		"wrong authority": {"TLS", func(*guarded) []string { return []string{"tls_ca = " + other.Path()} },
			"[kafka] tls_ca must be a file with the certificate of the authority", false},
		"no authority": {"TLS", func(*guarded) []string { return []string{"tls = yes"} },
			"[kafka] tls_ca must be a file with the certificate of the authority", false},
		"expired certificate": {"EXPIRED", func(g *guarded) []string { return []string{g.trust()} },
			"the broker's certificate must be renewed", false},
		"misnamed certificate": {"MISNAMED", func(g *guarded) []string { return []string{g.trust()} },
			"[kafka] brokers and the broker's advertised.listeners must use a name", false},
		"no client certificate": {"MUTUAL", func(g *guarded) []string { return []string{g.trust()} },
			"[kafka] tls_cert and tls_key", false},
		"foreign client certificate": {"MUTUAL", func(g *guarded) []string { return join(g.certificate(other, later), []string{g.trust()}) },
			"[kafka] tls_cert and tls_key", false},
		"expired client certificate": {"MUTUAL", func(g *guarded) []string { return join(g.certificate(s.ca, before), []string{g.trust()}) },
			"[kafka] tls_cert and tls_key", false},
		"plain text to TLS": {"TLS", func(*guarded) []string { return nil },
			"this listener speaks TLS: set [kafka] tls = yes", false},
		"TLS to plain text": {"OPENLY", func(g *guarded) []string { return []string{g.trust()} },
			"[kafka] tls is on, and this listener speaks plain text", false},
		"TLS to SASL_PLAINTEXT": {"LOGIN", func(g *guarded) []string { return join(g.login("PLAIN", user, password), []string{g.trust()}) },
			"[kafka] tls is on, and this listener speaks plain text", false},
		"expired token": {"LOGIN", func(g *guarded) []string { return g.bearer(before) },
			"a newer token must be put into the file [kafka] sasl_token_file", true},
		"token that is none": {"LOGIN", func(g *guarded) []string {
			return []string{"sasl_mechanism = OAUTHBEARER", "sasl_token_file = " + g.file("token", "garbage")}
		}, "[kafka] sasl_token_file must have a token that the broker accepts", false},
		"empty token file": {"LOGIN", func(g *guarded) []string {
			return []string{"sasl_mechanism = OAUTHBEARER", "sasl_token_file = " + g.file("token", "\n")}
		}, "[kafka] sasl_token_file: the file is empty", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuarded(t, s)
			g.allow(user, g.needed()...)
			conf := g.configure(c.lines(g)...)
			g.failsWith(c.listener, conf, c.says, c.waits)
		})
	}
}

// failsWith checks the line and the exit of the program and of check --connect, which run side by side.
func (g *guarded) failsWith(listener, conf, says string, waits bool) {
	g.Helper()
	checked := make(chan func(), 1)
	go func() {
		said, code := g.check(listener, conf)
		checked <- func() {
			if count := strings.Count(said, says); code == 0 || count != 1 {
				g.Errorf("check --connect ends with %d, and says %q in %d places of\n%s", code, says, count, said)
			}
		}
	}()
	p := g.run(listener, conf)
	defer func() { (<-checked)() }()
	if waits {
		p.says(says, 1)
		p.stop()
		return
	}
	if code := p.ends(); code != 2 {
		g.Errorf("exit code %d, want 2", code)
	}
	ends := 0 // if the start takes longer than ten seconds, it is also a standstill, which is told
	for line := range strings.Lines(p.output.String()) {
		if strings.Contains(line, says) && !strings.Contains(line, "stands still") {
			ends++
		}
	}
	if ends != 1 {
		g.Errorf("it says %q in %d lines, want one", says, ends)
	}
}

func (s *secured) eachPermission(t *testing.T) {
	t.Parallel()
	const count = 5
	for i := range count {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			g := newGuarded(t, s)
			rules := g.needed()
			if len(rules) != count {
				t.Fatalf("%d permissions are needed", len(rules))
			}
			missing := rules[i]
			t.Log("without ", missing)
			for _, r := range rules {
				if r != missing {
					g.allow(user, r)
				}
			}
			says := map[string]string{
				g.input():    "topic " + g.input() + ": TOPIC_AUTHORIZATION_FAILED: Not authorized to access topics: [Topic authorization failed.] (the user needs the permissions Read and Describe on it)",
				g.output():   "(the user needs the permissions Write and Describe on it, and Create if it does not exist)",
				g.letter():   "topic " + g.letter() + ": TOPIC_AUTHORIZATION_FAILED",
				g.name:       "the user needs the permission Read on the group " + g.name,
				g.name + ".": "the user needs the permissions Write and Describe on transactional ids that begin with " + g.name + ".",
			}[missing.name]
			g.failsWith("LOGIN", g.configure(g.login("SCRAM-SHA-256", user, password)...), says, false)
		})
	}
	t.Run("create", func(t *testing.T) {
		t.Parallel()
		g := newGuarded(t, s)
		g.allow(user, g.needed()...)
		_, err := g.admin.DeleteTopics(context.Background(), g.output())
		must(t, err)
		g.until("the broker has forgotten the output topic", func() bool {
			found, err := g.admin.ListTopics(context.Background(), g.output())
			return err == nil && !found.Has(g.output())
		})
		conf := g.configure(g.login("SCRAM-SHA-256", user, password)...)
		g.failsWith("LOGIN", conf, "and Create if it does not exist", false)
		g.allow(user, rule{"topic", g.output(), false, kadm.OpCreate})
		p := g.run("LOGIN", conf)
		g.feed(len(g.golden.Records))
		g.untilCommitted()
		p.stop()
		g.verify()
	})
	t.Run("episodes", s.episodesPermissions)
	t.Run("shown", func(t *testing.T) {
		t.Parallel()
		g := newGuarded(t, s)
		g.allow(user, g.needed()...)
		conf := g.configure(g.login("SCRAM-SHA-256", user, password)...)
		says := "topic " + g.output() + " may not be read: the page"
		with := []string{"KAFKA_HOST=" + s.at["LOGIN"], "DETECTOR_HTTP=127.0.0.1:1"}
		said, err := g.command(with, "check", "--connect", conf).CombinedOutput()
		if err != nil || !strings.Contains(string(said), says) {
			t.Errorf("without the permission: %v, %s", err, said)
		}
		g.allow(user, rule{"topic", g.output(), false, kadm.OpRead})
		said, err = g.command(with, "check", "--connect", conf).CombinedOutput()
		if err != nil || strings.Contains(string(said), says) {
			t.Errorf("with the permission: %v, %s", err, said)
		}
	})
}

// outlives takes away permissions, the password and the certificate of a detector that runs.
func (s *secured) outlives(t *testing.T) {
	t.Parallel()
	t.Run("permissions", func(t *testing.T) {
		t.Parallel()
		g := newGuarded(t, s)
		rules := g.needed()
		g.allow(user, rules...)
		p := g.run("LOGIN", g.configure(g.login("SCRAM-SHA-256", user, password)...), "LOG_LEVEL=DEBUG")
		g.feed(len(g.golden.Records))
		g.untilCommitted()
		g.forbid(user, rules[0])
		p.says("cannot start reading, trying again", 5) // a start would have given up
		g.allow(user, rules[0])
		g.untilReady()
		p.stop()
		g.verify()
	})
	t.Run("token", func(t *testing.T) {
		t.Parallel()
		g := newGuarded(t, s)
		g.allow(user, g.needed()...)
		conf := g.configure(g.bearer(time.Now().Add(-time.Minute))...)
		p := g.run("LOGIN", conf)
		p.says("a newer token must be put into the file", 1)
		g.bearer(time.Now().Add(time.Hour))
		g.feed(len(g.golden.Records))
		g.untilCommitted()
		p.stop()
		g.verify()
	})
	t.Run("authority", func(t *testing.T) {
		t.Parallel()
		g := newGuarded(t, s)
		g.allow(user, g.needed()...)
		text, err := os.ReadFile(s.ca.Path())
		must(t, err)
		ca := g.file("ca.pem", string(text))
		p := g.run("BOTH", g.configure(append(g.login("SCRAM-SHA-256", user, password), "tls_ca = "+ca)...))
		g.feed(len(g.golden.Records))
		g.untilCommitted()
		g.file("ca.pem", "half of a file")
		p.stop()
		g.verify()
	})
}

// untilReady waits until the group has its member again.
func (g *guarded) untilReady() {
	g.Helper()
	g.until("the group has its member", func() bool {
		groups, err := g.admin.DescribeGroups(context.Background(), g.name)
		return err == nil && len(groups[g.name].Members) == 1 && groups[g.name].State == "Stable"
	})
}
