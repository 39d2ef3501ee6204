package actors

import "errors"

// copyAtOnce is how many keys are copied while the partition may have to wait for it: about
// a third of a millisecond.
const copyAtOnce = 4096

// preparing holds who makes a directory before anybody has asked for it: one partition of
// the process at a time, so that the others have the processor.
var preparing = make(chan struct{}, 1)

// prepare makes the directory in the background, unless it is made, so that the first
// search need not. It ends with the partition.
func (r *residents) prepare(failed func(*fault)) {
	r.mu.RLock()
	made := r.follower.following
	r.mu.RUnlock()
	if made {
		return
	}
	go func() {
		if f, panicked := isFault(safely("the making of a directory", func() error { r.makeDirectory(); return nil })); panicked {
			failed(f)
		}
	}()
}

// makeDirectory returns when it is whole, cannot be, or the partition has been given up. A
// search tells of problems: it meets them, too.
func (r *residents) makeDirectory() {
	select {
	case preparing <- struct{}{}:
		defer func() { <-preparing }()
	case <-r.gone:
		return
	}
	for {
		listing, again := r.makeSome()
		if !again {
			return
		}
		select {
		case <-listing.read:
		case <-r.gone:
			return
		}
	}
}

// makeSome brings the directory up to date, and returns the listing that it waits for.
func (r *residents) makeSome() (waits *listing, again bool) {
	d := &r.directory
	select {
	case <-r.gone:
		return nil, false
	default:
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-r.gone:
		return nil, false
	}
	err := d.update(r)
	return d.listing, errors.Is(err, errListing)
}

// copyNames copies the names of all entities in memory. Changes are noted meanwhile: what
// it passes over, or what is gone again, is among them.
func (r *residents) copyNames() (all []name) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all = make([]name, 0, len(r.byKey))
	for key, child := range r.byKey {
		all = append(all, name{key, child.cuts})
		if len(all)%copyAtOnce == 0 {
			r.mu.RUnlock() // the partition waits for this; a map may change between two steps of a loop over it
			if r.between != nil {
				r.between()
			}
			r.mu.RLock()
		}
	}
	return all
}
