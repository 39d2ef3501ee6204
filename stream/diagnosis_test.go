package stream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Each error has one meaning: the setting to change, and whether waiting can cure it.
func TestEachErrorNamesItsSetting(t *testing.T) {
	names := Names{Group: "group", Input: "in", Output: "out", DeadLetter: "bad"}
	alert := func(text string) error { return &net.OpError{Op: "remote error", Err: errors.New("tls: " + text)} }
	verify := func(err error) error { return &handshakeError{&tls.CertificateVerificationError{Err: err}} }
	for name, c := range map[string]struct {
		err   error
		want  string
		final bool
	}{
		"unknown authority":          {verify(x509.UnknownAuthorityError{}), "[kafka] tls_ca must be", true},
		"misnamed":                   {verify(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}), "[kafka] brokers and", true},
		"expired":                    {verify(x509.CertificateInvalidError{Reason: x509.Expired}), "must be renewed", true},
		"client certificate refused": {alert("unknown certificate"), "[kafka] tls_cert and tls_key", true},
		"client certificate missing": {alert("certificate required"), "[kafka] tls_cert and tls_key", true},
		"another alert":              {alert("internal error"), "", false},
		"no TLS there":               {&handshakeError{tls.RecordHeaderError{}}, "[kafka] tls is on, and this listener speaks plain text", true},
		"plain listener":             {fmt.Errorf("%w: %w", errPlainListener, io.EOF), "[kafka] tls is on, and this listener speaks plain text", true},
		"handshake cut off":          {&handshakeError{io.EOF}, "does this port of [kafka] brokers speak TLS?", false},
		"TLS listener":               {errors.New("is this a plaintext connection speaking to a tls endpoint?"), "set [kafka] tls = yes", true},
		"no login":                   {errNoLogin, "set [kafka] sasl_mechanism", true},
		"closed":                     {&kgo.ErrFirstReadEOF{}, "look at [kafka] tls and at the password", false},
		"closed later":               {io.EOF, "look at [kafka] tls and at the password", false},
		"token expired":              {fmt.Errorf("%w at noon", errTokenExpired), "sasl_token_file", false},
		"token refused":              {errTokenRefused, "[kafka] sasl_token_file must have", true},
		"password":                   {kerr.SaslAuthenticationFailed, "[kafka] sasl_username", true},
		"mechanism":                  {kerr.UnsupportedSaslMechanism, "[kafka] sasl_mechanism", true},
		"login not wanted":           {kerr.IllegalSaslState, "remove [kafka] sasl_mechanism", true},
		"group":                      {kerr.GroupAuthorizationFailed, "Read on the group group", true},
		"transactional id":           {kerr.TransactionalIDAuthorizationFailed, "transactional ids that begin with group.", true},
		"topic":                      {kerr.TopicAuthorizationFailed, "Read and Describe on topic in, and Write and Describe on out and bad", true},
		"cluster":                    {kerr.ClusterAuthorizationFailed, "IdempotentWrite on the cluster", true},
		"no coordinator":             {kerr.CoordinatorNotAvailable, "do their partitions have leaders?", false},
		"no topic":                   {kerr.UnknownTopicOrPartition, "does topic in still exist", false},
		"no name":                    {&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, "", false},
		"no broker":                  {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, "", false},
		"time out":                   {context.DeadlineExceeded, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			d := diagnose(fmt.Errorf("reach a broker: %w", c.err))
			switch {
			case d == nil && c.want != "":
				t.Error("it is of no kind")
			case d != nil && (c.want == "" || d.final != c.final || !strings.Contains(d.advice(names), c.want)):
				t.Errorf("it is %s, final %t: %s", d.name, d.final, d.advice(names))
			}
		})
	}
}

func TestTokenIsReadForEachAuthentication(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	claims := func(text string) string { return "e30." + base64.RawURLEncoding.EncodeToString([]byte(text)) + ".c2ln" }
	var token string
	mechanism := TokenMechanism(func() (string, error) { return token, nil }, func() time.Time { return now })
	for name, c := range map[string]struct {
		token, answer string
		want          error
	}{
		"accepted":               {"one", "", nil},
		"expired":                {claims(`{"exp":1799999999}`), `{"status":"invalid_token"}`, errTokenExpired},
		"refused":                {claims(`{"exp":1800000001.5}`), `{"status":"invalid_token"}`, errTokenRefused},
		"no web token":           {"two", `{"status":"invalid_token"}`, errTokenRefused},
		"answer that is no JSON": {"three", "no", errTokenRefused},
		"claims that are none":   {"a.b.c", "no", errTokenRefused},
	} {
		t.Run(name, func(t *testing.T) {
			token = c.token
			session, first, err := mechanism.Authenticate(context.Background(), "broker")
			if err != nil || !strings.Contains(string(first), "Bearer "+c.token+"\x01") {
				t.Fatalf("it sends %q (%v)", first, err)
			}
			done, _, err := session.Challenge([]byte(c.answer))
			if done != (c.want == nil) || !errors.Is(err, c.want) {
				t.Errorf("done %t, %v", done, err)
			}
		})
	}
}
