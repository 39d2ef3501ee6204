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

// The port refuses, before it looks at a request: pages in a browser, requests with a body, and
// clients that take more time or connections than a node does.

const (
	mostConnections = 32 * mostIdle              // as many as 31 other nodes keep, and some for clients
	mostHeader      = 64 << 10                   // bytes; a request carries the key of an entity
	mostStreams     = 64                         // requests at the same time in one connection of HTTP/2: a node asks at most one for each detector and partition
	mostQuestions   = 256                        // requests at the same time in all connections; exports have a limit of their own
	headerAtMost    = 2 * time.Second            // for a handshake, and for the header of a request: nodes are near each other
	readAtMost      = 5 * time.Second            // for a request to arrive; it has no body
	idleAtMost      = time.Minute                // as long as a node keeps a connection that it does not use
	answerAtMost    = mostTimeout + chunkTimeout // for a request that is no export
)

// guard checks each request before next gets it, and bounds the time that next has.
func (n *Node) guard(next http.Handler) http.Handler {
	questions := make(chan struct{}, mostQuestions) // a token for each that is being answered
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(protocolHeader, strconv.Itoa(Protocol))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if refused := n.refuses(r); refused != nil {
			w.Header().Set("Connection", "close")
			http.Error(w, refused.text, refused.status)
			return
		}
		r.Body = http.NoBody
		atMost := answerAtMost
		if isExport(r) {
			atMost = exportAtMost
		} else {
			select {
			case questions <- struct{}{}:
				defer func() { <-questions }()
			default:
				http.Error(w, "this node is busy with other questions", http.StatusServiceUnavailable)
				return
			}
		}
		ctx, cancel := context.WithTimeout(r.Context(), atMost)
		defer cancel()
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(atMost)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return // the connection is closed
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func isExport(r *http.Request) bool { return r.URL.Path == "/v1/windows" }

// refuses returns the reason not to look at a request, or nil. Nodes of all versions send the protocol
// header with each request, no body, and none of the headers that only browsers send.
func (n *Node) refuses(r *http.Request) *refusal {
	theirs, changes := r.Header.Get(protocolHeader), r.Method != http.MethodGet && r.Method != http.MethodHead
	site := r.Header.Get("Sec-Fetch-Site")
	switch {
	case r.ContentLength != 0:
		return &refusal{status: http.StatusRequestEntityTooLarge, text: "a request to this port has no body"}
	case r.Header.Get("Origin") != "" || site != "" && site != "none":
		return &refusal{status: http.StatusForbidden, text: "this port is for nodes, not for pages in a browser"}
	case n.onlyLoopback() && !n.meansUs(r.Host):
		return &refusal{status: http.StatusForbidden, text: fmt.Sprintf("%q is not an address of this node", r.Host)}
	case theirs == "" && (changes || isExport(r)):
		return &refusal{status: http.StatusForbidden, text: "only nodes may ask for that: they send the header " + protocolHeader}
	case theirs != "" && theirs != strconv.Itoa(Protocol):
		return &refusal{status: http.StatusBadRequest, text: fmt.Sprintf("this node (version %s) speaks protocol %d, not %.20s: update the older of the two",
			n.config.Version, Protocol, theirs)}
	}
	return nil
}

// meansUs tells whether a Host header names this machine or the advertised host. A page gets around
// the browser's same-origin rule with a name of its own that resolves to this machine.
func (n *Node) meansUs(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	own, _, _ := net.SplitHostPort(n.config.Advertise)
	return isLoopback(name) || strings.EqualFold(name, own)
}

// limited closes connections beyond a number of open ones.
type limited struct {
	net.Listener
	open chan struct{} // holds a token for each open connection
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
		case l.open <- struct{}{}:
			return &counted{Conn: conn, gone: sync.OnceFunc(func() { <-l.open })}, nil
		default:
			conn.Close()
		}
	}
}

// counted returns its token when it is closed.
type counted struct {
	net.Conn
	gone func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	defer c.gone()
	return c.Conn.Close()
}
