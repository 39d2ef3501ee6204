package source

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync"
)

// pipe is standard input, or another input that can be read only once. It can be kept in a temporary file, which has no name
// any more, so that nothing of it is left when the process ends in whatever way.
type pipe struct {
	from  io.Reader
	later *later    // it is opened by the first Read; nil: it is open
	spool *os.File  // nil: what is read is not kept
	again io.Reader // the spool, read again; nil in the first pass
}

// keep begins to keep what is read.
func (s *pipe) keep() error {
	spool, err := os.CreateTemp("", "anomalydetector-input-*")
	if err != nil {
		return fmt.Errorf("keep what can be read only once in a temporary file: %w", err)
	}
	if err := os.Remove(spool.Name()); err != nil {
		return fmt.Errorf("keep what can be read only once in a temporary file: %w", err)
	}
	s.spool, s.from = spool, io.TeeReader(s.from, spool)
	return nil
}

func (s *pipe) kept() bool { return s.spool != nil }

// Read implements io.Reader.
func (s *pipe) Read(to []byte) (int, error) {
	if s.again != nil {
		return s.again.Read(to)
	}
	return s.from.Read(to)
}

// rewind reads the rest and begins again.
func (s *pipe) rewind() error {
	if s.again == nil {
		if _, err := io.Copy(io.Discard, s.from); err != nil {
			return fmt.Errorf("read to its end what can be read only once: %w", err)
		}
	}
	s.again = io.NewSectionReader(s.spool, 0, math.MaxInt64)
	return nil
}

func (s *pipe) close() error {
	var err error
	if s.later != nil {
		err = s.later.close()
	}
	if s.spool == nil {
		return err
	}
	return errors.Join(err, s.spool.Close())
}

// later opens a FIFO or a device when it is read first: to open a FIFO waits for its writer.
type later struct {
	path   string
	mu     sync.Mutex
	file   *os.File
	closed bool
}

// Read implements io.Reader.
func (l *later) Read(to []byte) (int, error) {
	if l.file == nil {
		file, err := os.Open(l.path)
		if err != nil {
			return 0, unwrapped(err)
		}
		if !l.take(file) {
			return 0, errors.Join(os.ErrClosed, file.Close())
		}
	}
	return l.file.Read(to)
}

func (l *later) take(file *os.File) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.file = file
	}
	return !l.closed
}

// close ends a Read, too.
func (l *later) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
