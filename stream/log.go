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

// libraryLog shows the client library's log only at debug level. What an operator must know is logged once,
// by outageLog, the session or the detector's watch. The Observer hears the log, too.
type libraryLog struct {
	log      *slog.Logger
	observer *Observer // nil: none
	purpose  string    // what the client is for
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

// repeatOutage is how often an outage that goes on is logged again.
const repeatOutage = 30 * time.Second

// outages are the brokers' outages, shared by all clients of one Observer: each client meets an outage, but
// it is logged once.
type outages struct {
	mu   sync.Mutex      // the hooks run on the clients' goroutines
	told time.Time       // when an outage was last logged; zero without an outage
	down map[string]bool // the addresses that could not be reached the last time, and whether that was logged
}

// outageLog logs when a broker cannot be reached, and when it can be reached again. The client library
// retries for ever, silently.
type outageLog struct {
	log     *slog.Logger
	now     func() time.Time
	outages *outages
	told    bool // the user of this client reports its failure, so the log need not
}

// outageLog is that of a client for a purpose.
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
	case errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) || err != nil && strings.Contains(err.Error(), "operation was canceled"):
		// we have canceled it, or closed the client meanwhile
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
