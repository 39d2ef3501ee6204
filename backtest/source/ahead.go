package source

import (
	"context"
	"io"
)

// blocksAhead is how many blocks are read before they are asked for, and blocksKept is how many are kept to be filled again.
const blocksAhead, blocksKept = 8, 64

// ahead reads in a goroutine of its own, ahead of Next.
type ahead struct {
	free    chan *Block
	running *reading // nil before the first Next
}

func newAhead() ahead { return ahead{free: make(chan *Block, blocksKept)} }

// reading is one pass through the inputs.
type reading struct {
	blocks chan read
	stop   chan struct{} // nobody wants more
	ended  chan struct{}
}

// read is a block or an error.
type read struct {
	block *Block
	err   error
}

// next returns the next block. All runs in the goroutine, and gives all blocks.
func (a *ahead) next(ctx context.Context, all func(*reading)) (*Block, error) {
	if a.running == nil {
		r := &reading{blocks: make(chan read, blocksAhead), stop: make(chan struct{}), ended: make(chan struct{})}
		a.running = r
		go func() {
			defer close(r.ended)
			defer close(r.blocks)
			all(r)
		}()
	}
	select {
	case next, more := <-a.running.blocks:
		if !more {
			return nil, io.EOF
		}
		return next.block, next.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// give hands over what was read. It returns false if nobody wants it any more.
func (r *reading) give(what read) bool {
	select {
	case r.blocks <- what:
		return true
	case <-r.stop:
		return false
	}
}

// halt ends the pass.
func (a *ahead) halt(wait bool) {
	if a.running == nil {
		return
	}
	close(a.running.stop)
	if wait {
		<-a.running.ended
	}
	a.running = nil
}

// block returns a block to fill.
func (a *ahead) block() *Block {
	select {
	case b := <-a.free:
		return b
	default:
		return &Block{memory: make([]byte, blockSize)}
	}
}

// Release implements Source.
func (a *ahead) Release(b *Block) {
	if len(b.memory) > blockSize {
		return // it had a row that is longer than most
	}
	select {
	case a.free <- b:
	default:
	}
}
