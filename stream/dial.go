package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// dialTimeout limits a connection attempt with its TLS handshake. It is the client library's own default.
const dialTimeout = 10 * time.Second

// dialTLS connects to a broker. The certificates come from Config.TLS each time, so that renewed files need no
// new client.
func (c Config) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	settings, err := c.TLS()
	if err != nil {
		return nil, err
	}
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: dialTimeout}, Config: settings}
	connection, err := dialer.DialContext(ctx, network, address)
	var failed *net.OpError
	if err == nil || errors.As(err, &failed) && failed.Op == "dial" {
		return connection, err
	}
	return nil, &handshakeError{err}
}

// handshakeError is the failure of a TLS handshake on a connection that was there.
type handshakeError struct{ err error }

func (h *handshakeError) Error() string { return "TLS handshake: " + h.err.Error() }
func (h *handshakeError) Unwrap() error { return h.err }
