package configs

import (
	"math"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// cluster reads [cluster].
func (r *reading) cluster(persistence Persistence) Cluster {
	const section = "cluster"
	c := Cluster{
		Listen:    r.address(section, "listen", "DETECTOR_CLUSTER_LISTEN"),
		Advertise: r.address(section, "advertise", "DETECTOR_CLUSTER_ADVERTISE"),
		TLSCA:     r.optional(section, "tls_ca", ""),
		TLSCert:   r.optional(section, "tls_cert", ""),
		TLSKey:    r.optional(section, "tls_key", ""),
		TLSNames:  r.names(section, "tls_names"),
		Insecure:  r.boolean(section, "insecure", false),
	}
	const expected = "a whole number of nodes from 0 to 10"
	fits := func(x float64) bool { return 0 <= x && x <= 10 && x == math.Trunc(x) }
	c.Standbys = int(r.number(section, "standbys", r.optional(section, "standbys", "0"), expected, fits))
	switch {
	case c.Standbys > 0 && c.Listen == "":
		r.fail(section, "standbys", "the nodes cannot reach each other without listen", "want listen = host:port, or standbys = 0")
	case c.Standbys > 0 && !persistence.Enabled:
		r.fail(section, "standbys", "a standby stores windows, and [persistence] enabled is off", "want standbys = 0, or enabled = yes")
	}
	if c.Listen == "" {
		r.unused(section, "DETECTOR_CLUSTER_ADVERTISE")
		return Cluster{}
	}
	r.protected(c)
	switch {
	case c.Advertise == "" && unspecified(c.Listen):
		r.fail(section, "advertise", "the key is missing, and others cannot reach "+c.Listen,
			"want host:port of this node, here or in DETECTOR_CLUSTER_ADVERTISE")
	case c.Advertise == "":
		c.Advertise = c.Listen
		r.show(section, "advertise", c.Advertise, "default")
	case unspecified(c.Advertise):
		r.failEither(section, "advertise", "DETECTOR_CLUSTER_ADVERTISE", "others cannot reach "+c.Advertise, "want host:port of this node")
	}
	if c.TLSCA == "" && !c.Insecure && c.Advertise != "" && !loopback(c.Advertise) {
		r.warn(section, "advertise", "other nodes do not dial "+c.Advertise+": it is not on loopback, and there is no TLS; "+
			"to change that, give tls_ca, tls_cert and tls_key, or insecure = yes")
	}
	return c
}

// protected checks that only nodes can use the port: with TLS, on loopback, or insecure on purpose.
func (r *reading) protected(c Cluster) {
	const section, all = "cluster", "want all of tls_ca, tls_cert and tls_key, or none"
	files := []struct{ key, path string }{{"tls_ca", c.TLSCA}, {"tls_cert", c.TLSCert}, {"tls_key", c.TLSKey}}
	tls := c.TLSCA != "" || c.TLSCert != "" || c.TLSKey != ""
	for _, file := range files {
		if tls && file.path == "" {
			r.fail(section, file.key, "the key is missing, but other files for TLS are given", all)
		}
		r.exists(section, file.key, file.path)
	}
	if !tls && c.TLSNames != "" {
		r.fail(section, "tls_names", "there are no certificates without TLS", "want tls_ca, tls_cert and tls_key, too")
	}
	switch {
	case c.Insecure && tls:
		r.fail(section, "insecure", "it is on, but files for TLS are given", "want one or the other")
	case tls || loopback(c.Listen):
	case c.Insecure:
		r.warn(section, "insecure", "insecure: anybody who reaches "+c.Listen+" can read windows, and hand over state in the place of another node; "+
			"to prevent it, give tls_ca, tls_cert and tls_key")
	default:
		r.failEither(section, "listen", "DETECTOR_CLUSTER_LISTEN", c.Listen+" is not on loopback, and there is no TLS",
			"want [cluster] tls_ca, tls_cert and tls_key, or a loopback address, or insecure = yes")
	}
}

// names reads patterns of names in certificates. The node that uses them reads them in full.
func (r *reading) names(section, key string) string {
	text := r.optional(section, key, "")
	names := strings.Split(text, ",")
	for i, name := range names {
		name = strings.TrimSpace(name)
		if names[i] = name; text != "" && !nameInCertificate(name) {
			r.refuse(section, key, name, "want names with commas between them, such as node-*.example.org, 10.0.0.0/24, spiffe://example.org/node/*")
		}
	}
	return strings.Join(names, ", ")
}

var hostPattern = regexp.MustCompile(`^[A-Za-z0-9_*]([A-Za-z0-9_.*-]*[A-Za-z0-9_*])?$`)

func nameInCertificate(name string) bool {
	ip, notIP := netip.ParseAddr(name)
	_, notNetwork := netip.ParsePrefix(name)
	uri, notURI := url.Parse(name)
	return notIP == nil && ip.Zone() == "" || notNetwork == nil || notURI == nil && uri.Scheme != "" && strings.Contains(name, "://") ||
		hostPattern.MatchString(name) && !strings.Contains(name, "..")
}

// address reads host:port, or "".
func (r *reading) address(section, key, variable string) string {
	text := r.get(section, key, "", variable)
	address, ok := withPort(text)
	const expected = "want host:port, such as 10.0.0.1:7100"
	switch {
	case text == "":
		return ""
	case ok:
		return address
	case r.env(variable) != "" || strings.Contains(text, "@"):
		r.failEither(section, key, variable, wrongAddress("the value", text), expected)
	default:
		r.refuse(section, key, text, expected)
	}
	return ""
}

// withPort is hostPort for an address that must have a port.
func withPort(text string) (string, bool) {
	if _, _, err := net.SplitHostPort(text); err != nil {
		return "", false
	}
	return hostPort(text)
}

// unused warns of keys that have no effect without listen, and removes them from the settings in force.
// Their files were not checked, so a value may be a secret in the wrong place and must not be shown.
func (r *reading) unused(section, variable string) {
	for _, key := range r.doc.own[section] {
		if r.doc.sections[section][key] != "" {
			r.warn(section, key, "["+section+"] "+key+" has no effect without listen")
		}
	}
	if r.env(variable) != "" {
		r.warn(section, "advertise", variable+" has no effect without ["+section+"] listen")
	}
	r.settings = slices.DeleteFunc(r.settings, func(s Setting) bool { return s.Section == section })
}

// Loopback tells whether only this machine reaches a checked host:port.
func Loopback(address string) bool { return loopback(address) }

func loopback(address string) bool {
	host, ip := hostOf(address)
	return ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// unspecified tells whether an address stands for all addresses of a machine.
func unspecified(address string) bool {
	_, ip := hostOf(address)
	return ip.Unmap().WithZone("").IsUnspecified()
}

// hostOf returns the host of a checked address. The ip is zero if the host is a name.
func hostOf(address string) (host string, ip netip.Addr) {
	host, _, _ = net.SplitHostPort(address)
	ip, _ = netip.ParseAddr(host)
	return host, ip
}
