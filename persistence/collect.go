package persistence

import (
	"fmt"
	"time"
)

// collectEvery is the time between two collections.
const collectEvery = 5 * time.Minute

// collect frees the space of values that were deleted.
func (s *Store) collect() {
	ticker := time.NewTicker(collectEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if s.Room() != nil {
				continue
			}
			for s.collectOne() == nil {
			}
		case <-s.stop:
			return
		}
	}
}

// collectOne rewrites a file of the value log, if half of it is garbage.
func (s *Store) collectOne() (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: a file of the value log: %v", ErrCorrupt, cause)
			s.options.Log.Error("garbage cannot be collected", "error", err)
		}
	}()
	return s.db.RunValueLogGC(0.5)
}
