package bootstrap

import (
	"io"
	"sync"
)

// screen is a terminal with a bar in its last line. Lines that are written appear above
// the bar. Several detectors share the screen: the first to draw owns the bar until it
// clears it, and the bars of others are not shown meanwhile.
type screen struct {
	out   io.Writer
	mu    sync.Mutex
	owner any    // of the bar; nil: no bar
	bar   string // as shown
}

// wipe clears the cursor's line.
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

// draw shows the bar of an owner, unless another one owns the bar.
func (s *screen) draw(owner any, bar string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owner == nil || s.owner == owner {
		s.owner, s.bar = owner, bar
		_, _ = io.WriteString(s.out, wipe+bar) // the sink reports what cannot be written
	}
}

// clear removes an owner's bar.
func (s *screen) clear(owner any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owner == owner {
		s.owner, s.bar = nil, ""
		_, _ = io.WriteString(s.out, wipe)
	}
}
