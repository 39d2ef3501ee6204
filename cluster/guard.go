package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What is held off before a question is looked at: pages in a browser, bodies, and
// those that take more time or connections than a node does.

const (
	mostConnections = 512              // a node has up to 4 to each other one
	mostHeader      = 64 << 10         // bytes of a question: the key of an entity is in it
	mostStreams     = 64               // questions at the same time in one connection of HTTP/2
	readAtMost      = 5 * time.Second  // for a question to arrive
	exportAtMost    = 10 * time.Minute // for all of a partition's windows: who gets them waits no longer
)

// guard is what each question goes through first.
func (n *Node) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(protocolHeader, strconv.Itoa(Protocol))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if refused := n.refuses(r); refused != nil {
			w.Header().Set("Connection", "close")
			http.Error(w, refused.text, refused.status)
			return
		}
		r.Body = http.NoBody
		atMost := mostTimeout + chunkTimeout
		if isExport(r) {
			atMost = exportAtMost
		}
		ctx, cancel := context.WithTimeout(r.Context(), atMost)
		defer cancel()
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(atMost)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return // the connection is gone
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func isExport(r *http.Request) bool { return r.URL.Path == "/v1/windows" }

// refuses says why a question is not even looked at. Nodes of all versions send their
// protocol with each question, no body, and nothing that only browsers send.
func (n *Node) refuses(r *http.Request) *refusal {
	theirs, changes := r.Header.Get(protocolHeader), r.Method != http.MethodGet && r.Method != http.MethodHead
	site := r.Header.Get("Sec-Fetch-Site")
	switch {
	case r.ContentLength != 0:
		return &refusal{status: http.StatusRequestEntityTooLarge, text: "a question has no body"}
	case r.Header.Get("Origin") != "" || site != "" && site != "none":
		return &refusal{status: http.StatusForbidden, text: "this port is for nodes, not for pages in a browser"}
	case n.onlyLoopback() && !n.meansUs(r.Host):
		return &refusal{status: http.StatusForbidden, text: fmt.Sprintf("%q is not an address of this node", r.Host)}
	case theirs == "" && (changes || isExport(r)):
		return &refusal{status: http.StatusForbidden, text: "only nodes may ask that: they send the header " + protocolHeader}
	case theirs != "" && theirs != strconv.Itoa(Protocol):
		return &refusal{status: http.StatusBadRequest, text: fmt.Sprintf("this node (version %s) speaks protocol %d, not %.20s: update the older of the two",
			n.config.Version, Protocol, theirs)}
	}
	return nil
}

// meansUs tells whether a Host names this machine, or what this node advertises: a name
// of another site that leads here is a page's way around the browser's rules.
func (n *Node) meansUs(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	own, _, _ := net.SplitHostPort(n.config.Advertise)
	return isLoopback(name) || strings.EqualFold(name, own)
}

// limited closes connections beyond so many at once.
type limited struct {
	net.Listener
	free chan struct{} // a token for each that may be there
}

func limit(listener net.Listener, connections int) *limited {
	return &limited{listener, make(chan struct{}, connections)}
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.free <- struct{}{}:
			return &counted{Conn: conn, gone: sync.OnceFunc(func() { <-l.free })}, nil
		default:
			conn.Close()
		}
	}
}

// counted gives its token back when it is closed.
type counted struct {
	net.Conn
	gone func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	defer c.gone()
	return c.Conn.Close()
}
