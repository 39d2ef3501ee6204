package configs

import (
	"math"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// cluster reads how this node and others reach each other.
func (r *reading) cluster(persistence Persistence) Cluster {
	const section = "cluster"
	c := Cluster{
		Listen:    r.address(section, "listen", "DETECTOR_CLUSTER_LISTEN"),
		Advertise: r.address(section, "advertise", "DETECTOR_CLUSTER_ADVERTISE"),
		TLSCA:     r.optional(section, "tls_ca", ""),
		TLSCert:   r.optional(section, "tls_cert", ""),
		TLSKey:    r.optional(section, "tls_key", ""),
		Insecure:  r.boolean(section, "insecure", false),
	}
	const expected = "a whole number of nodes from 0 to 10"
	fits := func(x float64) bool { return 0 <= x && x <= 10 && x == math.Trunc(x) }
	c.Standbys = int(r.number(section, "standbys", r.optional(section, "standbys", "0"), expected, fits))
	if c.Listen == "" {
		r.unused(section, "it has no effect without listen")
		return Cluster{}
	}
	files := c.TLSCA != "" && c.TLSCert != "" && c.TLSKey != ""
	if !files && (c.TLSCA != "" || c.TLSCert != "" || c.TLSKey != "") {
		r.fail(section, "tls_cert", "mutual TLS needs three files", "want all of tls_ca, tls_cert and tls_key, or none")
	}
	for _, file := range []struct{ key, path string }{{"tls_ca", c.TLSCA}, {"tls_cert", c.TLSCert}, {"tls_key", c.TLSKey}} {
		r.exists(section, file.key, file.path)
	}
	host, _, _ := net.SplitHostPort(c.Listen)
	address, notIP := netip.ParseAddr(host)
	switch {
	case c.Insecure && files:
		r.fail(section, "insecure", "it is on, but files for TLS are given", "want one or the other")
	case c.Insecure:
		r.warn(section, "insecure", "whoever reaches "+c.Listen+" can read windows, and pass for another node")
	case !files && !(notIP == nil && address.IsLoopback()) && host != "localhost":
		r.fail(section, "listen", c.Listen+" is not on loopback, and there is no TLS",
			"want tls_ca, tls_cert and tls_key, or a loopback address, or insecure = yes")
	}
	if notIP == nil && address.IsUnspecified() && c.Advertise == "" {
		r.fail(section, "advertise", "the key is missing, and others cannot reach "+c.Listen,
			"want host:port of this node, here or in DETECTOR_CLUSTER_ADVERTISE")
	}
	if c.Advertise == "" {
		c.Advertise = c.Listen
		r.show(section, "advertise", c.Advertise, "default")
	}
	if c.Standbys > 0 && !persistence.Enabled {
		r.fail(section, "standbys", "a standby stores windows, and [persistence] enabled is off", "want standbys = 0, or enabled = yes")
	}
	return c
}

// address is a host and a port, or nothing.
func (r *reading) address(section, key, variable string) string {
	text := r.get(section, key, "", variable)
	if text == "" {
		return ""
	}
	_, port, err := net.SplitHostPort(text)
	address, ok := hostPort(text)
	if err == nil && ok && port != "" {
		return address
	}
	const expected = "want host:port, such as 127.0.0.1:7100"
	if r.env(variable) != "" {
		r.failVariable(variable, "the value is "+strconv.Quote(text), expected)
	} else {
		r.refuse(section, key, text, expected)
	}
	return ""
}

// unused warns of the keys that a section has itself.
func (r *reading) unused(section, why string) {
	for name, keys := range r.doc.own {
		if name == section && len(keys) > 0 {
			r.warn(section, keys[0], strings.Join(keys, ", ")+": "+why)
		}
	}
}
