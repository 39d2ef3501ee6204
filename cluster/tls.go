package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"
)

// TLSFiles are the PEM files of mutual TLS, or none.
type TLSFiles struct{ CA, Cert, Key string }

// Load makes what a server and a client need, for TLS 1.3; nil without files. A
// certificate that is renewed on the disk is used from then on; another
// authority needs a restart.
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
	protocols := []string{"h2", "http/1.1"}
	server = &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: protocols, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.get(), nil },
	}
	client = &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: protocols, RootCAs: trusted,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair.get(), nil },
	}
	return server, client, nil
}

// renewed is a certificate that is read again when its file has changed.
type renewed struct {
	files TLSFiles
	now   func() time.Time

	mu      sync.Mutex
	looked  time.Time
	changed time.Time // the file's time
	pair    *tls.Certificate
}

// lookAgain is how long a certificate is used before its file is looked at again.
const lookAgain = time.Second

// get is the newest that could be read.
func (r *renewed) get() *tls.Certificate {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.now(); now.Sub(r.looked) >= lookAgain {
		r.looked = now
		if about, err := os.Stat(r.files.Cert); err == nil && !about.ModTime().Equal(r.changed) {
			_ = r.read() // the key may not be there yet: the earlier pair does meanwhile, and this is tried again
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
