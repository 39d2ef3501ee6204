package cluster

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates for tests.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	path        string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newKey(t), path: filepath.Join(t.TempDir(), "ca.pem")}
	a.certificate = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	writeFile(t, a.path, a.sign(t, a.certificate, a.key))
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign returns the certificate of a key, as PEM.
func (a *authority) sign(t *testing.T, template *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// issue returns a certificate of a host, and its key, as PEM.
func (a *authority) issue(t *testing.T, serial int64, host string) (certificate, key []byte) {
	t.Helper()
	private := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: a.certificate.NotBefore, NotAfter: a.certificate.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return a.sign(t, template, private), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// node is the files of a node that trusts the authority and is signed by it.
func (a *authority) node(t *testing.T, host string) TLSFiles {
	t.Helper()
	dir := t.TempDir()
	files := TLSFiles{CA: a.path, Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	certificate, key := a.issue(t, 2, host)
	writeFile(t, files.Cert, certificate)
	writeFile(t, files.Key, key)
	return files
}

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
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

// greeter greets everybody who gets through, at the address it returns, until
// the test ends.
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
			_, _ = io.WriteString(conn, greeting) // shakes hands first; the client sees what comes of it
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
	ours := newAuthority(t)
	server, _ := mustLoad(t, ours.node(t, "127.0.0.1"))
	_, client := mustLoad(t, ours.node(t, "n2"))
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

func TestStrangersAreRefused(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	server, client := mustLoad(t, ours.node(t, "127.0.0.1"))
	otherServer, other := mustLoad(t, theirs.node(t, "127.0.0.1"))
	elsewhere, _ := mustLoad(t, ours.node(t, "n2"))

	// They trust our authority, so that it is the server that refuses them.
	other.RootCAs = client.RootCAs
	nobody, old := client.Clone(), client.Clone()
	nobody.GetClientCertificate = nil
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	// It accepts our clients, so that it is the client that refuses it.
	otherServer.ClientCAs = server.ClientCAs

	for name, c := range map[string]struct {
		server, client *tls.Config
		says           string
	}{
		"client without certificate":     {server, nobody, "certificate required"},
		"client of another authority":    {server, other, "unknown certificate authority"},
		"client with TLS 1.2":            {server, old, "protocol version"},
		"server of another authority":    {otherServer, client, "unknown authority"},
		"server of another host":         {elsewhere, client, "127.0.0.1"},
		"server that speaks no such TLS": {&tls.Config{GetCertificate: server.GetCertificate, MaxVersion: tls.VersionTLS12}, client, "protocol version"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := greet(greeter(t, c.server), c.client); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got through, or refused with %v, want %q", err, c.says)
			}
		})
	}
}

// TestRenewedCertificateIsUsedWithoutARestart, by both sides, as soon as it is
// whole; and what cannot be read does not replace what is there.
func TestRenewedCertificateIsUsedWithoutARestart(t *testing.T) {
	ours := newAuthority(t)
	files := ours.node(t, "127.0.0.1")
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
		writeFile(t, path, content)
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
	certificate, key := ours.issue(t, 3, "127.0.0.1")
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
	certificate, key = ours.issue(t, 4, "127.0.0.1")
	write(files.Key, key)
	write(files.Cert, certificate)
	now = now.Add(lookAgain)
	expect("there again", 4)
}

func TestFilesOfTLSAreLookedAtAtTheStart(t *testing.T) {
	if server, client, err := (TLSFiles{}).Load(); server != nil || client != nil || err != nil {
		t.Errorf("no files give %v, %v, %v", server, client, err)
	}
	ours := newAuthority(t)
	whole, other := ours.node(t, "n1"), ours.node(t, "n2")
	for name, c := range map[string]struct {
		files TLSFiles
		says  string
	}{
		"no authority":           {TLSFiles{"nothere.pem", whole.Cert, whole.Key}, "tls_ca"},
		"a key as the authority": {TLSFiles{whole.Key, whole.Cert, whole.Key}, "no PEM certificate"},
		"no certificate":         {TLSFiles{whole.CA, "nothere.pem", whole.Key}, "tls_cert"},
		"no key":                 {TLSFiles{whole.CA, whole.Cert, "nothere.pem"}, "tls_key"},
		"key of another one":     {TLSFiles{whole.CA, whole.Cert, other.Key}, "does not match"},
		"certificate alone":      {TLSFiles{Cert: whole.Cert}, "tls_ca"},
		"key for a certificate":  {TLSFiles{whole.CA, whole.Key, whole.Key}, "tls_cert"},
	} {
		t.Run(name, func(t *testing.T) {
			server, client, err := c.files.Load()
			if server != nil || client != nil || err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("accepted, or refused with %v, want %q", err, c.says)
			}
		})
	}
}
