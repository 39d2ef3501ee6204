package actors

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"anomalydetector/messages"
)

// directory answers which entities a partition has, in the order of their keys. The
// first search makes it or, if people may ask, the partition once it is ready: from those in
// memory at once, and from those that are only on disk in the background. From then on the
// partition notes which entities are new and which are gone, and the next search takes that
// over.
//
// A search makes the partition wait only while the directory is made, for the copy of a
// few thousand keys at a time, and only if the partition has just got a new entity.
type directory struct {
	turn    chan struct{} // held by the search that brings it up to date
	names   *names        // nil: it is to be made
	listing *listing      // of what is on disk; nil: none is under way
	whole   bool          // what is on disk is in it
	next    time.Time     // changes are not taken over before
}

// listing reads the keys on disk. Of those that are removed meanwhile it may not know.
type listing struct {
	count atomic.Int64 // keys so far
	gone  map[string]struct{}
	end   chan listed
	read  chan struct{} // closed when end has it
}

type listed struct {
	keys []string
	err  error
}

// follower is what the partition notes for a directory; residents.mu guards it.
type follower struct {
	following bool
	changes   []change
	most      int      // of them; if there are more, the directory is made anew
	lately    []string // keys that were removed, but may still be on disk
}

// leastChanges are noted however few entities there are.
const leastChanges = 1 << 16

func (f *follower) note(c change) {
	if !f.following {
		return
	}
	if len(f.changes) >= f.most {
		*f = follower{lately: f.lately}
		return
	}
	f.changes = append(f.changes, c)
}

func (f *follower) remove(key string) {
	f.lately = append(f.lately, key)
	f.note(change{name{key: key}, true})
}

// remove is for an entity that is gone for good.
func (r *residents) remove(key string, absent int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byKey, key)
	r.absent = absent
	r.follower.remove(key)
}

// removeStored is for entities that were only on disk, and are gone for good.
func (r *residents) removeStored(keys []string, absent int) {
	if len(keys) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.absent = absent
	for _, key := range keys {
		r.follower.remove(key)
	}
}

// settle: what was removed before is no longer on disk.
func (r *residents) settle() {
	if len(r.follower.lately) > 0 { // only the partition changes it
		r.mu.Lock()
		defer r.mu.Unlock()
		r.follower.lately = nil
	}
}

// follow returns what has changed since it was called before; or, if there was too much
// or anew is set, all names, and from now on what changes is noted.
func (r *residents) follow(anew bool) (changes []change, all []name, lately []string, onDisk bool) {
	r.mu.Lock()
	f := &r.follower
	if f.following && !anew {
		defer r.mu.Unlock()
		changes, f.changes = f.changes, nil
		return changes, nil, nil, false
	}
	f.following, f.changes, f.most = true, nil, max(leastChanges, len(r.byKey)/4)
	lately = slices.Clone(f.lately)
	r.mu.Unlock()
	all = r.copyNames()
	r.mu.RLock()
	defer r.mu.RUnlock()
	return nil, all, lately, r.absent > 0 && r.list != nil // those that left the memory meanwhile are on disk
}

// search returns names that a query asks for, one more than its limit if there are more.
// An error says why entities may be missing; what was found is there all the same.
func (r *residents) search(ctx context.Context, q *messages.EntitiesQuery, partition int32) (found []messages.EntityName, err error) {
	names, err := r.latest(ctx)
	if names == nil {
		return nil, err
	}
	untold := names.search(q, r.fields, func(one *name, fields []string) bool {
		found = append(found, messages.EntityName{Key: one.key, Fields: slices.Clone(fields), Partition: partition})
		return len(found) <= q.Limit
	})
	if untold > 0 {
		err = errors.Join(err, fmt.Errorf("%w: %d", errUntold, untold))
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for i := range found {
		_, resident := r.byKey[found[i].Key]
		found[i].Stored = !resident
	}
	return found, err
}

var errUntold = errors.New("a search by field leaves out entities on disk whose fields hold commas, " +
	"until their next datapoint tells where each field begins")

// latest are the names as of now. An error says what is missing; without names, all is.
func (r *residents) latest(ctx context.Context) (*names, error) {
	d := &r.directory
	select {
	case <-r.gone:
		return nil, errGivenUp
	default:
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-r.gone:
		return nil, errGivenUp
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	err := d.update(r)
	return d.names, err
}

var errGivenUp = errors.New("it has just been given up")

// updateShare bounds what it costs to take over changes, however often people search: at most
// 1/updateShare of a processor's time. With a million entities a search finds a new one after
// half a second.
const updateShare = 50

// update takes over what has changed. An error says what is missing.
func (d *directory) update(r *residents) (err error) {
	begun := r.now()
	if d.names != nil && d.whole && begun.Before(d.next) {
		return nil
	}
	changes, all, lately, onDisk := r.follow(d.names == nil)
	if all != nil {
		d.names, d.listing, d.whole = newNames(all), nil, !onDisk
	}
	if d.listing != nil {
		changes, err = d.listing.add(changes)
		switch {
		case err == nil:
			d.listing, d.whole = nil, true
		case !errors.Is(err, errListing):
			lately = slices.Collect(maps.Keys(d.listing.gone))
			d.listing = nil
		}
	}
	if len(changes) > 0 {
		d.names = d.names.with(changes)
		end := r.now()
		d.next = end.Add(updateShare * end.Sub(begun))
	}
	if !d.whole && d.listing == nil {
		d.listing = r.beginListing(lately)
		if err == nil {
			err = d.listing.problem()
		}
	}
	return err
}

var errListing = errors.New("its entities that are only on disk are being listed")

func (l *listing) problem() error { return fmt.Errorf("%w: %d so far", errListing, l.count.Load()) }

// add returns the changes with what was listed before them, if that is all there.
func (l *listing) add(changes []change) ([]change, error) {
	for _, c := range changes {
		if c.gone {
			l.gone[c.key] = struct{}{}
		} else {
			delete(l.gone, c.key)
		}
	}
	select {
	case end := <-l.end:
		if end.err != nil {
			return changes, fmt.Errorf("its entities that are only on disk could not be listed: %w", end.err)
		}
		listed := make([]change, 0, len(end.keys)+len(changes))
		for _, key := range end.keys {
			if _, gone := l.gone[key]; !gone {
				listed = append(listed, change{name: name{key: key}})
			}
		}
		return append(listed, changes...), nil
	default:
		return changes, l.problem()
	}
}

// beginListing reads the keys on disk, on a goroutine that ends with the partition.
func (r *residents) beginListing(lately []string) *listing {
	l := &listing{gone: make(map[string]struct{}), end: make(chan listed, 1), read: make(chan struct{})}
	for _, key := range lately {
		l.gone[key] = struct{}{}
	}
	go func() {
		var end listed
		end.err = r.list(func(key string) error {
			select {
			case <-r.gone:
				return errGivenUp
			default:
			}
			end.keys = append(end.keys, key)
			l.count.Add(1)
			return nil
		})
		l.end <- end
		close(l.read)
	}()
	return l
}
