package cluster

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"

	"anomalydetector/messages"
)

// Asker asks nodes on behalf of an operator. It is no node itself.
type Asker struct{ client *client }

// NewAsker makes an Asker that speaks mutual TLS, or plain text if security is nil.
func NewAsker(security *tls.Config) *Asker {
	return &Asker{newClient(security, new(net.Dialer).DialContext)}
}

// Status asks the node at a host:port for the status of all nodes. It leaves the node the time until
// the deadline of the context, or 2 s if there is none. The error says that the node cannot be
// reached or does not speak our protocol; nodes that do not answer that node are in the status.
func (a *Asker) Status(ctx context.Context, address string) (status messages.ClusterStatus, err error) {
	err = a.client.getJSON(ctx, address, "/v1/cluster", url.Values{"timeout": {left(ctx).String()}}, &status)
	return status, err
}

// Entity asks the node at a host:port for an entity of a detector, which any node may have. Deadline and error are as
// for Status. An entity that no node knows is no error.
func (a *Asker) Entity(ctx context.Context, address, detector, key string) (found messages.EntityAnswer, err error) {
	values := url.Values{"timeout": {left(ctx).String()}, "detector": {detector}, "key": {key}}
	err = a.client.getJSON(ctx, address, "/v1/entity", values, &found)
	return found, err
}
