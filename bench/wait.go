package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// until waits for a condition. It fails when a process or the context ends.
func until(ctx context.Context, what string, condition func() bool, processes ...*process) error {
	for !condition() {
		if p := ended(processes); p != nil {
			return p.failed()
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w", what, ctx.Err())
		}
	}
	return nil
}

func (b *bench) untilCommitted(ctx context.Context, p *process, j job, count int64) error {
	return until(ctx, fmt.Sprintf("%d points are committed", count), func() bool {
		return b.committed(ctx, j.name, j.input) >= count
	}, p)
}

// untilReady waits until the detector's log says that all partitions are ready.
func untilReady(ctx context.Context, p *process, partitions int) error {
	return until(ctx, "all partitions are ready", func() bool {
		return strings.Count(p.said(), "partition ready") >= partitions
	}, p)
}
