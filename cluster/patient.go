package cluster

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	chunkTimeout = 10 * time.Second // for the other one to take a part of a snapshot
	leastRate    = 128_000          // bytes a second of windows, on average, once this time is over (up to 1 GB/s were measured: ADR 11)
)

var errTooSlow = errors.New("the other node takes them too slowly")

// pace is how fast the other one was, in what it has let us wait for. The time that we
// take ourselves does not count.
type pace struct {
	bytes  int64
	waited time.Duration
}

// left is how long it may still let us wait.
func (p *pace) left() time.Duration {
	earned := time.Duration(p.bytes/(leastRate/1000)) * time.Millisecond
	return max(chunkTimeout+earned-p.waited, 0)
}

func (p *pace) add(bytes int, waited time.Duration) {
	p.bytes += int64(bytes)
	p.waited += waited
}

// patient gives the other one some time for each part, and less the more it has let us
// wait: whoever takes less than leastRate cannot hold an export up.
type patient struct {
	pace
	out     io.Writer
	control interface{ SetWriteDeadline(time.Time) error }
	until   time.Time // the end of all patience
}

// Write implements io.Writer.
func (p *patient) Write(part []byte) (int, error) {
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

func (p *patient) tooSlow() error {
	return fmt.Errorf("%w: %d bytes in %s", errTooSlow, p.bytes, p.waited.Truncate(time.Millisecond))
}
