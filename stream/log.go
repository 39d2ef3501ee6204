package stream

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kslog"
)

// libraryLog shows what the client library says only to those who debug: what
// an operator must know is said by outageLog, by the session and by the detector's
// watch, once. The observer hears it, too.
type libraryLog struct {
	log      *slog.Logger
	observer *Observer // nil: none
	purpose  string    // of the client
}

func (l libraryLog) debugging() bool { return l.log.Enabled(context.Background(), slog.LevelDebug) }

func (l libraryLog) Level() kgo.LogLevel {
	switch {
	case l.observer.attending():
		return kgo.LogLevelDebug
	case l.debugging():
		return kgo.LogLevelInfo
	case l.observer != nil:
		return kgo.LogLevelWarn
	}
	return kgo.LogLevelNone
}

func (l libraryLog) Log(level kgo.LogLevel, message string, keyvals ...any) {
	if l.observer != nil {
		l.observer.hear(l.purpose, message, keyvals)
	}
	if level <= kgo.LogLevelInfo && l.debugging() {
		kslog.New(l.log).Log(kgo.LogLevelDebug, message, keyvals...)
	}
}

// repeatOutage is how often an outage that goes on is told again.
const repeatOutage = 30 * time.Second

// outageLog tells when the brokers cannot be reached, and when they can again.
// The client library retries for ever and silently.
type outageLog struct {
	log  *slog.Logger
	mu   sync.Mutex // the hook runs on the client's goroutines
	told time.Time  // when the running outage was last told; zero without one
}

// OnBrokerConnect is called by the client after each attempt to connect.
func (o *outageLog) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	address := net.JoinHostPort(meta.Host, portText(meta.Port))
	switch {
	case err == nil && !o.told.IsZero():
		o.log.Info("broker reached again", "broker", address)
		o.told = time.Time{}
	case errors.Is(err, context.Canceled) || err != nil && strings.Contains(err.Error(), "operation was canceled"):
		// by us
	case err != nil && time.Since(o.told) > repeatOutage:
		o.log.Warn("broker cannot be reached, trying again", "broker", address, "error", err)
		o.told = time.Now()
	}
}
