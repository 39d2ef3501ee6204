package bootstrap

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"anomalydetector/configs"
	"anomalydetector/stream"
)

// streamConfig says how a configuration's streams are reached.
func streamConfig(config *configs.Config, home *home, log *slog.Logger, options Options) (stream.Config, error) {
	timing := stream.DefaultTiming()
	if options.Timing != nil {
		timing = *options.Timing
	}
	security, err := tlsConfig(config.Kafka)
	if err != nil {
		return stream.Config{}, fmt.Errorf("%s, [kafka]: %w", config.Source, err)
	}
	mechanism, err := saslMechanism(config.Kafka)
	if err != nil {
		return stream.Config{}, fmt.Errorf("%s, [kafka]: %w", config.Source, err)
	}
	return stream.Config{
		Brokers: config.Kafka.Brokers, TLS: security, SASL: mechanism, Client: options.Client, Log: log,
		InputTopic: config.IO.InputTopic, OutputTopic: config.IO.OutputTopic,
		DeadLetterTopic: config.Output.DeadLetterTopic, Group: config.IO.ConsumerGroup,
		Member: config.Name + "." + home.node.ID,
		Timing: timing, History: history(config), Retention: config.Output.Retention, Outlet: stream.NewOutlet(),
	}, nil
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
		security.Certificates = []tls.Certificate{pair}
	}
	return security, nil
}

func saslMechanism(kafka configs.Kafka) (sasl.Mechanism, error) {
	if kafka.SASLMechanism == "" {
		return nil, nil
	}
	secret, err := os.ReadFile(kafka.SASLPasswordFile)
	if err != nil {
		return nil, fmt.Errorf("read sasl_password_file: %w", err)
	}
	user, password := kafka.SASLUsername, strings.TrimRight(string(secret), "\r\n")
	switch kafka.SASLMechanism {
	case "PLAIN":
		return plain.Auth{User: user, Pass: password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism(), nil
	}
	return nil, errors.New("unknown sasl_mechanism " + kafka.SASLMechanism)
}
