package stream

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
)

// TokenMechanism is SASL OAUTHBEARER with a token that is read for each authentication. now tells whether a
// token that the broker refuses has expired.
func TokenMechanism(read func() (string, error), now func() time.Time) sasl.Mechanism {
	return &bearer{read, now}
}

type bearer struct {
	read func() (string, error)
	now  func() time.Time
}

// Name implements sasl.Mechanism.
func (b *bearer) Name() string { return "OAUTHBEARER" }

// Authenticate implements sasl.Mechanism.
func (b *bearer) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	token, err := b.read()
	if err != nil {
		return nil, nil, err
	}
	_, first, err := oauth.Auth{Token: token}.AsMechanism().Authenticate(ctx, host)
	return bearing{b, token}, first, err
}

// bearing is one authentication.
type bearing struct {
	*bearer
	token string
}

// Challenge implements sasl.Session. A broker that accepts the token says nothing; one that refuses it says why
// (RFC 7628, 3.2.2).
func (b bearing) Challenge(answer []byte) (done bool, next []byte, err error) {
	if len(answer) == 0 {
		return true, nil, nil
	}
	var refusal struct{ Status string }
	if json.Unmarshal(answer, &refusal) != nil || refusal.Status == "" {
		refusal.Status = "no reason given"
	}
	if end, known := expiry(b.token); known && !end.After(b.now()) {
		return false, nil, fmt.Errorf("%w at %s (%s)", errTokenExpired, end.UTC().Format(time.RFC3339), refusal.Status)
	}
	return false, nil, fmt.Errorf("%w (%s)", errTokenRefused, refusal.Status)
}

var (
	errTokenExpired = errors.New("the broker refuses the token, which expired")
	errTokenRefused = errors.New("the broker refuses the token")
)

// expiry is when a token expires, if it is a JSON web token that says so. Only the broker verifies tokens.
func expiry(token string) (end time.Time, known bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return end, false
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return end, false
	}
	var claims struct {
		Exp float64 `json:"exp"`
	}
	if err := json.Unmarshal(text, &claims); err != nil || claims.Exp <= 0 {
		return end, false
	}
	return time.Unix(int64(claims.Exp), 0), true
}
