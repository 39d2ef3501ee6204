package web

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"
)

// headers are in every answer. They forbid to load anything from another site and to show the page inside
// another one, and they keep other sites from learning where a reader came from.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	"X-Content-Type-Options":  "nosniff",
	"Referrer-Policy":         "no-referrer",
	"Cache-Control":           "no-store",
}

// guarded lets a request through if it is a GET or HEAD without a body that names this host.
func (s *Site) guarded(next http.Handler, loopback bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := s.config.Now()
		seen := &seen{ResponseWriter: w}
		defer func() {
			if cause := recover(); cause != nil {
				s.config.Log.Error("an answer over HTTP panicked", "path", r.URL.Path, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
				if seen.status == 0 {
					refuse(seen, http.StatusInternalServerError, "this is an error of the program; the log has it")
				}
			}
			if w.Header().Get("Content-Type") != "text/event-stream" { // a stream lasts as long as its reader stays
				s.metrics.answered(seen.status, s.config.Now().Sub(begun))
			}
		}()
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		switch {
		case loopback && !namesLoopback(r.Host):
			refuse(seen, http.StatusMisdirectedRequest, "this address answers only requests for localhost")
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			refuse(seen, http.StatusMethodNotAllowed, "want GET or HEAD: nothing can be changed here")
		case r.ContentLength != 0:
			w.Header().Set("Connection", "close") // because the body is not read
			refuse(seen, http.StatusRequestEntityTooLarge, "want a request without a body")
		default:
			next.ServeHTTP(seen, r)
		}
	})
}

// namesLoopback says whether a Host header, with or without a port, names only this machine. A request
// without the header is accepted, because no browser sends one.
func namesLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	ip, err := netip.ParseAddr(host)
	return host == "" || strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// seen remembers the status of an answer; 0: no answer yet.
type seen struct {
	http.ResponseWriter
	status int
}

func (s *seen) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *seen) Write(text []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	return s.ResponseWriter.Write(text)
}

// Unwrap is for http.ResponseController.
func (s *seen) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// result is a status as the metric's label.
func result(status int) string {
	switch {
	case status >= 500:
		return "failed"
	case status >= 400:
		return "refused"
	}
	return "answered"
}

// problem is an error for programs (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// refuse answers with a problem document.
func refuse(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	writeJSON(w, problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail})
}

func writeJSON(w http.ResponseWriter, answer any) {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(answer) // the client may have gone
}

// Limits of a server, for answers and for clients.
const (
	headerTimeout = 5 * time.Second // for the header of a request
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = time.Minute
	mostHeader    = 16 << 10 // bytes
	mostOpen      = 256      // connections
)
