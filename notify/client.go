package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/common/config"

	"anomalydetector/notify/alerts"
)

// Files say how to reach Alertmanagers. They are read again when they change.
type Files struct {
	CA, Cert, Key string // empty: the authorities of the system, no certificate
	Username      string
	PasswordFile  string
	TokenFile     string // a bearer token, instead of user and password
}

// NewClient makes a client that follows no redirects, so that it shows passwords to nobody else.
func NewClient(files Files) (*http.Client, error) {
	settings := config.HTTPClientConfig{EnableHTTP2: true, TLSConfig: config.TLSConfig{CAFile: files.CA, CertFile: files.Cert, KeyFile: files.Key}}
	if files.Username != "" {
		settings.BasicAuth = &config.BasicAuth{Username: files.Username, PasswordFile: files.PasswordFile}
	}
	if files.TokenFile != "" {
		settings.Authorization = &config.Authorization{Type: "Bearer", CredentialsFile: files.TokenFile}
	}
	return config.NewClientFromConfig(settings, "alertmanager")
}

// answerMost is how many bytes of an answer are shown in an error.
const answerMost = 300

// send sends alerts in one request.
func (s *sender) send(ctx context.Context, batch []alerts.Sending) error {
	n := s.notifier
	now := n.config.Now()
	body := make([]wire, len(batch))
	for i := range batch {
		body[i] = n.wire(&batch[i].Alert, now)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("%w: write alerts as JSON: %w", errRefused, err)
	}
	ctx, cancel := context.WithTimeout(ctx, n.config.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("make a request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "anomalydetector")
	answer, err := n.config.Client.Do(request)
	if n.config.Latency != nil {
		n.config.Latency(s.name, n.config.Now().Sub(now))
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, answerMost)) // only for the error
	if answer.StatusCode/100 == 2 {
		return nil
	}
	err = fmt.Errorf("it answers %s: %s", answer.Status, strings.TrimSpace(strings.ToValidUTF8(string(said), "�")))
	switch answer.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return err
}

// wire is an alert as the API v2 of an Alertmanager takes it.
type wire struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}
