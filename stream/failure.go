package stream

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// failure keeps the first error of the records that were produced. The client
// reports them on a goroutine of its own.
type failure struct {
	mu    sync.Mutex
	first error
}

func (f *failure) promise(record *kgo.Record, err error) {
	if err == nil {
		return
	}
	err = unwritten(record, err)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first == nil {
		f.first = err
	}
}

// take returns the first error since it was last called.
func (f *failure) take() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := f.first
	f.first = nil
	return first
}
