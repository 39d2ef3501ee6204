package cluster

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"anomalydetector/actors"
	"anomalydetector/messages"
	"anomalydetector/persistence"
	"anomalydetector/stream"
)

// client asks nodes.
type client struct {
	http   http.Client
	scheme string
}

func newClient(security *tls.Config, dial func(ctx context.Context, network, address string) (net.Conn, error)) *client {
	c := &client{scheme: "http", http: http.Client{CheckRedirect: stay, Transport: &http.Transport{
		DialContext: dial, TLSClientConfig: security, ForceAttemptHTTP2: security != nil,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: silence, PingTimeout: askTimeout},
		TLSHandshakeTimeout: askTimeout, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: mostHeader,
	}}}
	if security != nil {
		c.scheme = "https"
	}
	return c
}

// stay follows no answer to another address.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// mostAnswer is how many bytes of JSON a node may answer: a status is some hundred bytes
// a partition, and a window 8 kB.
const mostAnswer = 64 << 20

// get asks a node. The caller closes the body.
func (c *client) get(ctx context.Context, address, path string, values url.Values) (*http.Response, error) {
	return c.do(ctx, http.MethodGet, address, path, values)
}

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
	request.Header["Idempotency-Key"] = nil // is not sent: it tells the transport that a POST may be repeated, too
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask node %s: %w", address, plain(err))
	}
	if theirs := response.Header.Get(protocolHeader); theirs != strconv.Itoa(Protocol) {
		response.Body.Close()
		if theirs == "" {
			return nil, fmt.Errorf("ask node %s: what answers there is no detector's [cluster] listen", address)
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

// refusal is an answer that is none.
type refusal struct {
	address string
	status  int
	text    string
}

func (r *refusal) Error() string { return fmt.Sprintf("node %s answers: %s", r.address, r.text) }

// final tells whether it is of no use to ask again.
func final(err error) bool {
	var r *refusal
	return errors.As(err, &r) && r.status < http.StatusInternalServerError
}

// plain takes the address out of an error of the HTTP library, which has it
// with all parameters.
func plain(err error) error {
	var whole *url.Error
	if errors.As(err, &whole) {
		return whole.Err
	}
	return err
}

// getJSON asks a node for a value.
func (c *client) getJSON(ctx context.Context, address, path string, values url.Values, into any) error {
	return c.doJSON(ctx, http.MethodGet, address, path, values, into)
}

func (c *client) doJSON(ctx context.Context, method, address, path string, values url.Values, into any) error {
	response, err := c.do(ctx, method, address, path, values)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(http.MaxBytesReader(nil, response.Body, mostAnswer)).Decode(into); err != nil {
		return fmt.Errorf("node %s answers what cannot be read: %w", address, err)
	}
	return nil
}

// leaveTime is what is kept of a deadline for the way back.
const leaveTime = 10

// each asks all of some at the same time, with a deadline a little before that of
// the whole.
func each[T any](ctx context.Context, all []T, ask func(context.Context, T)) {
	if until, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(until)*(leaveTime-1)/leaveTime)
		defer cancel()
	}
	var asked sync.WaitGroup
	for _, one := range all {
		asked.Go(func() { ask(ctx, one) })
	}
	asked.Wait()
}

// Cluster is what there is to say of all nodes.
func (n *Node) Cluster(ctx context.Context) messages.ClusterStatus {
	status := messages.ClusterStatus{At: n.config.Now().UTC(), Nodes: []messages.NodeStatus{}, Unowned: []messages.PartitionName{}}
	addresses := []string{n.config.Advertise}
	problem := func(text string) { status.Partial, status.Problems = true, append(status.Problems, text) }
	for _, d := range n.detectors {
		v, partitions := d.seen()
		if err := v.problem(d.name); err != nil {
			problem(err.Error())
		}
		for _, partition := range v.unowned(partitions) {
			status.Unowned = append(status.Unowned, messages.PartitionName{Detector: d.name, Partition: partition})
		}
		for _, m := range v.members {
			switch {
			case m.Address == "":
				problem(fmt.Sprintf("detector %s: %s", d.name, d.unreachable(m)))
			case !slices.Contains(addresses, m.Address):
				addresses = append(addresses, m.Address)
			}
		}
	}
	slices.Sort(addresses)
	var mu sync.Mutex
	each(ctx, addresses, func(ctx context.Context, address string) {
		var one messages.NodeStatus
		if address == n.config.Advertise {
			one = n.status(ctx)
		} else if err := n.client.getJSON(ctx, address, "/v1/node", nil, &one); err != nil {
			one = messages.NodeStatus{Address: address, Problem: err.Error()}
		}
		mu.Lock()
		defer mu.Unlock()
		status.Nodes = append(status.Nodes, one)
		status.Partial = status.Partial || one.Problem != "" ||
			slices.ContainsFunc(one.Detectors, func(d messages.DetectorStatus) bool { return d.State == messages.StateUnknown })
	})
	slices.SortFunc(status.Nodes, func(a, b messages.NodeStatus) int { return strings.Compare(a.Address, b.Address) })
	// The view of the group may be a second old.
	n.claim(status.Nodes)
	status.Unowned = slices.DeleteFunc(status.Unowned, func(p messages.PartitionName) bool { return claimed(status.Nodes, p) })
	return status
}

// isUs tells whether a member is this process, or the one that it replaces.
func (d *Detector) isUs(m member) bool { return m.Instance == d.instance }

// claimed tells whether some node says that it owns a partition.
func claimed(nodes []messages.NodeStatus, name messages.PartitionName) bool {
	return slices.ContainsFunc(nodes, func(node messages.NodeStatus) bool { return owned(node, name) != nil })
}

// owned is a partition of which a node says that it owns it; else nil.
func owned(node messages.NodeStatus, name messages.PartitionName) *messages.PartitionStatus {
	for _, d := range node.Detectors {
		for i := range d.Partitions {
			if p := &d.Partitions[i]; d.Detector == name.Detector && p.Partition == name.Partition && p.Role == messages.RoleAssigned {
				return p
			}
		}
	}
	return nil
}

// entity asks all nodes of the group for an entity: which partition its points
// come in, only who writes them knows.
func (d *Detector) entity(ctx context.Context, key string) messages.EntityAnswer {
	v, partitions := d.seen()
	whole := messages.EntityAnswer{Detector: d.name, Entity: key, Found: []messages.EntityStatus{}}
	problem := func(text string) { whole.Partial, whole.Problems = true, append(whole.Problems, text) }
	if err := v.problem(d.name); err != nil {
		problem(err.Error())
	}
	if !slices.ContainsFunc(v.members, d.isUs) {
		v.members = append(v.members, member{stream.Member{Instance: d.instance}})
	}
	var mu sync.Mutex
	each(ctx, v.members, func(ctx context.Context, m member) {
		var one messages.EntityAnswer
		switch {
		case d.isUs(m):
			one = d.entityHere(ctx, key)
		case m.Address == "":
			one = messages.EntityAnswer{Partial: true, Problems: []string{d.unreachable(m)}}
		default:
			values := url.Values{"detector": {d.name}, "key": {key}, "scope": {"node"}, "packed": {"1"}, "timeout": {left(ctx).String()}}
			if err := d.node.client.getJSON(ctx, m.Address, "/v1/entity", values, &one); err != nil {
				one = messages.EntityAnswer{Partial: true, Problems: []string{err.Error()}}
			}
			for i := range one.Found {
				one.Found[i].Unpack()
			}
		}
		mu.Lock()
		defer mu.Unlock()
		whole.Asked = append(whole.Asked, one.Asked...)
		whole.Found = append(whole.Found, one.Found...)
		whole.Partial = whole.Partial || one.Partial
		whole.Problems = append(whole.Problems, one.Problems...)
	})
	slices.Sort(whole.Asked)
	for partition := range partitions {
		if !slices.Contains(whole.Asked, partition) {
			problem(fmt.Sprintf("partition %d was not asked: its owner did not answer, or it has none at the moment", partition))
		}
	}
	slices.SortFunc(whole.Found, func(a, b messages.EntityStatus) int {
		if a.Partition != b.Partition {
			return int(a.Partition - b.Partition)
		}
		return cmp.Or(cmp.Compare(a.Role, b.Role), strings.Compare(a.Address, b.Address)) // assigned before standby
	})
	return whole
}

// left is what is left until a deadline, in milliseconds.
func left(ctx context.Context) time.Duration {
	until, ok := ctx.Deadline()
	if !ok {
		return askTimeout
	}
	return max(time.Until(until).Truncate(time.Millisecond), time.Millisecond)
}

// Fetch copies a partition's windows from the node where they reach farthest. It
// implements actors.Peers.
func (d *Detector) Fetch(ctx context.Context, wanted actors.Wanted, accept func(persistence.Snapshot) error) (*persistence.Import, error) {
	select {
	case d.node.fetches <- struct{}{}:
		defer func() { <-d.node.fetches }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	v, _ := d.look(ctx)
	type offer struct {
		address string
		offset  int64
	}
	var mu sync.Mutex
	var offers []offer
	var refusals []error
	others := v.others(d.node.config.Advertise)
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	each(asking, others, func(ctx context.Context, address string) {
		var offset int64
		values := url.Values{"detector": {d.name}, "partition": {strconv.Itoa(int(wanted.Partition))}}
		err := d.node.client.getJSON(ctx, address, "/v1/windows/offset", values, &offset)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			refusals = append(refusals, err)
		case wanted.Least <= offset && offset <= wanted.Most:
			offers = append(offers, offer{address, offset})
		}
	})
	cancel()
	slices.SortFunc(offers, func(a, b offer) int { return int(b.offset - a.offset) })
	for _, o := range offers {
		imported, err := d.fetchFrom(ctx, o.address, wanted, accept)
		if err == nil {
			return imported, nil
		}
		refusals = append(refusals, err)
	}
	if len(refusals) == 0 {
		return nil, fmt.Errorf("none of %d other nodes has windows as of offset %s", len(others), wanted.Offsets())
	}
	return nil, errors.Join(refusals...)
}

// silence is how long a stream of windows may bring nothing.
const silence = 3 * time.Second

func (d *Detector) fetchFrom(ctx context.Context, address string, wanted actors.Wanted, accept func(persistence.Snapshot) error) (*persistence.Import, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(silence+askTimeout, func() { cancel(fmt.Errorf("node %s sends nothing, or less than %d bytes/s", address, leastRate)) })
	defer stalled.Stop()
	response, err := d.node.client.get(ctx, address, "/v1/windows", url.Values{
		"detector": {d.name}, "partition": {strconv.Itoa(int(wanted.Partition))},
		"least": {strconv.FormatInt(wanted.Least, 10)}, "most": {strconv.FormatInt(wanted.Most, 10)},
	})
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	imported, err := d.store.Import(&watched{in: response.Body, alarm: stalled}, accept)
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("take windows from node %s: %w", address, err)
	}
	return imported, nil
}

// watched raises an alarm if nothing comes for a while, or less than leastRate.
type watched struct {
	in    io.Reader
	alarm *time.Timer
	pace  pace
}

func (w *watched) Read(into []byte) (int, error) {
	began := time.Now()
	w.alarm.Reset(min(silence, w.pace.left()))
	defer w.alarm.Stop()
	n, err := w.in.Read(into)
	w.pace.add(n, time.Since(began))
	return n, err
}

const (
	committedAtMost = time.Second // a commit is known a little later than its end
	committedLook   = 50 * time.Millisecond
)

// AwaitCommitted implements actors.Peers.
func (d *Detector) AwaitCommitted(ctx context.Context, partition int32, offset int64) error {
	ctx, cancel := context.WithTimeout(ctx, committedAtMost)
	defer cancel()
	for {
		committed, _, err := d.group.Committed(ctx)
		switch {
		case err == nil && committed[partition] >= offset:
			return nil
		case err == nil:
			err = fmt.Errorf("the group has committed %d, not %d", committed[partition], offset)
		}
		select {
		case <-time.After(committedLook):
		case <-ctx.Done():
			return err
		}
	}
}
