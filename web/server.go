package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"
	"golang.org/x/net/netutil"
)

// Server answers on one listener.
type Server struct {
	server *http.Server
	ended  chan struct{} // closed when it has stopped answering
}

// closePatience is how long running answers may take when the server closes.
const closePatience = time.Second

// CheckConfigFile says what is wrong with a web configuration file.
func CheckConfigFile(path string) error { return toolkit.Validate(path) }

// Serve answers on a listener, and closes it in the end. It uses the TLS and the passwords of a web
// configuration file, or none if configFile is empty.
func Serve(listener net.Listener, handler http.Handler, configFile string, log *slog.Logger) *Server {
	s := &Server{ended: make(chan struct{}), server: &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: mostHeader,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug), // mistakes of clients
	}}
	limited := netutil.LimitListener(listener, mostOpen)
	go func() {
		defer close(s.ended)
		var err error
		if configFile == "" {
			err = s.server.Serve(limited)
		} else {
			err = toolkit.Serve(limited, s.server, &toolkit.FlagConfig{WebConfigFile: &configFile}, slog.New(warnings{log.Handler()}))
		}
		_ = limited.Close() // it is closed already, unless the file could not be used
		if !errors.Is(err, http.ErrServerClosed) {
			log.Error("the HTTP server has ended; the detectors go on without it", "address", listener.Addr().String(), "error", err)
		}
	}()
	return s
}

// Close lets running answers end, for at most closePatience.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.server.Close()
	}
	<-s.ended
	return err
}

// warnings lets warnings and errors through. At each start the toolkit logs what the program says in one line
// of its own.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}
func (w warnings) WithAttrs(a []slog.Attr) slog.Handler { return warnings{w.Handler.WithAttrs(a)} }
func (w warnings) WithGroup(name string) slog.Handler   { return warnings{w.Handler.WithGroup(name)} }

// SpeaksTLS says whether a web configuration file asks for TLS. The file must be valid.
func SpeaksTLS(path string) bool {
	content, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	var config toolkit.Config
	return yaml.Unmarshal(content, &config) == nil && config.TLSConfig.IsEnabled()
}
