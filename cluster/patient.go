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
	leastRate    = 128_000          // bytes a second that it has to take, on average, once this time is over
)

var errTooSlow = errors.New("the other node takes them too slowly")

// patient gives the other one some time for each part, and less the more it has let us
// wait: whoever takes less than leastRate cannot hold an export up. The time that we take
// to read the windows does not count.
type patient struct {
	out     io.Writer
	control interface{ SetWriteDeadline(time.Time) error }
	until   time.Time     // the end of all patience
	waited  time.Duration // so far, for all parts
	bytes   int64
}

// Write implements io.Writer.
func (p *patient) Write(part []byte) (int, error) {
	began := time.Now()
	deadline := began.Add(min(chunkTimeout, chunkTimeout+p.earned()-p.waited))
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
	p.waited += time.Since(began)
	p.bytes += int64(written)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = p.tooSlow()
	}
	return written, err
}

// earned is how long what it took may have taken.
func (p *patient) earned() time.Duration {
	return time.Duration(p.bytes/(leastRate/1000)) * time.Millisecond
}

func (p *patient) tooSlow() error {
	return fmt.Errorf("%w: %d bytes in %s", errTooSlow, p.bytes, p.waited.Truncate(time.Millisecond))
}
