package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"anomalydetector/stream"
)

func TestOnlyHostsAndPortsAreAddresses(t *testing.T) {
	for _, good := range []string{"127.0.0.1:7100", "[::1]:1", "node-1.example.org:65535", "node_1:7100", "[fe80::1%eth0]:7100", "localhost:80", "[::ffff:127.0.0.1]:80"} {
		if err := checkAddress(good); err != nil {
			t.Errorf("%s is refused: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", ":", ":7100", "host", "host:", "host:0", "host:65536", "host:07100", "host:+80", "host:-1", "host:http", "host:7100 ",
		"127.0.0.1:7100/v1/node", "127.0.0.1:7100?detector=d", "127.0.0.1:7100#", "user@127.0.0.1:7100", "user:word@127.0.0.1:7100", "http://127.0.0.1:7100",
		"a b:7100", "a\n:7100", "a\r\nHost: b:7100", "a\x00:7100", "a%2f:7100", "a\\b:7100", "-a:7100", "é:7100", "[::1:7100", "::1:7100", "[host]:7100",
		"[fe80::1%a b]:7100", "[fe80::1%a/b]:7100", strings.Repeat("a", 300) + ":7100",
	} {
		if err := checkAddress(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// FuzzAddress: an accepted address stands for itself in a URL, and for nothing else.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"127.0.0.1:7100", "[::1]:1", "node:7100", "user@host:1", "host:1/x", "[fe80::1%eth0]:7100", "host:1?x#y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if checkAddress(address) != nil {
			return
		}
		where := url.URL{Scheme: "http", Host: address, Path: "/v1/node", RawQuery: "a=b"}
		back, err := url.Parse(where.String())
		if err != nil || back.Host != address || back.User != nil || back.Path != "/v1/node" || back.RawQuery != "a=b" {
			t.Errorf("%q becomes %s, which is read as %+v, %v", address, where.String(), back, err)
		}
		if host, port, err := net.SplitHostPort(address); err != nil || host != back.Hostname() || port != back.Port() {
			t.Errorf("%q is %q, %q, %v; in a URL %q, %q", address, host, port, err, back.Hostname(), back.Port())
		}
	})
}

// TestMemberAddressIsCheckedBeforeItIsDialled: without TLS no address beyond this machine is
// dialled, and none ever that is more than a host and a port.
func TestMemberAddressIsCheckedBeforeItIsDialled(t *testing.T) {
	const own, near, far, smuggled = "node:7100", "127.0.0.1:7101", "10.0.0.1:7100", "127.0.0.1:7102/v1/entity?key="
	for name, c := range map[string]struct {
		server   *tls.Config
		insecure bool
		want     []string
	}{
		"plain text": {nil, false, []string{near}},
		"insecure":   {nil, true, []string{far, near}},
		"with TLS":   {&tls.Config{}, false, []string{far, near}},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			var dialled []string
			noDial := func(_ context.Context, _, address string) (net.Conn, error) {
				dialled = append(dialled, address)
				return nil, errors.New("not today")
			}
			n := &Node{config: Config{Advertise: own, Server: c.server, Insecure: c.insecure, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now},
				client: newClient(nil, noDial)}
			w := &GroupWatcher{node: n, name: "d", draining: make(map[string]time.Time)}
			n.watchers = []*GroupWatcher{}
			for range 3 { // each address is logged once
				var found []stream.Member
				for i, address := range []string{own, near, far, smuggled, ""} {
					found = append(found, stream.Member{ID: fmt.Sprint("id", i), Instance: fmt.Sprint("i", i), Address: address})
				}
				w.note(found, true, 1, nil, noon)
			}
			v, _ := w.seen()
			if others := v.others(own); !slices.Equal(others, c.want) {
				t.Errorf("the addresses to ask are %v, want %v", others, c.want)
			}
			if !slices.ContainsFunc(v.members, func(m member) bool { return m.Address == own }) {
				t.Error("the node's own address was cleared")
			}
			if told := strings.Count(log.String(), "address is not dialled"); told != 4-len(c.want)-1 {
				t.Errorf("%d refused addresses are logged:\n%s", told, &log)
			}
			at := slices.IndexFunc(v.members, func(m member) bool { return m.ID == "id3" })
			if why := w.unreachable(v.members[at]); !strings.Contains(why, "not host:port") {
				t.Errorf("status says %q", why)
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			w.tellLeaving(ctx, v.others(own)[:1], "id0", make(map[string]*successor))
			if !slices.Contains(c.want, dialled[0]) {
				t.Errorf("it dialled %v", dialled)
			}
		})
	}
	asker := NewAsker(nil)
	if _, err := asker.Status(context.Background(), smuggled); err == nil || !strings.Contains(err.Error(), "not host:port") {
		t.Errorf("%s is asked: %v", smuggled, err)
	}
}

// TestClientFollowsNoRedirectAndReadsNoEndlessAnswer: an answer is one of this node, and bounded.
func TestClientFollowsNoRedirectAndReadsNoEndlessAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		says   string
	}{
		"another address": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		}, "Found"},
		"no end": {func(w http.ResponseWriter, _ *http.Request) {
			for blank := bytes.Repeat([]byte(" "), 1<<20); ; {
				if _, err := w.Write(blank); err != nil {
					return
				}
			}
		}, "too large"},
		"lines": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no\r\n2026 ERR faked", http.StatusNotFound)
		}, "no 2026 ERR faked"},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set(protocolHeader, "1")
				c.answer(w, r)
			})}
			go server.Serve(listener)
			defer server.Close()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if _, err := NewAsker(nil).Status(ctx, listener.Addr().String()); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the answer is accepted or refused with %v, want %q", err, c.says)
			}
		})
	}
}
