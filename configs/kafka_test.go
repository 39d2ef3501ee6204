package configs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestBrokersHaveAHostAndKafkasPortUnlessTheyNameAnother(t *testing.T) {
	for list, want := range map[string][]string{
		"a":                        {"a:9092"},
		"a:1, b.example.org:2 ,c_": {"a:1", "b.example.org:2", "c_:9092"},
		"10.0.0.1:1":               {"10.0.0.1:1"},
		"[::1]:1,[::1],::1":        {"[::1]:1", "[::1]:9092", "[::1]:9092"},
	} {
		if got := mustRead(t, base, of("KAFKA_HOST", list)).Kafka.Brokers; !slices.Equal(got, want) {
			t.Errorf("%q gives %q, want %q", list, got, want)
		}
	}
	for _, list := range []string{",", "a,", "a:", ":1", "a:0", "a:65536", "a:b", "a b", "PLAINTEXT://a:1", "a/b:1", "-a"} {
		_, err := read("d.conf", "d.conf", []byte(base), of("KAFKA_HOST", list))
		var wrong *Error
		if !errors.As(err, &wrong) || wrong.Key != "KAFKA_HOST" || !strings.HasPrefix(err.Error(), "environment: KAFKA_HOST: ") {
			t.Errorf("%q is accepted, or refused with %v", list, err)
		}
	}
}

func TestTLSIsOnWhenItsFilesAreGiven(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for keys, want := range map[string]bool{
		"":                                       false,
		"tls = yes":                              true,
		"tls = OFF":                              false,
		"tls_ca=" + file:                         true,
		"tls_cert=" + file + "\ntls_key=" + file: true,
	} {
		if got := mustRead(t, base+"[kafka]\n"+keys+"\n", none).Kafka.TLS; got != want {
			t.Errorf("%q gives %v", keys, got)
		}
	}
	for keys, key := range map[string]string{
		"tls = perhaps":              "tls",
		"tls = no\ntls_ca = " + file: "tls",
		"tls_ca = nothere.pem":       "tls_ca",
		"tls_key = " + file:          "tls_cert",
	} {
		refusedKafka(t, keys, key)
	}
}

func refusedKafka(t *testing.T, keys, key string) *Error {
	t.Helper()
	_, err := read("d.conf", "d.conf", []byte(base+"[kafka]\n"+keys+"\n"), none)
	var wrong *Error
	if !errors.As(err, &wrong) || wrong.Section != "kafka" || wrong.Key != key {
		t.Fatalf("%q is accepted, or refused with %v", keys, err)
	}
	return wrong
}

func TestPasswordIsNeverShown(t *testing.T) {
	login := "sasl_mechanism = PLAIN\nsasl_username = me\n"
	for keys, key := range map[string]string{
		login + "sasl_password_file = hunter2": "sasl_password_file", // the password in the place of its file
		login + "sasl_password = hunter2":      "sasl_password",
		login + "hunter2":                      "",
		"brokers = me:hunter2@a:1":             "brokers",
	} {
		if said := refusedKafka(t, keys, key).Error(); strings.Contains(said, "hunter2") {
			t.Errorf("%q is refused with %q", keys, said)
		}
	}
}

func TestLoginNeedsAMechanismAndWarnsOfAPasswordInClear(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	login := "sasl_username = me\nsasl_password_file = " + file + "\n"
	refusedKafka(t, login, "sasl_mechanism")
	for mechanism, warnings := range map[string]int{"plain": 1, "PLAIN\ntls = yes": 0, "SCRAM-SHA-512": 0} {
		config := mustRead(t, base+"[kafka]\n"+login+"sasl_mechanism = "+mechanism+"\n", none)
		if len(config.Warnings) != warnings || config.Kafka.SASLMechanism != strings.ToUpper(strings.Split(mechanism, "\n")[0]) {
			t.Errorf("%q gives %+v with %v", mechanism, config.Kafka, config.Warnings)
		}
	}
}

func TestFileWithoutAPasswordIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	login := "sasl_mechanism = SCRAM-SHA-512\nsasl_username = me\nsasl_password_file = " + file + "\n"
	for content, accepted := range map[string]bool{"": false, "\n": false, "\r\n": false, "x": true, " \n": true} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if accepted {
			mustRead(t, base+"[kafka]\n"+login, none)
		} else if said := refusedKafka(t, login, "sasl_password_file").Error(); !strings.Contains(said, "the file is empty") {
			t.Errorf("%q is refused with %q", content, said)
		}
	}
}

func TestTimeoutsAreReadOrLeftToTheDefault(t *testing.T) {
	kafka := mustRead(t, base, none).Kafka
	if kafka.SessionTimeout != 0 || kafka.TransactionTimeout != 0 {
		t.Errorf("without the keys they are %v and %v", kafka.SessionTimeout, kafka.TransactionTimeout)
	}
	kafka = mustRead(t, base+"[kafka]\nsession_timeout = 45\ntransaction_timeout = 1m\n", none).Kafka
	if kafka.SessionTimeout != 45*time.Second || kafka.TransactionTimeout != time.Minute {
		t.Errorf("they are %v and %v", kafka.SessionTimeout, kafka.TransactionTimeout)
	}
	for keys, key := range map[string]string{
		"session_timeout = 0":        "session_timeout",
		"session_timeout = 2h":       "session_timeout",
		"session_timeout =":          "session_timeout",
		"transaction_timeout = 1s":   "transaction_timeout",
		"transaction_timeout = soon": "transaction_timeout",
		"transaction_timeout = 5s\n[persistence]\ncommit_interval = 3s": "transaction_timeout",
	} {
		refusedKafka(t, keys, key)
	}
}

// TestTimesAreShownAsTheyAreUnderstood: a user may mean 900 as milliseconds.
func TestTimesAreShownAsTheyAreUnderstood(t *testing.T) {
	content := base + "[kafka]\nsession_timeout = 900\n[persistence]\ncommit_interval = .5\n"
	shown := make(map[string]string)
	for _, s := range mustRead(t, content, none).Settings() {
		shown[s.Key] = s.Value
	}
	for key, want := range map[string]string{"session_timeout": "15m0s", "transaction_timeout": "20s", "commit_interval": "500ms"} {
		if shown[key] != want {
			t.Errorf("%s is shown as %s, want %s", key, shown[key], want)
		}
	}
}

func TestTokenGoesWithItsMechanismOnly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bearer, with := "sasl_mechanism = OAUTHBEARER\n", "sasl_token_file = "+file+"\n"
	refusedKafka(t, bearer, "sasl_mechanism")
	refusedKafka(t, with, "sasl_mechanism")
	refusedKafka(t, bearer+with+"sasl_username = me\n", "sasl_mechanism")
	refusedKafka(t, "sasl_mechanism = PLAIN\n"+with, "sasl_token_file")
	if config := mustRead(t, base+"[kafka]\n"+bearer+with, none); config.Kafka.SASLTokenFile != file {
		t.Errorf("the token is in %q", config.Kafka.SASLTokenFile)
	}
	if err := os.WriteFile(file, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refusedKafka(t, bearer+with, "sasl_token_file")
}
