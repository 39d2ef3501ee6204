package cluster

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"anomalydetector/stream"
)

// A member's client id carries the address of its node. Anybody who may join the group can choose
// one, so each address is checked before it is dialled.

// hostName is the same pattern as for [cluster] listen and advertise.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)

const longestHost = 253 // in DNS

// checkAddress returns an error unless the address is a host:port that stands for itself in a URL.
func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	number, notNumber := strconv.ParseUint(port, 10, 16)
	ip, notIP := netip.ParseAddr(host)
	switch {
	case err != nil || notNumber != nil || number == 0 || strconv.FormatUint(number, 10) != port:
		return fmt.Errorf("%.300q is not host:port", address)
	case notIP == nil && ip.Zone() != "" && !hostName.MatchString(ip.Zone()),
		notIP != nil && (len(host) > longestHost || !hostName.MatchString(host)):
		return fmt.Errorf("the host in %.300q is neither a name nor an IP address", address)
	case net.JoinHostPort(host, port) != address:
		return fmt.Errorf("%.300q is not host:port", address)
	}
	return nil
}

var errNotLoopback = errors.New("it is beyond loopback, which needs TLS or [cluster] insecure = yes")

// dialable returns an error if this node must not dial the address.
func (n *Node) dialable(address string) error {
	if err := checkAddress(address); err != nil {
		return err
	}
	if host, _, _ := net.SplitHostPort(address); n.onlyLoopback() && !isLoopback(host) {
		return fmt.Errorf("%s: %w", address, errNotLoopback)
	} else if !n.config.Names.dialable(host) {
		return fmt.Errorf("%s: the host is not among [cluster] tls_names", address)
	}
	return nil
}

// onlyLoopback tells whether this node talks to nodes of its own machine only.
func (n *Node) onlyLoopback() bool { return n.config.Server == nil && !n.config.Insecure }

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// withoutUndialable clears the addresses that must not be dialled, and logs each of them once. The
// caller holds the lock.
func (w *GroupWatcher) withoutUndialable(found []stream.Member) []stream.Member {
	refused := make(map[string]error)
	for i, m := range found {
		if m.Address == "" || m.Address == w.node.config.Advertise {
			continue
		}
		err := w.node.dialable(m.Address)
		if err == nil {
			continue
		}
		found[i].Address = ""
		refused[m.ID] = err
		if earlier := w.refused[m.ID]; earlier == nil || earlier.Error() != err.Error() {
			w.node.config.Log.Warn("a member's address is not dialled", "detector", w.name, "member", m.ID, "error", err)
		}
	}
	w.refused = refused
	return found
}

// unreachable tells why a member without an address cannot be asked.
func (w *GroupWatcher) unreachable(m member) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.refused[m.ID]; err != nil {
		return fmt.Sprintf("member %s is not asked: %v", m.label(), err)
	}
	return fmt.Sprintf("member %s has no [cluster] listen", m.label())
}
