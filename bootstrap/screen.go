package bootstrap

import (
	"io"
	"sync"
)

// screen is a terminal with a bar in its last line: lines that are written push the bar
// down. One at a time has the bar; others that want it meanwhile do not show.
type screen struct {
	out   io.Writer
	mu    sync.Mutex
	owner any    // of the bar; nil: there is none
	bar   string // as it is shown
}

// wipe clears the line that the cursor is in.
const wipe = "\r\x1b[K"

func (s *screen) Write(lines []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owner == nil {
		return s.out.Write(lines)
	}
	_, err := io.WriteString(s.out, wipe+string(lines)+s.bar)
	return len(lines), err
}

// draw shows the bar of an owner, if there is no other.
func (s *screen) draw(owner any, bar string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owner == nil || s.owner == owner {
		s.owner, s.bar = owner, bar
		_, _ = io.WriteString(s.out, wipe+bar) // the sink tells of what cannot be written
	}
}

// clear takes an owner's bar away.
func (s *screen) clear(owner any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owner == owner {
		s.owner, s.bar = nil, ""
		_, _ = io.WriteString(s.out, wipe)
	}
}
