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

// newJob makes a job with a new folder, group and output topic.
func (b *bench) newJob(ctx context.Context, input, what string, partitions int32) (job, error) {
	j := job{name: b.name(what), input: input}
	j.output, j.dir = j.name+"-out", filepath.Join(b.work, j.name)
	return j, b.createTopic(ctx, partitions, j.output)
}

// discard removes the job's data and topics.
func (b *bench) discard(j job) {
	_ = os.RemoveAll(j.dir) // removed with the work folder otherwise
	b.deleteTopics(j.name)
}

// runOnce runs a system over a whole topic.
func (b *bench) runOnce(ctx context.Context, s *system, input string, shape report.Shape) (report.Run, error) {
	ctx, cancel := context.WithTimeout(ctx, b.settings.Patience)
	defer cancel()
	j, err := b.newJob(ctx, input, s.Name, int32(shape.Partitions))
	if err != nil {
		return report.Run{}, err
	}
	defer b.discard(j)
	unix.Sync() // or this run would pay for writes of the one before
	process, err := s.make(j).start(ctx)
	if err != nil {
		return report.Run{}, err
	}
	defer process.stop()
	samples, used, err := b.sample(ctx, process.began, b.progress(s, j, process), shape.Points, process)
	if err != nil {
		return report.Run{}, err
	}
	process.stop()
	run := report.RunOf(samples, allKnown(shape), used.PeakRSS, process.written, blocks(j.data()), live(shape))
	run.Collector = collected(process.said())
	return run, nil
}

// allKnown is a number of points after which all entities are known. It is more than one
// bin, as partitions are not read evenly.
func allKnown(shape report.Shape) int64 { return int64(shape.Entities) * 3 / 2 }

// progress returns a function that counts the points that are done.
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

// sample samples processes until all points are done. It returns the samples, with times
// since began, and the sum of what the processes used.
func (b *bench) sample(ctx context.Context, began time.Time, progress func(context.Context) int64, points int64, processes ...*process) ([]report.Sample, usage, error) {
	const often = 20 * time.Millisecond
	var samples []report.Sample
	for {
		done := progress(ctx)
		if len(samples) == 0 || done > samples[len(samples)-1].Points {
			cpu, err := cpuOf(processes)
			if err != nil {
				return nil, usage{}, err
			}
			samples = append(samples, report.Sample{At: time.Since(began), Points: done, CPU: cpu})
		}
		if done >= points {
			used, err := usageOf(processes)
			return samples, used, err
		}
		if p := ended(processes); p != nil {
			return nil, usage{}, p.failed()
		}
		select {
		case <-time.After(often):
		case <-ctx.Done():
			return nil, usage{}, fmt.Errorf("%s: %d of %d points were done: %w", processes[0].name, done, points, ctx.Err())
		}
	}
}

// cpuOf is the processor time of the processes that still run.
func cpuOf(processes []*process) (sum time.Duration, err error) {
	for _, p := range processes {
		cpu, err := readCPU(p.command.Process.Pid)
		if err != nil && p.running() {
			return 0, err
		}
		sum += cpu
	}
	return sum, nil
}

// usageOf is the sum over the processes.
func usageOf(processes []*process) (sum usage, err error) {
	for _, p := range processes {
		used, err := p.usage()
		if err != nil {
			return usage{}, err
		}
		sum.CPU += used.CPU
		sum.RSS += used.RSS
		sum.PeakRSS += used.PeakRSS
		sum.Mapped += used.Mapped
	}
	return sum, nil
}
