package bootstrap

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"anomalydetector/configs"
	"anomalydetector/stream"
)

// streamConfig is how the streams of a configuration are reached. The error is a *configs.Error.
func streamConfig(config *configs.Config, home *home, log *slog.Logger, options Options) (stream.Config, error) {
	timing := stream.DefaultTiming()
	if options.Timing != nil {
		timing = *options.Timing
	}
	timing.Session = cmp.Or(config.Kafka.SessionTimeout, timing.Session)
	timing.Transaction = cmp.Or(config.Kafka.TransactionTimeout, timing.Transaction)
	security, err := tlsConfig(config.Kafka)
	if err != nil {
		return stream.Config{}, unusable(config, err)
	}
	mechanism, err := saslMechanism(config.Kafka)
	if err != nil {
		return stream.Config{}, unusable(config, err)
	}
	return stream.Config{
		Brokers: config.Kafka.Brokers, TLS: security, SASL: mechanism, Client: options.Client, Log: log,
		InputTopic: config.IO.InputTopic, OutputTopic: config.IO.OutputTopic,
		DeadLetterTopic: config.Output.DeadLetterTopic, Group: config.IO.ConsumerGroup,
		Member: config.Name + "." + home.node.ID,
		Timing: timing, Given: config.Kafka.SessionTimeout != 0,
		History: history(config), Retention: config.Output.Retention, Outlet: stream.NewOutlet(),
	}, nil
}

// unusable is the error for a file that [kafka] names.
func unusable(config *configs.Config, err error) error {
	return &configs.Error{File: config.Source, Section: "kafka", Problem: err.Error(), Expected: "want a file that this process can read and use"}
}

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
		// A renewed certificate is used from the next connection on. While certificate and key do not
		// fit, the former pair is used.
		last := atomic.Pointer[tls.Certificate]{}
		last.Store(&pair)
		security.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if pair, err := tls.LoadX509KeyPair(kafka.TLSCert, kafka.TLSKey); err == nil {
				last.Store(&pair)
			}
			return last.Load(), nil
		}
	}
	return security, nil
}

func saslMechanism(kafka configs.Kafka) (sasl.Mechanism, error) {
	if kafka.SASLMechanism == "" {
		return nil, nil
	}
	secret := &password{path: kafka.SASLPasswordFile}
	if err := secret.begin(); err != nil {
		return nil, err
	}
	user := kafka.SASLUsername
	scrams := func(context.Context) (scram.Auth, error) {
		text, err := secret.get()
		return scram.Auth{User: user, Pass: text}, err
	}
	switch kafka.SASLMechanism {
	case "PLAIN":
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			text, err := secret.get()
			return plain.Auth{User: user, Pass: text}, err
		}), nil
	case "SCRAM-SHA-256":
		return scram.Sha256(scrams), nil
	case "SCRAM-SHA-512":
		return scram.Sha512(scrams), nil
	}
	return nil, errors.New("unknown sasl_mechanism " + kafka.SASLMechanism)
}
