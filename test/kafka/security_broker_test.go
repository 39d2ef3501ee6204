package kafka_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/test/certs"
)

// secured is a broker of its own that demands what its listeners are named for. Its authoriser lets nobody do
// anything but the clients of the listener PLAINTEXT.
type secured struct {
	*testing.T
	home  string
	plain string            // address of the listener PLAINTEXT
	at    map[string]string // addresses by the name of the listener
	ca    *certs.Authority  // signs the broker's certificates, and those of clients
	admin *kadm.Client
}

// listeners are those of the secured broker, besides PLAINTEXT. EXPIRED and MISNAMED have such certificates.
var listeners = []struct{ name, protocol string }{
	{"OPENLY", "PLAINTEXT"}, {"TLS", "SSL"}, {"MUTUAL", "SSL"}, {"EXPIRED", "SSL"}, {"MISNAMED", "SSL"}, {"LOGIN", "SASL_PLAINTEXT"}, {"BOTH", "SASL_SSL"}, {"SCRAMONLY", "SASL_PLAINTEXT"},
}

const (
	user     = "me"
	password = "right"
)

func newSecured(t *testing.T) *secured {
	t.Helper()
	if os.Getenv("KAFKA_TEST_BROKER") == "" {
		t.Skip("no broker: run this with `make test-kafka`")
	}
	s := &secured{T: t, home: t.TempDir(), at: make(map[string]string), ca: certs.New(t)}
	config := filepath.Join(s.home, "security")
	must(t, os.WriteFile(config, []byte(strings.Join(s.properties(), "\n")+"\n"), 0o600))
	port := twoPorts(t)
	start := exec.Command("./broker", "start", filepath.Join(s.home, "broker"), "1", port)
	start.Env = append(os.Environ(), "KAFKA_SECURITY="+config, "KAFKA_HEAP=512m", "KAFKA_DOORS=0")
	said, err := start.CombinedOutput()
	t.Cleanup(func() { _ = exec.Command("./broker", "kill", filepath.Join(s.home, "broker")).Run() })
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(s.home, "broker", "node1", "log"))
		t.Fatalf("start the secured broker: %v: %s\n%s", err, said, log)
	}
	s.plain = "127.0.0.1:" + port
	client, err := kgo.NewClient(kgo.SeedBrokers(s.plain))
	must(t, err)
	t.Cleanup(client.Close)
	s.admin = kadm.NewClient(client)
	s.password(password)
	s.untilCoordinated()
	return s
}

// untilCoordinated waits until groups and transactions have coordinators: the broker makes their topics when it
// is asked for the first time.
func (s *secured) untilCoordinated() {
	s.Helper()
	deadline := time.Now().Add(patience)
	for {
		_, err := s.admin.DescribeGroups(context.Background(), "none")
		answers, failed := s.admin.DescribeTransactions(context.Background(), "none")
		if failed == nil {
			failed = answers["none"].Err
		}
		if err == nil && errors.Is(failed, kerr.TransactionalIDNotFound) {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("the broker has no coordinators: %v, %v", err, failed)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// password changes the password for SCRAM.
func (s *secured) password(text string) {
	s.Helper()
	for _, mechanism := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} {
		answers, err := s.admin.AlterUserSCRAMs(context.Background(), nil,
			[]kadm.UpsertSCRAM{{User: user, Mechanism: mechanism, Iterations: 4096, Password: text}})
		must(s.T, err)
		must(s.T, answers.Error())
	}
	deadline := time.Now().Add(patience)
	for { // the controller answers before the broker has heard of it
		found, err := s.admin.DescribeUserSCRAMs(context.Background(), user)
		if err == nil && len(found[user].CredInfos) == 2 {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("the broker does not know the user: %v, %v", found, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// twoPorts returns the first of two free ports that follow each other.
func twoPorts(t *testing.T) string {
	t.Helper()
	for range 100 {
		first := freeAddress(t)
		host, port, _ := net.SplitHostPort(first)
		var number int
		_, err := fmt.Sscan(port, &number)
		must(t, err)
		if second, err := net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(number+1))); err == nil {
			must(t, second.Close())
			return port
		}
	}
	t.Fatal("no two ports are free")
	return ""
}

// properties are the lines of the file KAFKA_SECURITY. The broker reads keys and certificates as PEM.
func (s *secured) properties() []string {
	s.Helper()
	lines := []string{
		"log.retention.ms=-1", // a topic that the detector makes keeps records that are years old
		"ssl.keystore.type=PEM", "ssl.truststore.type=PEM", "ssl.truststore.location=" + s.ca.Path(), "ssl.endpoint.identification.algorithm=",
	}
	for i, l := range listeners {
		address := freeAddress(s.T)
		s.at[l.name] = address
		_, port, _ := net.SplitHostPort(address)
		lines = append(lines, fmt.Sprintf("listen %s %s %s", l.name, l.protocol, port))
		prefix := "listener.name." + strings.ToLower(l.name) + "."
		if strings.HasSuffix(l.protocol, "SSL") {
			host, end := "127.0.0.1", time.Now().Add(time.Hour)
			switch l.name {
			case "EXPIRED":
				end = time.Now().Add(-time.Minute)
			case "MISNAMED":
				host = "another.example"
			}
			certificate, key := s.ca.IssueUntil(s.T, int64(i+10), host, end)
			file := filepath.Join(s.home, l.name+".pem")
			must(s.T, os.WriteFile(file, append(key, certificate...), 0o600))
			lines = append(lines, prefix+"ssl.keystore.location="+file)
		}
		switch l.name {
		case "MUTUAL":
			lines = append(lines, prefix+"ssl.client.auth=required")
		case "LOGIN", "BOTH":
			lines = append(lines, prefix+"sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
				prefix+`plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_`+user+`="`+password+`";`,
				prefix+`oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;`)
			fallthrough
		case "SCRAMONLY":
			if l.name == "SCRAMONLY" {
				lines = append(lines, prefix+"sasl.enabled.mechanisms=SCRAM-SHA-512")
			}
			for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
				lines = append(lines, prefix+mechanism+`.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;`)
			}
		}
	}
	return lines
}

// token is an unsecured token, as Kafka takes it in tests, of the user.
func token(end time.Time) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"none"}`) + "." + part(fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d}`, user, end.Add(-time.Hour).Unix(), end.Unix())) + "."
}
