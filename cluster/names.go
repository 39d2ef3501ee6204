package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// An authority often signs more than the certificates of nodes. Names tells which of its
// certificates belong to nodes.

// Names are the patterns of [cluster] tls_names. The zero value has none.
type Names struct {
	given    []string
	prefixes []netip.Prefix   // of IP addresses
	hosts    []*regexp.Regexp // of DNS names, in lower case
	uris     []*regexp.Regexp
}

// ParseNames reads patterns that are separated by commas: DNS names, URIs, IP addresses, and
// networks such as 10.0.0.0/24. A * stands for one character or more, but for no dot in a name and
// no slash in a URI. It returns an error that names the first pattern that is none of these.
func ParseNames(text string) (n Names, err error) {
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if name == "" && strings.TrimSpace(text) == "" {
			break
		}
		if err := n.add(name); err != nil {
			return Names{}, err
		}
	}
	return n, nil
}

var hostPattern = regexp.MustCompile(`^[A-Za-z0-9_*]([A-Za-z0-9_.*-]*[A-Za-z0-9_*])?$`)

func (n *Names) add(name string) error {
	ip, notIP := netip.ParseAddr(name)
	network, notNetwork := netip.ParsePrefix(name)
	uri, notURI := url.Parse(name)
	switch {
	case notIP == nil && ip.Zone() == "":
		ip = ip.Unmap()
		n.prefixes = append(n.prefixes, netip.PrefixFrom(ip, ip.BitLen()))
	case notNetwork == nil:
		n.prefixes = append(n.prefixes, network)
	case notURI == nil && uri.Scheme != "" && strings.Contains(name, "://"):
		n.uris = append(n.uris, wildcard(name, "[^/]+"))
	case hostPattern.MatchString(name) && !strings.Contains(name, ".."):
		n.hosts = append(n.hosts, wildcard(strings.ToLower(name), "[^.]+"))
	default:
		return fmt.Errorf("%.300q is no DNS name, IP address, network or URI", name)
	}
	n.given = append(n.given, name)
	return nil
}

// wildcard is the expression for a pattern in which * stands for some.
func wildcard(pattern, some string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, some) + "$")
}

func (n Names) String() string { return strings.Join(n.given, ", ") }

// dialable tells whether a node may have the host. A host cannot be compared with URIs: if there are
// no other patterns, only the certificate decides.
func (n Names) dialable(host string) bool {
	return len(n.prefixes)+len(n.hosts) == 0 || n.host(host)
}

func (n Names) host(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap().WithZone("")
		return slices.ContainsFunc(n.prefixes, func(p netip.Prefix) bool { return p.Contains(ip) })
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.ContainsFunc(n.hosts, func(r *regexp.Regexp) bool { return r.MatchString(host) })
}

// certificate tells whether a name in a certificate matches.
func (n Names) certificate(c *x509.Certificate) bool {
	for _, ip := range c.IPAddresses {
		if n.host(ip.String()) {
			return true
		}
	}
	uri := func(u *url.URL) bool {
		return slices.ContainsFunc(n.uris, func(r *regexp.Regexp) bool { return r.MatchString(u.String()) })
	}
	return slices.ContainsFunc(c.DNSNames, n.host) || slices.ContainsFunc(c.URIs, uri)
}

var (
	errNoName = errors.New("no name in its certificate is among [cluster] tls_names")
	errNoNode = errors.New("its certificate is not for use both as a server and as a client, as those of nodes are")
)

// verify returns an error unless the other side of a connection is a node. The TLS library has
// checked the certificate before, for the use that it has here.
func (n Names) verify(state tls.ConnectionState) error {
	switch {
	case len(state.PeerCertificates) == 0:
		return errNoNode // the library has refused that before
	case len(n.given) > 0:
		if !n.certificate(state.PeerCertificates[0]) {
			return errNoName
		}
	case !slices.ContainsFunc(state.VerifiedChains, bothUses):
		return errNoNode
	}
	return nil
}

// explained is a verification that logs, at most once a minute, which certificate of the authority it
// refuses and why. The other side learns only that it is refused.
func explained(verify func(tls.ConnectionState) error, log *slog.Logger, now func() time.Time) func(tls.ConnectionState) error {
	var mu sync.Mutex
	var logged time.Time
	return func(state tls.ConnectionState) error {
		err := verify(state)
		mu.Lock()
		defer mu.Unlock()
		if at := now(); err != nil && len(state.PeerCertificates) > 0 && (logged.IsZero() || at.Sub(logged) >= time.Minute) {
			c := state.PeerCertificates[0]
			logged = at
			log.Warn("a client is refused", "problem", err, "subject", c.Subject.String(), "dns_names", c.DNSNames, "addresses", c.IPAddresses, "uris", c.URIs)
		}
		return err
	}
}

// bothUses tells whether all certificates of a chain below its authority may be used by servers and by
// clients. A certificate that names no use may have each.
func bothUses(chain []*x509.Certificate) bool {
	for _, c := range chain[:max(len(chain)-1, 1)] {
		if len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny) {
			continue
		}
		if !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
			return false
		}
	}
	return true
}

// speaksFor returns an error unless the certificate of a connection is valid for the host of an
// address. A connection without TLS proves nothing, and is accepted only where that was configured.
func speaksFor(state *tls.ConnectionState, address string) error {
	if state == nil {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil || len(state.PeerCertificates) == 0 || state.PeerCertificates[0].VerifyHostname(host) != nil {
		return errNotTheirs
	}
	return nil
}

var errNotTheirs = errors.New("only the member itself may tell that it leaves: the certificate is not valid for its address")

// Doubts tells why other nodes will refuse this one, if they have the same names; nil: nothing speaks
// against it. It is no error, because the certificate may be renewed while the node runs.
func (n Names) Doubts(server *tls.Config, advertise string) error {
	if server == nil {
		return nil
	}
	pair, err := server.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		return err
	}
	own := pair.Leaf
	host, _, _ := net.SplitHostPort(advertise)
	switch {
	case !n.dialable(host):
		return fmt.Errorf("the host of advertise, %s, is not among tls_names", host)
	case own.VerifyHostname(host) != nil:
		return fmt.Errorf("tls_cert is not valid for the host of advertise, %s", host)
	case len(n.given) > 0 && !n.certificate(own):
		return errors.New("no name in tls_cert is among tls_names")
	case len(n.given) == 0 && !bothUses([]*x509.Certificate{own}):
		return errors.New("tls_cert is not for use both as a server and as a client")
	}
	return nil
}
