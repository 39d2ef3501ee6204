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

// Where other nodes are, their client ids say. Anybody who may join the group can give
// himself any, so an address is looked at before it is dialled.

// hostName is what [cluster] listen and advertise take, too.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)

const longestHost = 253 // of DNS

// checkAddress tells what is wrong with a host:port.
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

var errNotLoopback = errors.New("it is not on loopback, and without TLS no other address is dialled unless [cluster] insecure = yes")

// dialable tells why a member's address is not dialled.
func (n *Node) dialable(address string) error {
	if err := checkAddress(address); err != nil {
		return err
	}
	if host, _, _ := net.SplitHostPort(address); n.onlyLoopback() && !isLoopback(host) {
		return fmt.Errorf("%s: %w", address, errNotLoopback)
	}
	return nil
}

// onlyLoopback tells whether this node speaks with those of its machine alone.
func (n *Node) onlyLoopback() bool { return n.config.Server == nil && !n.config.Insecure }

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// dialableOf takes the addresses that are not dialled from members that the broker
// tells of, and logs each once. The caller has the lock.
func (d *Detector) dialableOf(found []stream.Member) []stream.Member {
	refused := make(map[string]error)
	for i, m := range found {
		if m.Address == "" || m.Address == d.node.config.Advertise {
			continue
		}
		err := d.node.dialable(m.Address)
		if err == nil {
			continue
		}
		found[i].Address = ""
		refused[m.ID] = err
		if earlier := d.refused[m.ID]; earlier == nil || earlier.Error() != err.Error() {
			d.node.config.Log.Warn("a member's address is not dialled", "detector", d.name, "member", m.ID, "error", err)
		}
	}
	d.refused = refused
	return found
}

// unreachable says why a member without an address cannot be asked.
func (d *Detector) unreachable(m member) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.refused[m.ID]; err != nil {
		return fmt.Sprintf("member %s is not asked: %v", m.name(), err)
	}
	return fmt.Sprintf("member %s has no [cluster] listen", m.name())
}
