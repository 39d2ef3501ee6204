package cluster

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	chunkTimeout = 10 * time.Second // for one part of a snapshot to be taken
	leastRate    = 128_000          // bytes a second of windows, on average after the first chunkTimeout (up to 1 GB/s were measured: ADR 11)
)

var errTooSlow = errors.New("the other node takes them too slowly")

// pace is how much the other node has moved, and how long this one has waited for it. Time that
// this node takes itself does not count.
type pace struct {
	bytes  int64
	waited time.Duration
}

// left is how much longer this node waits before the other one counts as too slow.
func (p *pace) left() time.Duration {
	earned := time.Duration(p.bytes/(leastRate/1000)) * time.Millisecond
	return max(chunkTimeout+earned-p.waited, 0)
}

func (p *pace) add(bytes int, waited time.Duration) {
	p.bytes += int64(bytes)
	p.waited += waited
}

// pacedWriter sets a deadline for each part that it writes. It allows less time the longer it has
// waited before, so that a reader slower than leastRate cannot hold up an export.
type pacedWriter struct {
	pace
	out     io.Writer
	control interface{ SetWriteDeadline(time.Time) error }
	until   time.Time // no deadline is later
}

// Write implements io.Writer. It returns errTooSlow if the deadline passes.
func (p *pacedWriter) Write(part []byte) (int, error) {
	began := time.Now()
	deadline := began.Add(min(chunkTimeout, p.left()))
	if p.until.Before(deadline) {
		deadline = p.until
	}
	if !deadline.After(began) {
		return 0, p.tooSlow()
	}
	if err := p.control.SetWriteDeadline(deadline); err != nil {
		return 0, err
	}
	written, err := p.out.Write(part)
	p.add(written, time.Since(began))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = p.tooSlow()
	}
	return written, err
}

func (p *pacedWriter) tooSlow() error {
	return fmt.Errorf("%w: %d bytes in %s", errTooSlow, p.bytes, p.waited.Truncate(time.Millisecond))
}
