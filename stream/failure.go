package stream

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// failure keeps the errors of produced records. The client reports them on a goroutine of its own.
type failure struct {
	mu    sync.Mutex
	first error
	// suspects were in a batch that a topic refused, or behind such a batch in its partition.
	suspects []*kgo.Record
	refused  error // the first error that refuses a batch
	gone     error // the first error that says a topic is gone
}

func (f *failure) promise(record *kgo.Record, err error) {
	if err == nil {
		return
	}
	err = unwritten(record, err)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case refuses(err):
		f.suspects = append(f.suspects, record)
		if f.refused == nil {
			f.refused = err
		}
	case gone(err) && f.gone == nil:
		f.gone = err
	}
	if f.first == nil {
		f.first = err
	}
}

// failed is a copy of what a failure kept.
type failed struct {
	first, refused, gone error
	suspects             []*kgo.Record
}

// take returns what was kept since the last take.
func (f *failure) take() failed {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := failed{f.first, f.refused, f.gone, f.suspects}
	f.first, f.refused, f.gone, f.suspects = nil, nil, nil, nil
	return taken
}
