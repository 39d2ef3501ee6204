package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"anomalydetector/bench/report"
)

// newJob has a folder, a group and an output topic that were not used before.
func (b *bench) newJob(ctx context.Context, input, what string, partitions int32) (job, error) {
	j := job{name: b.name(what), input: input}
	j.output, j.dir = j.name+"-out", filepath.Join(b.work, j.name)
	return j, b.createTopic(ctx, partitions, j.output)
}

// discard removes what a job left.
func (b *bench) discard(j job) {
	_ = os.RemoveAll(j.dir) // it goes with the work folder in the end
	b.deleteTopics(j.name)
}

// runOnce lets a system work through a topic from its beginning to its end.
func (b *bench) runOnce(ctx context.Context, s *system, input string, shape report.Shape) (report.Run, error) {
	ctx, cancel := context.WithTimeout(ctx, b.settings.Patience)
	defer cancel()
	j, err := b.newJob(ctx, input, s.Name, int32(shape.Partitions))
	if err != nil {
		return report.Run{}, err
	}
	defer b.discard(j)
	unix.Sync() // what the run before left to write is not on this one's account
	process, err := s.make(j).start(ctx)
	if err != nil {
		return report.Run{}, err
	}
	defer process.stop()
	samples, used, err := b.follow(ctx, process, b.progress(s, j, process), shape.Points)
	if err != nil {
		return report.Run{}, err
	}
	process.stop()
	known := int64(shape.Entities) * 3 / 2 // partitions are not read evenly
	run := report.RunOf(samples, known, used.PeakRSS, process.written, blocks(j.data()), live(shape))
	run.Collector = collected(process.said())
	return run, nil
}

// progress tells how many points are done.
func (b *bench) progress(s *system, j job, p *process) func(context.Context) int64 {
	if p.output != nil {
		return func(context.Context) int64 { return p.output.at.Load() }
	}
	topic := j.input
	if s.progress != nil {
		topic = s.progress(j)
	}
	return func(ctx context.Context) int64 { return b.committed(ctx, j.name, topic) }
}

// follow samples a process until all points are done.
func (b *bench) follow(ctx context.Context, p *process, progress func(context.Context) int64, points int64) ([]report.Sample, usage, error) {
	const often = 20 * time.Millisecond
	var samples []report.Sample
	for {
		done := progress(ctx)
		if len(samples) == 0 || done > samples[len(samples)-1].Points {
			cpu, err := readCPU(p.command.Process.Pid)
			if err != nil && p.running() {
				return nil, usage{}, err
			}
			samples = append(samples, report.Sample{At: time.Since(p.began), Points: done, CPU: cpu})
		}
		if done >= points {
			used, err := p.usage()
			return samples, used, err
		}
		select {
		case <-time.After(often):
		case <-ctx.Done():
			return nil, usage{}, fmt.Errorf("%s: %d of %d points were done: %w", p.name, done, points, ctx.Err())
		case <-p.exited:
			return nil, usage{}, p.failed()
		}
	}
}
