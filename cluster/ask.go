package cluster

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"

	"anomalydetector/messages"
)

// Asker asks nodes from outside, as an operator does.
type Asker struct{ client *client }

// NewAsker: without TLS it speaks plain text.
func NewAsker(security *tls.Config) *Asker {
	return &Asker{newClient(security, new(net.Dialer).DialContext)}
}

// Status asks a node for all of them.
func (a *Asker) Status(ctx context.Context, address string) (status messages.ClusterStatus, err error) {
	err = a.client.getJSON(ctx, address, "/v1/cluster", url.Values{"timeout": {left(ctx).String()}}, &status)
	return status, err
}

// Entity asks a node for an entity, whoever has it.
func (a *Asker) Entity(ctx context.Context, address, detector, key string) (found messages.EntityAnswer, err error) {
	values := url.Values{"timeout": {left(ctx).String()}, "detector": {detector}, "key": {key}}
	err = a.client.getJSON(ctx, address, "/v1/entity", values, &found)
	return found, err
}
