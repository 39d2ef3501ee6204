package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"
)

// TLSFiles are the paths of the PEM files for mutual TLS: all three, or none. Names tells which
// certificates of the authority belong to nodes; empty: those for use both as a server and as a client.
type TLSFiles struct{ CA, Cert, Key, Names string }

// Load makes the TLS 1.3 configurations of a server and a client, which demand a certificate of the
// authority from each other; both are nil without files. A certificate that is renewed on disk is
// used within a second; another authority needs a restart. Load returns an error that names the
// setting of a file that cannot be read or does not fit.
func (f TLSFiles) Load() (server, client *tls.Config, err error) { return f.load(time.Now) }

func (f TLSFiles) load(now func() time.Time) (server, client *tls.Config, err error) {
	if f == (TLSFiles{}) {
		return nil, nil, nil
	}
	pem, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, nil, fmt.Errorf("read tls_ca: %w", err)
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(pem) {
		return nil, nil, fmt.Errorf("tls_ca %s: no PEM certificate in it", f.CA)
	}
	pair := &renewed{files: f, now: now}
	if err = pair.read(); err != nil {
		return nil, nil, fmt.Errorf("read tls_cert and tls_key: %w", err)
	}
	names, err := ParseNames(f.Names)
	if err != nil {
		return nil, nil, fmt.Errorf("tls_names: %w", err)
	}
	protocols := []string{"h2", "http/1.1"}
	server = &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: protocols, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted,
		GetCertificate:   func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.get(), nil },
		VerifyConnection: names.verify,
	}
	client = &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: protocols, RootCAs: trusted,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair.get(), nil },
		VerifyConnection:     names.verify, // besides the name of the host that is dialled, which the library checks
	}
	return server, client, nil
}

// renewed is a certificate that is read again after its file has changed.
type renewed struct {
	files TLSFiles
	now   func() time.Time

	mu      sync.Mutex
	looked  time.Time
	changed time.Time // the file's time
	pair    *tls.Certificate
}

// lookAgain is how long a certificate is used before its file is checked again.
const lookAgain = time.Second

// get is the newest certificate that could be read.
func (r *renewed) get() *tls.Certificate {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.now(); now.Sub(r.looked) >= lookAgain {
		r.looked = now
		if about, err := os.Stat(r.files.Cert); err == nil && !about.ModTime().Equal(r.changed) {
			_ = r.read() // the key may not be written yet: the earlier pair serves until a later attempt succeeds
		}
	}
	return r.pair
}

func (r *renewed) read() error {
	about, err := os.Stat(r.files.Cert)
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(r.files.Cert, r.files.Key)
	if err != nil {
		return err
	}
	r.pair, r.changed = &pair, about.ModTime()
	return nil
}
