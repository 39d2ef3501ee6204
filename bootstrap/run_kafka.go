package bootstrap

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"time"

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
	var security func() (*tls.Config, error)
	if config.Kafka.TLS {
		files := &tlsFiles{kafka: config.Kafka, log: log}
		if err := files.begin(); err != nil {
			return stream.Config{}, unusable(config, err)
		}
		security = files.get
	}
	mechanism, err := saslMechanism(config.Kafka)
	if err != nil {
		return stream.Config{}, unusable(config, err)
	}
	return stream.Config{
		Brokers: config.Kafka.Brokers, TLS: security, SASL: mechanism, Client: options.Client, Log: log,
		InputTopic: config.IO.InputTopic, OutputTopic: config.IO.OutputTopic,
		DeadLetterTopic: config.Output.DeadLetterTopic, EpisodesTopic: config.Episodes.OutputTopic, Group: config.IO.ConsumerGroup,
		Member: config.Name + "." + home.node.ID,
		Timing: timing, Given: config.Kafka.SessionTimeout != 0,
		History: history(config), Retention: config.Output.Retention, Outlet: stream.NewOutlet(),
	}, nil
}

// unusable is the error for a file that [kafka] names.
func unusable(config *configs.Config, err error) error {
	return &configs.Error{File: config.Source, Section: "kafka", Problem: err.Error(), Expected: "want a file that this process can read and use"}
}

func saslMechanism(kafka configs.Kafka) (sasl.Mechanism, error) {
	if kafka.SASLMechanism == "" {
		return nil, nil
	}
	secret := &password{key: "sasl_password_file", path: kafka.SASLPasswordFile}
	if kafka.SASLMechanism == "OAUTHBEARER" {
		secret = &password{key: "sasl_token_file", path: kafka.SASLTokenFile}
	}
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
	case "OAUTHBEARER":
		return stream.TokenMechanism(secret.get, time.Now), nil
	}
	return nil, errors.New("unknown sasl_mechanism " + kafka.SASLMechanism)
}
