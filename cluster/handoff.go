package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"anomalydetector/actors"
	"anomalydetector/persistence"
)

// Fetch copies a partition's windows into the store, from the node that has the newest ones within
// the wanted offsets; if that fails, from the next. The check may refuse them. Fetch returns an error
// that joins those of all nodes if none delivers. It implements actors.Peers.
func (w *GroupWatcher) Fetch(ctx context.Context, wanted actors.Wanted, check persistence.Check) (*persistence.Import, error) {
	select {
	case w.node.fetches <- struct{}{}:
		defer func() { <-w.node.fetches }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	v, _ := w.look(ctx)
	type offer struct {
		address string
		offset  int64
	}
	var mu sync.Mutex
	var offers []offer
	var refusals []error
	others := v.others(w.node.config.Advertise)
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	each(asking, others, func(ctx context.Context, address string) {
		var offset int64
		values := url.Values{"detector": {w.name}, "partition": {strconv.Itoa(int(wanted.Partition))}}
		err := w.node.client.getJSON(ctx, address, "/v1/windows/offset", values, &offset)
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
		imported, err := w.fetchFrom(ctx, o.address, wanted, check)
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

func (w *GroupWatcher) fetchFrom(ctx context.Context, address string, wanted actors.Wanted, check persistence.Check) (*persistence.Import, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(silence+askTimeout, func() { cancel(fmt.Errorf("node %s sends nothing, or less than %d bytes/s", address, leastRate)) })
	defer stalled.Stop()
	response, err := w.node.client.get(ctx, address, "/v1/windows", url.Values{
		"detector": {w.name}, "partition": {strconv.Itoa(int(wanted.Partition))},
		"least": {strconv.FormatInt(wanted.Least, 10)}, "most": {strconv.FormatInt(wanted.Most, 10)},
	})
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	imported, err := w.store.Import(&watched{in: response.Body, alarm: stalled}, check)
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("take windows from node %s: %w", address, err)
	}
	return imported, nil
}

// watched sets off an alarm if its input brings nothing for the time of silence, or less than
// leastRate. The time between two reads does not count.
type watched struct {
	in    io.Reader
	alarm *time.Timer
	pace  pace
}

// Read implements io.Reader.
func (w *watched) Read(into []byte) (int, error) {
	began := time.Now()
	w.alarm.Reset(min(silence, w.pace.left()))
	defer w.alarm.Stop()
	n, err := w.in.Read(into)
	w.pace.add(n, time.Since(began))
	return n, err
}

const (
	committedAtMost = time.Second // the broker shows a commit a little after the transaction has ended
	committedLook   = 50 * time.Millisecond
)

// AwaitCommitted returns nil once the group has committed the offset for a partition, and an error
// if it has not within a second. It implements actors.Peers.
func (w *GroupWatcher) AwaitCommitted(ctx context.Context, partition int32, offset int64) error {
	ctx, cancel := context.WithTimeout(ctx, committedAtMost)
	defer cancel()
	for {
		committed, _, err := w.group.Committed(ctx)
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
