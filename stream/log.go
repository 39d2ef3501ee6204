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

// outages are those of the brokers, for all clients of one Observer: each of them meets
// an outage, and it is told once.
type outages struct {
	mu   sync.Mutex      // the hooks run on the clients' goroutines
	told time.Time       // when an outage was last told; zero without one
	down map[string]bool // addresses that could not be reached the last time, and whether that was told
}

// outageLog tells when a broker cannot be reached, and when it can again. The client
// library retries for ever and silently.
type outageLog struct {
	log     *slog.Logger
	now     func() time.Time
	outages *outages
	told    bool // whoever asks by this client tells of its failure
}

// outageLog is that of a client.
func (c Config) outageLog(purpose string) *outageLog {
	shared := new(outages)
	switch {
	case c.outages != nil:
		shared = c.outages
	case c.Observer != nil:
		shared = &c.Observer.outages
	}
	return &outageLog{c.Log.With("client", purpose), c.now, shared, purpose == "topics"}
}

// OnBrokerConnect is called by the client after each attempt to connect.
func (o *outageLog) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	all := o.outages
	all.mu.Lock()
	defer all.mu.Unlock()
	address := net.JoinHostPort(meta.Host, portText(meta.Port))
	told, down := all.down[address]
	switch {
	case errors.Is(err, context.Canceled) || err != nil && strings.Contains(err.Error(), "operation was canceled"):
		// by us
	case err != nil:
		if all.down == nil {
			all.down = make(map[string]bool)
		}
		all.down[address] = told
		if now := o.now(); o.told {
			o.log.Debug("broker cannot be reached", "broker", address, "error", err)
		} else if now.Sub(all.told) > repeatOutage {
			o.log.Warn("broker cannot be reached, trying again", "broker", address, "error", err)
			all.told, all.down[address] = now, true
		}
	case down:
		if told {
			o.log.Info("broker reached again", "broker", address)
		}
		if delete(all.down, address); len(all.down) == 0 {
			all.told = time.Time{}
		}
	}
}
