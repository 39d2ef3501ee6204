package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"anomalydetector/bench/report"
	"anomalydetector/loopback"
)

type soakFlags struct {
	Minutes float64       `default:"60" help:"How long it feeds (default ${default})."`
	Slots   int           `default:"2000" help:"Entities of a partition that can be there at once (default ${default})."`
	Backlog int64         `default:"1000000" help:"Records that are kept in front of the detector (default ${default})."`
	Short   bool          `help:"Fewer faults, a shorter warm-up and looser bounds, for a run of some minutes."`
	Every   time.Duration `default:"2s" help:"Time between two samples (default ${default})."`
}

// Validate is called by the parser.
func (f *soakFlags) Validate() error {
	if f.Minutes <= 0 || f.Slots < 1 || f.Backlog < 1 || f.Every <= 0 {
		return fmt.Errorf("want positive minutes, slots, backlog and time between samples")
	}
	return nil
}

// soakEvent happens after a share of the run.
type soakEvent struct {
	at   float64
	what string
}

const (
	soakKill       = "kill"
	soakStop       = "stop"
	brokerRestart  = "broker restart"
	brokerKill     = "broker kill"
	soakAway       = 4 * time.Second // how long the broker stays away
	soakPatience   = 5 * time.Minute // for the end: what is fed is committed
	soakStartBelow = "entities-come-and-go"
)

// schedule has two quiet lives. The broker restarts within them, too: what a connection
// leaves behind would add up there.
func (f *soakFlags) schedule() []soakEvent {
	if f.Short {
		return []soakEvent{{.10, soakKill}, {.18, soakStop}, {.26, brokerRestart}, {.36, soakKill}, {.62, brokerKill}}
	}
	return []soakEvent{{.07, soakKill}, {.10, soakStop}, {.13, brokerRestart}, {.16, soakKill}, {.18, brokerKill}, {.20, soakKill},
		{.30, brokerRestart}, {.45, soakKill}, {.47, soakStop}, {.49, brokerKill}, {.51, soakKill},
		{.60, brokerRestart}, {.66, brokerKill}, {.74, brokerRestart}, {.92, soakKill}, {.94, soakStop}, {.96, brokerRestart}, {.98, soakKill}}
}

// warm is when a life is warm, least how long it must last to be judged, in seconds.
func (f *soakFlags) warm() (warm, least, loose float64) {
	if f.Short {
		return 20, 30, 8 // the heap follows the load, which comes and goes with the broker
	}
	return 120, 240, 1
}

// soaking is a run.
type soaking struct {
	*soakFlags
	*bench
	job     job
	address string
	feeder  *soakFeeder
	oracle  *soakOracle
	result  report.Soak
	began   time.Time

	mu      sync.Mutex
	current *process
}

func (f *soakFlags) soak(ctx context.Context, b *bench) (err error) {
	s := &soaking{soakFlags: f, bench: b}
	input := b.name(soakStartBelow)
	if err := b.createRolling(ctx, b.settings.Partitions, input); err != nil {
		return err
	}
	if s.job, err = b.newJob(ctx, input, "soak", b.settings.Partitions); err != nil {
		return err
	}
	if s.address, err = loopback.FreeAddress(); err != nil {
		return err
	}
	stream := &passing{seed: b.settings.Seed, partitions: int(b.settings.Partitions), slots: f.Slots,
		start: time.Now().Add(-30 * 365 * 24 * time.Hour).Truncate(bin)} // so that it never reaches the future
	s.feeder = &soakFeeder{bench: b, stream: stream, topic: input, group: s.job.name, backlog: f.Backlog, kept: int64(f.Slots) * (windowBins + 60)}
	s.oracle = newSoakOracle(stream.partitions)
	s.result = report.Soak{Minutes: f.Minutes, Partitions: stream.partitions, Slots: f.Slots * stream.partitions}
	failed := s.run(ctx)
	s.conclude()
	b.result.Soak = &s.result
	if rising := s.result.Rising(); len(rising) > 0 {
		failed = errors.Join(failed, fmt.Errorf("not flat: %s", strings.Join(rising, "; ")))
	}
	return failed
}

// run returns the first thing that went wrong.
func (s *soaking) run(ctx context.Context) (failed error) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	var once sync.Once
	fail := func(err error) {
		if err != nil && ctx.Err() == nil {
			once.Do(func() { failed = err; cancel() })
		}
	}
	defer func() { // the named result is set by fail, too
		cancel()
		all.Wait()
	}()
	alerts, err := s.startAlerting(ctx, s.address)
	if err != nil {
		return err
	}
	if alerts != nil {
		defer alerts.process.stop()
		all.Go(func() { alerts.watch(ctx) })
		defer func() { s.result.Alerts = alerts.alerts() }()
	}
	s.began = time.Now()
	if err := s.start(ctx); err != nil {
		return err
	}
	defer func() { s.process().stop() }()
	fed, stop := make(chan struct{}), make(chan struct{})
	all.Go(func() { defer close(fed); fail(s.feeder.feed(ctx, stop)) })
	all.Go(func() { s.feeder.watch(ctx, s.oracle) })
	all.Go(func() { fail(s.oracle.read(ctx, s.brokers, s.job.input)) })
	all.Go(func() { fail(s.oracle.compare(ctx, s.brokers, s.job.output)) })
	all.Go(func() { s.sampling(ctx) })
	paths := newTally()
	end := newWatchers(s.address, 100, paths).watch(ctx, 1)
	defer func() {
		end()
		for _, path := range paths.rows() {
			s.result.Asked, s.result.Answered, s.result.Events = s.result.Asked+path.Asked, s.result.Answered+path.Answered, s.result.Events+path.Events
		}
	}()
	for _, event := range s.schedule() {
		if err := s.wait(ctx, event.at); err != nil {
			fail(err)
			return failed
		}
		if err := s.happen(ctx, event.what); err != nil {
			fail(err)
			return failed
		}
	}
	if err := s.wait(ctx, 1); err != nil {
		fail(err)
		return failed
	}
	close(stop)
	<-fed
	patient, enough := context.WithTimeout(ctx, soakPatience)
	defer enough()
	if err := s.oracle.finished(patient, s.feeder, s.process); err != nil {
		fail(err)
		return failed
	}
	s.close(soakStop, s.process().stop)
	if code := s.process().command.ProcessState.ExitCode(); code != 0 {
		fail(fmt.Errorf("the detector's last stop: exit code %d, want 0", code))
	}
	pause(ctx, 2*time.Second) // the reader sees what the stop may have committed
	if _, expected, arrived, wrong := s.oracle.state(); expected+arrived+len(wrong) > 0 {
		fail(fmt.Errorf("after the stop %d anomalies are missing, %d were not expected; %v", expected, arrived, wrong))
	}
	return failed
}

func (s *soaking) process() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

func (s *soaking) seconds() float64 { return time.Since(s.began).Seconds() }

func (s *soaking) start(ctx context.Context) error {
	p := s.detectorProgram(s.job)
	p.env = append(p.env, "DETECTOR_HTTP="+s.address)
	started, err := p.start(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = started
	s.result.Lives = append(s.result.Lives, report.SoakLife{From: s.seconds(), Points: -s.feeder.done.Load()})
	return nil
}

// close ends the process's life.
func (s *soaking) close(how string, end func()) {
	end()
	s.mu.Lock()
	defer s.mu.Unlock()
	life := &s.result.Lives[len(s.result.Lives)-1]
	life.To, life.Ended, life.Points = s.seconds(), how, life.Points+s.feeder.done.Load()
}

// wait waits until a share of the run is over. It fails as soon as anything is wrong.
func (s *soaking) wait(ctx context.Context, share float64) error {
	for s.seconds() < share*s.Minutes*60 {
		if _, _, _, wrong := s.oracle.state(); len(wrong) > 0 {
			return fmt.Errorf("the anomalies are wrong: %v", wrong)
		}
		if p := s.process(); !p.running() {
			return p.failed()
		}
		pause(ctx, 200*time.Millisecond)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (s *soaking) happen(ctx context.Context, what string) error {
	matched, _, _, _ := s.oracle.state()
	say("soak: %s after %.0f s; %s records are committed, %d anomalies are compared", what, s.seconds(), report.Short(float64(s.feeder.done.Load())), matched)
	s.mu.Lock()
	s.result.Marks = append(s.result.Marks, report.SoakMark{At: s.seconds(), What: what})
	s.mu.Unlock()
	switch what {
	case soakKill:
		s.result.Kills++
		s.close(what, s.process().kill)
		return s.start(ctx)
	case soakStop:
		s.result.Stops++
		s.close(what, s.process().stop)
		if code := s.process().command.ProcessState.ExitCode(); code != 0 {
			return fmt.Errorf("a clean stop ended with exit code %d\n%w", code, s.process().failed())
		}
		return s.start(ctx)
	case brokerRestart:
		s.result.BrokerStops++
		return s.broker.again(ctx, "stop")
	default:
		s.result.BrokerKills++
		return s.broker.again(ctx, "kill")
	}
}

// sampling samples until the context ends.
func (s *soaking) sampling(ctx context.Context) {
	for ctx.Err() == nil {
		p := s.process()
		s.mu.Lock()
		life := len(s.result.Lives) - 1
		s.mu.Unlock()
		sample, err := soakSample(ctx, p, s.address)
		if err == nil && p == s.process() {
			sample.At, sample.Life, sample.Points = s.seconds(), life, float64(s.feeder.done.Load())
			sample.Disk, sample.BrokerDisk = float64(blocks(s.job.data())), float64(blocks(s.broker.dir))
			s.mu.Lock()
			s.result.Samples = append(s.result.Samples, sample)
			s.result.Lives[life].PeakRSS = max(s.result.Lives[life].PeakRSS, sample.RSS)
			s.mu.Unlock()
		}
		pause(ctx, s.Every)
	}
}

func (s *soaking) conclude() {
	r := &s.result
	r.Records, r.Bins = s.feeder.done.Load(), s.feeder.bins.Load()
	r.Windows, r.Rate = float64(r.Bins)/windowBins, float64(r.Records)/s.seconds()
	r.Anomalies, _, _, r.Wrong = s.oracle.state()
	warm, least, loose := s.warm()
	r.Judge(warm, least, loose)
	r.Complete(warm)
	var lines strings.Builder
	lines.WriteString("seconds,life,rss,held,heap,goroutines,files,threads,disk,broker_disk,entities,cached,points\n")
	for _, p := range r.Samples {
		fmt.Fprintf(&lines, "%.1f,%d,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f\n", p.At, p.Life, p.RSS, p.Held, p.Heap, p.Goroutines, p.Files, p.Threads,
			p.Disk, p.BrokerDisk, p.Entities, p.Cached, p.Points)
	}
	if err := os.WriteFile(filepath.Join(s.settings.Out, "soak.csv"), []byte(lines.String()), 0o644); err != nil {
		s.note("the samples were not written: %v", err)
	}
	if said, err := os.ReadFile(filepath.Join(s.job.dir, "log")); err == nil {
		_ = os.WriteFile(filepath.Join(s.settings.Out, "soak.log"), said, 0o644) // to look at, if it fails
	}
}
