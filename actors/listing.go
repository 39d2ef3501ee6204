package actors

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// listing lists the keys on disk for a directory, in the background. It has to succeed once: after a failure the next
// search starts another attempt.
type listing struct {
	count   atomic.Int64        // keys so far
	gone    map[string]struct{} // keys of removed entities that the disk may still have
	failure error               // of the last attempt; nil: one is under way
	reading context.Context     // ends when the listing is not wanted any more
	cancel  context.CancelFunc
}

// keysListed says that an attempt has ended.
type keysListed struct {
	of   *listing
	keys []string
	err  error
}

var errListing = errors.New("its entities that are only on disk are being listed")

// lists is a semaphore: one partition of the process lists the disk at a time, so that the others keep the processors.
var lists = make(chan struct{}, 1)

func (d *directory) beginListing(ctx actor.Context, removed []string) {
	d.listing = &listing{gone: make(map[string]struct{})}
	for _, key := range removed {
		d.listing.gone[key] = struct{}{}
	}
	d.read(ctx)
}

// read starts an attempt on a goroutine, which ends with keysListed.
func (d *directory) read(ctx actor.Context) {
	l, list := d.listing, d.list
	reading, cancel := context.WithCancel(context.Background())
	l.reading, l.cancel, l.failure = reading, cancel, nil
	l.count.Store(0)
	self, root := ctx.Self(), ctx.ActorSystem().Root
	go func() {
		end := &keysListed{of: l}
		end.err = safely("the listing of entities", func() error {
			select {
			case lists <- struct{}{}:
				defer func() { <-lists }()
			case <-reading.Done():
				return reading.Err()
			}
			return list(func(key string) error {
				end.keys = append(end.keys, key)
				l.count.Add(1)
				return reading.Err()
			})
		})
		root.Send(self, end)
	}()
}

func (d *directory) stopListing() {
	if d.listing != nil {
		d.listing.cancel()
		d.listing = nil
	}
}

// listed adds the keys on disk to the names. What the partition has told is newer, and stays.
func (d *directory) listed(end *keysListed) {
	if end.of != d.listing {
		return
	}
	end.of.cancel()
	if f, panicked := isFault(end.err); panicked {
		d.config.tellFault(d.log, f, nil)
	}
	if end.err != nil {
		end.of.failure = end.err
		return
	}
	found := make([]change, 0, len(end.keys))
	for _, key := range end.keys {
		if _, gone := end.of.gone[key]; !gone {
			found = append(found, change{name: name{key: key, stored: true}, listed: true})
		}
	}
	d.merge()
	d.names, d.listing = d.names.with(found), nil
}

// note notes the keys of removed entities.
func (l *listing) note(changes []change) {
	for _, c := range changes {
		if c.gone {
			l.gone[c.key] = struct{}{}
		}
	}
}

// problem returns why entities may be missing.
func (l *listing) problem() error {
	if l.failure != nil {
		return fmt.Errorf("its entities that are only on disk could not be listed: %w", l.failure)
	}
	return fmt.Errorf("%w: %d so far", errListing, l.count.Load())
}
