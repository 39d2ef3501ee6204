package cluster

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"anomalydetector/test/certs"
)

// filesOf are the files of a node whose certificate is for host.
func filesOf(t *testing.T, a *certs.Authority, host string) TLSFiles {
	t.Helper()
	files := a.Node(t, host)
	return TLSFiles{CA: files.CA, Cert: files.Cert, Key: files.Key}
}

func mustLoad(t *testing.T, files TLSFiles) (server, client *tls.Config) {
	t.Helper()
	server, client, err := files.Load()
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

const greeting = "hello"

// greeter sends the greeting to each client that passes the handshake, until the test ends. It
// returns its address.
func greeter(t *testing.T, server *tls.Config) string {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { listener.Close(); <-ended })
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.WriteString(conn, greeting) // the handshake happens here; its result shows at the client
			conn.Close()
		}
	}()
	return listener.Addr().String()
}

// greet connects to a greeter. A client learns only by reading whether it got
// through: with TLS 1.3 the server looks at its certificate after the handshake.
func greet(address string, client *tls.Config) (tls.ConnectionState, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", address, client)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return tls.ConnectionState{}, err
	}
	said, err := io.ReadAll(conn)
	if err == nil && string(said) != greeting {
		err = errors.New("cut off")
	}
	return conn.ConnectionState(), err
}

func TestNodesOfOneAuthorityTalk(t *testing.T) {
	ours := certs.New(t)
	server, _ := mustLoad(t, filesOf(t, ours, "127.0.0.1"))
	_, client := mustLoad(t, filesOf(t, ours, "n2"))
	state, err := greet(greeter(t, server), client)
	if err != nil || state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != "h2" {
		t.Errorf("%v, with version %x and %q", err, state.Version, state.NegotiatedProtocol)
	}
	older := client.Clone()
	older.NextProtos = []string{"http/1.1"}
	if state, err := greet(greeter(t, server), older); err != nil || state.NegotiatedProtocol != "http/1.1" {
		t.Errorf("%v, with %q", err, state.NegotiatedProtocol)
	}
}

func TestForeignCertificatesAreRefused(t *testing.T) {
	ours, theirs := certs.New(t), certs.New(t)
	server, client := mustLoad(t, filesOf(t, ours, "127.0.0.1"))
	otherServer, other := mustLoad(t, filesOf(t, theirs, "127.0.0.1"))
	elsewhere, _ := mustLoad(t, filesOf(t, ours, "n2"))

	// These clients trust our authority, so that it is the server that refuses them.
	other.RootCAs = client.RootCAs
	nobody, old := client.Clone(), client.Clone()
	nobody.GetClientCertificate = nil
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	// This server accepts our clients, so that it is the client that refuses it.
	otherServer.ClientCAs = server.ClientCAs

	for name, c := range map[string]struct {
		server, client *tls.Config
		says           string
	}{
		"client without certificate":  {server, nobody, "certificate required"},
		"client of another authority": {server, other, "unknown certificate authority"},
		"client with TLS 1.2":         {server, old, "protocol version"},
		"server of another authority": {otherServer, client, "unknown authority"},
		"server of another host":      {elsewhere, client, "127.0.0.1"},
		"server with TLS 1.2":         {&tls.Config{GetCertificate: server.GetCertificate, MaxVersion: tls.VersionTLS12}, client, "protocol version"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := greet(greeter(t, c.server), c.client); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("accepted or refused with %v, want %q", err, c.says)
			}
		})
	}
}

// TestRenewedCertificateIsUsedWithoutARestart by both sides, as soon as both files fit. A file that
// cannot be read does not replace the certificate in use.
func TestRenewedCertificateIsUsedWithoutARestart(t *testing.T) {
	ours := certs.New(t)
	files := filesOf(t, ours, "127.0.0.1")
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	server, client, err := files.load(func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	var fromClient []byte
	server.VerifyConnection = func(state tls.ConnectionState) error {
		fromClient = state.PeerCertificates[0].Raw
		return nil
	}
	address := greeter(t, server)
	written := now
	write := func(path string, content []byte) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		written = written.Add(time.Minute)
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
	}
	// The clock stands still while two connect.
	expect := func(when string, serial int64) {
		t.Helper()
		state, err := greet(address, client)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if got := state.PeerCertificates[0]; got.SerialNumber.Int64() != serial || !bytes.Equal(got.Raw, fromClient) {
			t.Errorf("%s: the server's is %v, want %d, and the same of the client", when, got.SerialNumber, serial)
		}
	}

	expect("at the start", 2)
	certificate, key := ours.Issue(t, 3, "127.0.0.1")
	write(files.Cert, certificate)
	now = now.Add(lookAgain)
	expect("renewed, but for the key", 2)
	write(files.Key, key)
	now = now.Add(lookAgain - 1)
	expect("before it is looked at again", 2)
	now = now.Add(1)
	expect("renewed", 3)

	write(files.Cert, []byte("no certificate"))
	now = now.Add(lookAgain)
	expect("broken", 3)
	if err := os.Remove(files.Cert); err != nil {
		t.Fatal(err)
	}
	now = now.Add(lookAgain)
	expect("gone", 3)
	certificate, key = ours.Issue(t, 4, "127.0.0.1")
	write(files.Key, key)
	write(files.Cert, certificate)
	now = now.Add(lookAgain)
	expect("there again", 4)
}

func TestBrokenTLSFilesAreRefusedAtTheStart(t *testing.T) {
	if server, client, err := (TLSFiles{}).Load(); server != nil || client != nil || err != nil {
		t.Errorf("no files give %v, %v, %v", server, client, err)
	}
	ours := certs.New(t)
	whole, other := filesOf(t, ours, "n1"), filesOf(t, ours, "n2")
	for name, c := range map[string]struct {
		files TLSFiles
		says  string
	}{
		"no authority":           {TLSFiles{"nothere.pem", whole.Cert, whole.Key, ""}, "tls_ca"},
		"a key as the authority": {TLSFiles{whole.Key, whole.Cert, whole.Key, ""}, "no PEM certificate"},
		"no certificate":         {TLSFiles{whole.CA, "nothere.pem", whole.Key, ""}, "tls_cert"},
		"no key":                 {TLSFiles{whole.CA, whole.Cert, "nothere.pem", ""}, "tls_key"},
		"key of another one":     {TLSFiles{whole.CA, whole.Cert, other.Key, ""}, "does not match"},
		"certificate alone":      {TLSFiles{Cert: whole.Cert}, "tls_ca"},
		"key for a certificate":  {TLSFiles{whole.CA, whole.Key, whole.Key, ""}, "tls_cert"},
	} {
		t.Run(name, func(t *testing.T) {
			server, client, err := c.files.Load()
			if server != nil || client != nil || err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("accepted or refused with %v, want %q", err, c.says)
			}
		})
	}
}
