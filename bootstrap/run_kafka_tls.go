package bootstrap

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"anomalydetector/configs"
)

// tlsFiles reads the TLS files of [kafka] for each connection, so that renewed files need no restart. While
// they cannot be used, such as a certificate and a key that do not fit yet, it goes on with what it read last.
type tlsFiles struct {
	kafka configs.Kafka
	log   *slog.Logger

	mu   sync.Mutex // the Kafka clients connect on goroutines of their own
	last *tls.Config
	told string // the problem that was logged last
}

// begin reads the files for the first time.
func (f *tlsFiles) begin() (err error) {
	f.last, err = tlsConfig(f.kafka)
	return err
}

// get returns how to speak TLS now.
func (f *tlsFiles) get() (*tls.Config, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	read, err := tlsConfig(f.kafka)
	if err != nil {
		if err.Error() != f.told {
			f.log.Warn("a TLS file of [kafka] cannot be used, going on with its former content", "error", err)
		}
		f.told = err.Error()
		return f.last, nil
	}
	f.last, f.told = read, ""
	return read, nil
}

// tlsConfig reads the TLS files; nil: no TLS.
func tlsConfig(kafka configs.Kafka) (*tls.Config, error) {
	if !kafka.TLS {
		return nil, nil
	}
	security := &tls.Config{MinVersion: tls.VersionTLS12}
	if kafka.TLSCA != "" {
		pem, err := os.ReadFile(kafka.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("read tls_ca: %w", err)
		}
		security.RootCAs = x509.NewCertPool()
		if !security.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls_ca %s: no PEM certificate in it", kafka.TLSCA)
		}
	}
	if kafka.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(kafka.TLSCert, kafka.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("read tls_cert and tls_key: %w", err)
		}
		// Go would send no certificate to a broker that asks for one of another authority. The broker's
		// refusal of ours is clearer.
		security.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return security, nil
}
