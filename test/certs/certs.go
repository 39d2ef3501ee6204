// Package certs makes certificates for tests of nodes that speak TLS. It imports nothing of this project.
package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Files are what a node needs, in the PEM format.
type Files struct{ CA, Cert, Key string }

// Authority signs certificates.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	path        string
}

// New makes an authority. Its certificate is in a file until the test ends.
func New(t *testing.T) *Authority {
	t.Helper()
	a := &Authority{key: newKey(t), path: filepath.Join(t.TempDir(), "ca.pem")}
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
func (a *Authority) sign(t *testing.T, template *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// Issue makes a certificate of a host, and its key, as PEM.
func (a *Authority) Issue(t *testing.T, serial int64, host string) (certificate, key []byte) {
	t.Helper()
	return a.issue(t, serial, host, func(*x509.Certificate) {})
}

// IssueUntil makes a certificate that expires at a time.
func (a *Authority) IssueUntil(t *testing.T, serial int64, host string, end time.Time) (certificate, key []byte) {
	t.Helper()
	return a.issue(t, serial, host, func(c *x509.Certificate) { c.NotAfter = end })
}

// issue is Issue for a certificate that is changed before it is signed.
func (a *Authority) issue(t *testing.T, serial int64, host string, change func(*x509.Certificate)) (certificate, key []byte) {
	t.Helper()
	private := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: a.certificate.NotBefore, NotAfter: a.certificate.NotAfter,
		Subject:  pkix.Name{CommonName: host},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	change(template)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return a.sign(t, template, private), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// Path is the file with the authority's certificate.
func (a *Authority) Path() string { return a.path }

// Node writes the files of a node that trusts the authority and is signed by it.
func (a *Authority) Node(t *testing.T, host string) Files {
	t.Helper()
	return a.Changed(t, host, func(*x509.Certificate) {})
}

// Changed is Node with a certificate that is changed before it is signed.
func (a *Authority) Changed(t *testing.T, host string, change func(*x509.Certificate)) Files {
	t.Helper()
	dir := t.TempDir()
	files := Files{CA: a.Path(), Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	certificate, key := a.issue(t, 2, host, change)
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
