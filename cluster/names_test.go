package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"anomalydetector/stream"
	"anomalydetector/test/certs"
)

func mustParse(t *testing.T, text string) Names {
	t.Helper()
	n, err := ParseNames(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNamesMatchWholeNames(t *testing.T) {
	for text, c := range map[string]struct{ nodes, others []string }{
		"node-*.example.org": {[]string{"node-1.example.org", "NODE-x.Example.Org", "node-1.example.org."},
			[]string{"node-.example.org", "node-1.x.example.org", "node-1.example.org.evil", "xnode-1.example.org", "node-1xexample.org", "10.0.0.1"}},
		"*.example.org":      {[]string{"a.example.org"}, []string{"example.org", "a.b.example.org", ".example.org"}},
		"*":                  {[]string{"a", "node-1"}, []string{"a.b", "10.0.0.1", ""}},
		"10.0.0.1":           {[]string{"10.0.0.1", "::ffff:10.0.0.1"}, []string{"10.0.0.10", "110.0.0.1", "::1", "a"}},
		"10.0.0.0/24, fd::1": {[]string{"10.0.0.255", "fd::1", "FD:0::1"}, []string{"10.0.1.0", "fd::2"}},
		"a, b":               {[]string{"a", "b"}, []string{"c", "a, b"}},
	} {
		n := mustParse(t, text)
		for _, host := range c.nodes {
			if !n.host(host) || !n.dialable(host) {
				t.Errorf("%q does not match %q", text, host)
			}
		}
		for _, host := range c.others {
			if n.host(host) || n.dialable(host) {
				t.Errorf("%q matches %q", text, host)
			}
		}
	}
	for uri, want := range map[string]bool{"spiffe://e.org/node/1": true, "spiffe://e.org/node/": false, "spiffe://e.org/node/1/2": false,
		"spiffe://e.org.evil/node/1": false, "xspiffe://e.org/node/1": false} {
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		if got := mustParse(t, "spiffe://e.org/node/*").certificate(&x509.Certificate{URIs: []*url.URL{u}}); got != want {
			t.Errorf("%s is a node's: %t", uri, got)
		}
	}
	if !mustParse(t, "spiffe://e.org/node/*").dialable("anything") {
		t.Error("a host is compared with URIs")
	}
	for _, text := range []string{"a,", ",", "a b", "a:1", "10.0.0.0/33", "fe80::1%eth0", "a..b", "://x", "(", "a/b"} {
		if n, err := ParseNames(text); err == nil {
			t.Errorf("%q is read as %v", text, n)
		}
	}
}

// TestOnlyCertificatesOfNodesAreAccepted by the port, and by a node that asks.
func TestOnlyCertificatesOfNodesAreAccepted(t *testing.T) {
	ours := certs.New(t)
	uses := func(all ...x509.ExtKeyUsage) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.ExtKeyUsage = all }
	}
	named := func(names ...string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.DNSNames = names }
	}
	for name, c := range map[string]struct {
		names  string
		change func(*x509.Certificate)
		client bool // the node accepts it from a client
		server bool // a client accepts it from the node
	}{
		"both uses":                       {"", uses(x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth), true, true},
		"any use":                         {"", uses(x509.ExtKeyUsageAny), true, true},
		"no use is named":                 {"", uses(), true, true},
		"a client":                        {"", uses(x509.ExtKeyUsageClientAuth), false, false},
		"a server":                        {"", uses(x509.ExtKeyUsageServerAuth), false, false},
		"another use":                     {"", uses(x509.ExtKeyUsageCodeSigning), false, false},
		"a name of nodes":                 {"node-*.example.org", named("node-1.example.org"), true, true},
		"the second name":                 {"node-*.example.org", named("x", "node-1.example.org"), true, true},
		"an address of nodes":             {"127.0.0.0/8", named(), true, true},
		"another name":                    {"node-*.example.org", named("www.example.org"), false, false},
		"no name":                         {"node-*.example.org", named(), false, false},
		"an operator whose name is given": {"node-*, ops", func(c *x509.Certificate) { named("ops")(c); uses(x509.ExtKeyUsageClientAuth)(c) }, true, false},
		"a server whose name is given":    {"node-*", func(c *x509.Certificate) { named("node-1")(c); uses(x509.ExtKeyUsageServerAuth)(c) }, false, true},
		"the common name does not count":  {"node-*", func(c *x509.Certificate) { named()(c); c.Subject.CommonName = "node-1" }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			files := func(f certs.Files, names string) TLSFiles { return TLSFiles{f.CA, f.Cert, f.Key, names} }
			theirs := files(ours.Changed(t, "127.0.0.1", c.change), "")
			theirServer, theirClient := mustLoad(t, theirs)
			theirServer.VerifyConnection, theirClient.VerifyConnection = nil, nil // we look at what our side does
			server, client := mustLoad(t, files(ours.Node(t, "127.0.0.1"), c.names))
			if _, err := greet(greeter(t, server), theirClient); (err == nil) != c.client {
				t.Errorf("from a client: %v", err)
			}
			if _, err := greet(greeter(t, theirServer), client); (err == nil) != c.server {
				t.Errorf("from a server: %v", err)
			}
		})
	}
}

// TestNothingIsSentToAHostThatTheCertificateDoesNotName: an address comes from the group, where
// anybody may have written it.
func TestNothingIsSentToAHostThatTheCertificateDoesNotName(t *testing.T) {
	ours := certs.New(t)
	var asked atomic.Int32
	server, client := mustLoad(t, filesOf(t, ours, "other.example.org"))
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	imposter := &http.Server{ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set(protocolHeader, "1")
		w.Write([]byte("{}"))
	})}
	go imposter.Serve(listener)
	defer imposter.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err = NewAsker(client).Status(ctx, listener.Addr().String())
	var wrongHost x509.HostnameError
	if !errors.As(err, &wrongHost) || asked.Load() != 0 {
		t.Errorf("%d requests were sent: %v", asked.Load(), err)
	}
}

// TestHostsThatAreNoNodesAreNotDialled if the names of nodes are given.
func TestHostsThatAreNoNodesAreNotDialled(t *testing.T) {
	server := &tls.Config{}
	n := &Node{config: Config{Advertise: "node-1:7100", Server: server, Names: mustParse(t, "node-*, 10.0.0.0/24"), Log: slog.New(slog.DiscardHandler)}}
	w := &GroupWatcher{node: n}
	addresses := map[string]bool{"node-2:7100": true, "10.0.0.7:1": true, "169.254.169.254:80": false, "evil.example:7100": false, "localhost:22": false, "[::1]:1": false}
	for address, want := range addresses {
		found := w.withoutUndialable([]stream.Member{{ID: address, Address: address}})
		if got := found[0].Address != ""; got != want {
			t.Errorf("%s is dialled: %t", address, got)
		}
	}
}

// TestOnlyAMemberTellsThatItLeaves: another node, or who stole its certificate, cannot make nodes drain
// a member that stays.
func TestOnlyAMemberTellsThatItLeaves(t *testing.T) {
	ours := certs.New(t)
	state := func(host string) *tls.ConnectionState {
		files := ours.Node(t, host)
		pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
		if err != nil {
			t.Fatal(err)
		}
		return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{pair.Leaf}}
	}
	for name, c := range map[string]struct {
		by      *tls.ConnectionState
		address string
		allowed bool
	}{
		"plain text":               {nil, "n1:7100", true},
		"the member":               {state("n1"), "n1:7100", true},
		"the member, by address":   {state("10.0.0.1"), "10.0.0.1:7100", true},
		"the member, by IPv6":      {state("fd00::1"), "[fd00::1]:7100", true},
		"another node":             {state("n2"), "n1:7100", false},
		"a member without address": {state("n1"), "", false},
		"no certificate":           {&tls.ConnectionState{}, "n1:7100", false},
	} {
		w := &GroupWatcher{node: &Node{config: Config{Now: func() time.Time { return noon }}}, draining: make(map[string]time.Time)}
		var v view
		v.update([]stream.Member{{ID: "id", Address: c.address}}, true, noon)
		if err := w.noteDraining("id", v, c.by); (err == nil) != c.allowed || (len(w.draining) == 1) != c.allowed {
			t.Errorf("%s: noted are %v (%v)", name, w.draining, err)
		}
	}
}

func TestNodeIsWarnedOfACertificateThatOthersRefuse(t *testing.T) {
	ours := certs.New(t)
	for name, c := range map[string]struct {
		names, advertise string
		change           func(*x509.Certificate)
		says             string
	}{
		"fits":               {"", "n1:7100", func(*x509.Certificate) {}, ""},
		"fits with names":    {"n*", "n1:7100", func(*x509.Certificate) {}, ""},
		"another host":       {"", "n2:7100", func(*x509.Certificate) {}, "not valid for the host of advertise, n2"},
		"a client":           {"", "n1:7100", func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] }, "both as a server and as a client"},
		"a host of no node":  {"m*", "n1:7100", func(*x509.Certificate) {}, "not among tls_names"},
		"a name of no node":  {"spiffe://e.org/*", "n1:7100", func(*x509.Certificate) {}, "no name in tls_cert"},
		"named, but by name": {"n1", "10.0.0.1:1", func(*x509.Certificate) {}, "10.0.0.1, is not among"},
	} {
		f := ours.Changed(t, "n1", c.change)
		server, _ := mustLoad(t, TLSFiles{f.CA, f.Cert, f.Key, c.names})
		if err := mustParse(t, c.names).Doubts(server, c.advertise); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (Names{}).Doubts(nil, "n1:1"); err != nil {
		t.Errorf("without TLS: %v", err)
	}
}

func onlyForClients(c *x509.Certificate) {
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
}
