package source

import (
	"fmt"
	"io"
	"math"
	"os"
)

// stdin is standard input. It can be kept in a temporary file, which has no name any more, so that nothing of it is left when the
// process ends in whatever way.
type stdin struct {
	from  io.Reader
	spool *os.File  // nil: what is read is not kept
	again io.Reader // the spool, read again; nil in the first pass
}

// keep begins to keep what is read.
func (s *stdin) keep() error {
	spool, err := os.CreateTemp("", "anomalydetector-stdin-*")
	if err != nil {
		return fmt.Errorf("keep standard input in a temporary file: %w", err)
	}
	if err := os.Remove(spool.Name()); err != nil {
		return fmt.Errorf("keep standard input in a temporary file: %w", err)
	}
	s.spool, s.from = spool, io.TeeReader(s.from, spool)
	return nil
}

func (s *stdin) kept() bool { return s.spool != nil }

// Read implements io.Reader.
func (s *stdin) Read(to []byte) (int, error) {
	if s.again != nil {
		return s.again.Read(to)
	}
	return s.from.Read(to)
}

// rewind reads the rest and begins again.
func (s *stdin) rewind() error {
	if s.again == nil {
		if _, err := io.Copy(io.Discard, s.from); err != nil {
			return fmt.Errorf("read standard input to its end: %w", err)
		}
	}
	s.again = io.NewSectionReader(s.spool, 0, math.MaxInt64)
	return nil
}

func (s *stdin) close() error {
	if s.spool == nil {
		return nil
	}
	return s.spool.Close()
}
