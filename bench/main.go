// Command bench measures the detector, and other programs that do the same job, on a
// real Apache Kafka on loopback: see docs/performance.md.
//
// It runs the built binary as users do. From the product it imports what makes streams
// (synthetic) and stored windows (persistence), and the parts that it measures in memory
// (datapoint, detection).
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() { os.Exit(run(os.Args[1:])) }

// commands is the command line.
type commands struct {
	Settings

	All        allCommand        `cmd:"" default:"1" help:"throughput, latency, burst and scale, one after the other (the default)."`
	Throughput throughputCommand `cmd:"" help:"The limit, the parts in memory, the detector, and its peers, in turn."`
	Latency    latencyCommand    `cmd:"" help:"From a point's append to its visible anomaly, idle and under load."`
	Burst      burstCommand      `cmd:"" help:"Whole bins of many entities at once."`
	Scale      scaleCommand      `cmd:"" help:"By partitions and by entities."`
	Restart    restartCommand    `cmd:"" help:"From the start after SIGKILL to a visible anomaly."`
	Memory     memoryCommand     `cmd:"" help:"Memory (RSS) of full windows."`
	Nodes      nodesCommand      `cmd:"" help:"Several detectors in one group: partitions that move, questions, and what they do together."`
	Watched    watchedCommand    `cmd:"" help:"What scraping, paging through entities and open pages cost at full speed."`
	Heap       heapCommand       `cmd:"" help:"Ways to run Go's collector: speed, processor time and memory."`
	Storm      stormCommand      `cmd:"" help:"A bin in which all entities are anomalous, and the bins after it, with episodes."`
	Backtest   backtestCommand   `cmd:"" help:"Backtests of files, beside scoring the same stream in memory."`
	Profile    profileCommand    `cmd:"" help:"Writes the profile that the compiler gets, default.pgo."`
	Soak       soakCommand       `cmd:"" help:"A long run at full speed with kills and restarts: exactly once, and flat."`
	Work       workCommand       `cmd:"" hidden:"" help:"A child process: counts, decodes or scores a topic in memory."`
}

func run(arguments []string) int {
	var line commands
	parser := kong.Must(&line, kong.Name("bench"),
		kong.Description("Measures the detector and its peers on a real Apache Kafka. Run it in the root of the source tree."))
	command, err := parser.Parse(arguments)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command.BindTo(ctx, (*context.Context)(nil))
	err = command.Run(&line.Settings)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "bench: stopped")
		return 1
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

type (
	allCommand struct {
		throughputFlags
		latencyFlags
		burstFlags
		scaleFlags
	}
	throughputCommand struct{ throughputFlags }
	latencyCommand    struct{ latencyFlags }
	burstCommand      struct{ burstFlags }
	scaleCommand      struct{ scaleFlags }
	restartCommand    struct{ restartFlags }
	memoryCommand     struct{ memoryFlags }
	nodesCommand      struct{ nodesFlags }
	watchedCommand    struct{ watchedFlags }
	heapCommand       struct{ heapFlags }
	soakCommand       struct{ soakFlags }
	stormCommand      struct{ stormFlags }
	backtestCommand   struct{ backtestFlags }
)

func (c *allCommand) Run(ctx context.Context, settings *Settings) error {
	return settings.measure(ctx, c, func(b *bench) error {
		return b.inTurn(ctx, c.throughput, c.latency, c.burst, c.scale)
	})
}

// inTurn runs all parts, also after one has failed. It returns all their errors.
func (b *bench) inTurn(ctx context.Context, parts ...func(context.Context, *bench) error) (failed error) {
	for _, part := range parts {
		if err := part(ctx, b); err != nil {
			failed = errors.Join(failed, err)
			b.note("a part failed: %v", err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return failed
}

func (c *throughputCommand) Run(ctx context.Context, s *Settings) error {
	return s.measure(ctx, c, func(b *bench) error { return c.throughput(ctx, b) })
}

func (c *latencyCommand) Run(ctx context.Context, s *Settings) error {
	return s.measure(ctx, c, func(b *bench) error { return c.latency(ctx, b) })
}

func (c *burstCommand) Run(ctx context.Context, s *Settings) error {
	return s.measure(ctx, c, func(b *bench) error { return c.burst(ctx, b) })
}

func (c *scaleCommand) Run(ctx context.Context, s *Settings) error {
	return s.measure(ctx, c, func(b *bench) error { return c.scale(ctx, b) })
}

func (c *restartCommand) Run(ctx context.Context, s *Settings) error {
	return s.measure(ctx, c, func(b *bench) error { return c.restart(ctx, b) })
}

func (c *memoryCommand) Run(ctx context.Context, s *Settings) error {
	return s.measure(ctx, c, func(b *bench) error { return c.memory(ctx, b) })
}

func (c *nodesCommand) Run(ctx context.Context, s *Settings) error {
	return s.measure(ctx, c, func(b *bench) error { return c.nodes(ctx, b) })
}

func (c *watchedCommand) Run(ctx context.Context, s *Settings) error {
	return s.measure(ctx, c, func(b *bench) error { return c.watched(ctx, b) })
}

func (c *heapCommand) Run(ctx context.Context, s *Settings) error {
	return s.measure(ctx, c, func(b *bench) error { return c.heap(ctx, b) })
}

func (c *stormCommand) Run(ctx context.Context, s *Settings) error {
	return s.measure(ctx, c, func(b *bench) error { return c.storm(ctx, b) })
}

func (c *soakCommand) Run(ctx context.Context, s *Settings) error {
	return s.measure(ctx, c, func(b *bench) error { return c.soak(ctx, b) })
}

func (c *backtestCommand) Run(ctx context.Context, s *Settings) error {
	s.brokerless = !c.Topic
	return s.measure(ctx, c, func(b *bench) error { return c.backtest(ctx, b) })
}
