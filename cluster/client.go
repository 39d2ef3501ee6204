package cluster

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// client sends requests to other nodes.
type client struct {
	http   http.Client
	scheme string
}

func newClient(security *tls.Config, dial func(ctx context.Context, network, address string) (net.Conn, error)) *client {
	c := &client{scheme: "http", http: http.Client{CheckRedirect: stay, Transport: &http.Transport{
		DialContext: dial, TLSClientConfig: security, ForceAttemptHTTP2: security != nil,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: silence, PingTimeout: askTimeout},
		TLSHandshakeTimeout: askTimeout, MaxIdleConnsPerHost: mostIdle, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: mostHeader,
	}}}
	if security != nil {
		c.scheme = "https"
	}
	return c
}

// stay follows no redirect: an answer must not send this node to another address.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// mostIdle is how many connections to a node are kept for the next questions.
const mostIdle = 16

// mostAnswer bounds an answer in JSON, in bytes. A status takes some hundred bytes a partition, a
// window 8 kB.
const mostAnswer = 64 << 20

// get sends a GET request. The caller closes the body.
func (c *client) get(ctx context.Context, address, path string, values url.Values) (*http.Response, error) {
	return c.do(ctx, http.MethodGet, address, path, values)
}

// do sends a request without a body. It returns an error if the address is none, the node cannot be
// reached or speaks another protocol, and a *refusal for any status but 200.
func (c *client) do(ctx context.Context, method, address, path string, values url.Values) (*http.Response, error) {
	if err := checkAddress(address); err != nil {
		return nil, fmt.Errorf("ask node: %w", err)
	}
	where := url.URL{Scheme: c.scheme, Host: address, Path: path, RawQuery: values.Encode()}
	request, err := http.NewRequestWithContext(ctx, method, where.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set(protocolHeader, strconv.Itoa(Protocol))
	request.Header["Idempotency-Key"] = nil // not sent: it tells the transport that it may repeat a POST
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask node %s: %w", address, withHint(plain(err)))
	}
	if theirs := response.Header.Get(protocolHeader); theirs != strconv.Itoa(Protocol) {
		response.Body.Close()
		if theirs == "" {
			return nil, fmt.Errorf("ask node %s: no detector's [cluster] listen answers there", address)
		}
		return nil, fmt.Errorf("ask node %s: it speaks protocol %.20s, this one %d: update the older of the two", address, theirs, Protocol)
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
		return nil, &refusal{address, response.StatusCode, strings.Join(strings.Fields(string(text)), " ")}
	}
	return response, nil
}

// refusal is an answer with another status than 200.
type refusal struct {
	address string
	status  int
	text    string
}

func (r *refusal) Error() string { return fmt.Sprintf("node %s answers: %s", r.address, r.text) }

// final tells whether the node would answer the same again: it refused the request itself.
func final(err error) bool {
	var r *refusal
	return errors.As(err, &r) && r.status < http.StatusInternalServerError
}

// plain removes the URL, with all its parameters, from an error of the HTTP library.
func plain(err error) error {
	var whole *url.Error
	if errors.As(err, &whole) {
		return whole.Err
	}
	return err
}

// withHint adds what to look at if the other node has ended the handshake: its alert says little.
func withHint(err error) error {
	var operation *net.OpError
	if errors.As(err, &operation) && operation.Op == "remote error" {
		return fmt.Errorf("%w: that node refuses the certificate of this one; compare tls_ca, the certificate's uses and its names with [cluster] tls_ca and tls_names there", err)
	}
	return err
}

// What comes after an answer in JSON is a line feed and the end. A node that sends more, or no end for some time,
// loses the connection.
const (
	mostRest = 512 // bytes
	restTime = 50 * time.Millisecond
)

// getJSON sends a GET request and decodes the answer.
func (c *client) getJSON(ctx context.Context, address, path string, values url.Values, into any) error {
	return c.doJSON(ctx, http.MethodGet, address, path, values, into)
}

func (c *client) doJSON(ctx context.Context, method, address, path string, values url.Values, into any) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	response, err := c.do(ctx, method, address, path, values)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(http.MaxBytesReader(nil, response.Body, mostAnswer)).Decode(into); err != nil {
		return fmt.Errorf("read the answer of node %s: %w", address, err)
	}
	// A connection is kept only if its answer was read to the end, which may come after the last byte.
	defer time.AfterFunc(restTime, cancel).Stop()
	_, _ = io.CopyN(io.Discard, response.Body, mostRest)
	return nil
}

// leaveTime: a tenth of the time that is left is kept for the way back.
const leaveTime = 10

// each calls ask for all at the same time, for the last one in this goroutine, with a deadline a little
// before that of ctx. It returns when all have returned.
func each[T any](ctx context.Context, all []T, ask func(context.Context, T)) {
	if until, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(until)*(leaveTime-1)/leaveTime)
		defer cancel()
	}
	var asked sync.WaitGroup
	defer asked.Wait()
	for i, one := range all {
		if i == len(all)-1 {
			ask(ctx, one) // in this goroutine, which would only wait
			return
		}
		asked.Go(func() { ask(ctx, one) })
	}
}

// left is the time until the deadline of a context, in whole milliseconds and at least one; askTimeout
// if it has none.
func left(ctx context.Context) time.Duration {
	until, ok := ctx.Deadline()
	if !ok {
		return askTimeout
	}
	return max(time.Until(until).Truncate(time.Millisecond), time.Millisecond)
}
