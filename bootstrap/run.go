package bootstrap

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/actors"
	"anomalydetector/cluster"
	"anomalydetector/configs"
	"anomalydetector/messages"
	"anomalydetector/persistence"
	"anomalydetector/stream"
	"anomalydetector/web"
)

// stopTimeout is how long a stop may take before the detector, or the process, ends
// anyway: what is not committed then is read again at the next start. The detector has
// it, too, for stops that nobody asked the process for, such as the end of a job.
const stopTimeout = 25 * time.Second

// Run watches the streams until a signal comes, their time is over, or one of
// them fails.
func (r *runCommand) Run(world *World) error {
	confs, err := loadAll(r.Confs, world)
	if err != nil {
		return err
	}
	if world.Env("GOGC") == "" {
		defer limitGarbage()()
	}
	return Run(world, confs, Options{FailFast: r.FailFast, HideAnomalies: r.Quiet, Synthetic: r.Synthetic})
}

// Options are what a configuration does not say.
type Options struct {
	FailFast bool
	// Client (more options of the Kafka clients), Timing and Batch (records of a
	// round, at most; 0: the default) are for tests.
	Client []kgo.Opt
	Timing *stream.Timing
	Batch  int
	// HandoffFrom is how many records a replay must have for other nodes to be
	// asked first; 0: the default. Listener and Dial replace TCP between nodes.
	// All three are for tests.
	HandoffFrom int64
	Listener    func(network, address string) (net.Listener, error)
	Dial        func(ctx context.Context, network, address string) (net.Conn, error)
	// Measure wraps what each detector tells how long things took, for tests. It needs HTTP.
	Measure func(actors.Measure) actors.Measure
	// Store changes how the state is stored, for tests.
	Store func(*persistence.Options)
	// Hub is told what happens; nil: one of its own.
	Hub *actors.Hub
	// OnSite is told where the page is; empty: nowhere. Nothing has begun then.
	OnSite func(url string)
	// Synthetic: the stream is made up, and the page says so.
	Synthetic bool
	// HideAnomalies keeps anomalies from being printed on a terminal.
	HideAnomalies bool
	// Quiet keeps the log to warnings.
	Quiet bool
}

func loadAll(arguments []string, world *World) ([]*configs.Config, error) {
	var confs []*configs.Config
	names := make(map[string]bool)
	for _, argument := range arguments {
		config, err := configs.Load(argument, world.Env)
		if err != nil {
			return nil, err
		}
		if names[config.Name] {
			return nil, &configs.Error{File: config.Source, Problem: "two configurations are named " + config.Name,
				Expected: "want files of different names, for they tell the members of a consumer group apart"}
		}
		names[config.Name] = true
		confs = append(confs, config)
	}
	return confs, nil
}

// Run builds a detector for each configuration, and stops them all when the
// first of them has failed, or all have ended.
func Run(world *World, confs []*configs.Config, options Options) (err error) {
	var stops []func() error
	defer func() { err = errors.Join(err, joinStops(stops)) }()

	logs := newLogs(world)
	stops = append(stops, logs.close)
	homes := make(map[string]*home)
	section, err := clusterOf(confs)
	if err != nil {
		return err
	}
	if options.Hub == nil {
		options.Hub = new(actors.Hub)
	}
	turns := actors.NewLimiter(processors)
	var site *site // nil: nothing is shown
	var node *cluster.Node
	var common *slog.Logger // the first detector's, for what belongs to none
	var all []*built
	for _, config := range confs {
		shared, err := logs.logger(config)
		if err != nil {
			return err
		}
		if options.Quiet {
			shared = slog.New(quiet{shared.Handler()})
		}
		log := shared.With("detector", config.Name)
		tellPlace(log, config, world)
		if common == nil {
			common = slog.New(naming{shared.Handler(), strings.Join(names(confs), ",")})
			if site, err = openSite(confs, world, common, options); err != nil {
				return err
			}
			if site != nil {
				stops = append(stops, site.close)
			}
			if options.OnSite != nil {
				options.OnSite(site.page())
			}
		}
		dir := config.Persistence.Dir
		if homes[dir] == nil {
			if homes[dir], err = openHome(confs, dir, world, common, options); errors.Is(err, errStopped) {
				return nil
			} else if err != nil {
				return err
			}
			stops = append(stops, homes[dir].close)
		}
		tellStart(log, config, homes[dir].node.ID, site.page())
		if section != nil && node == nil {
			if node, err = newNode(section, homes[dir].node, turns, world, common, options); err != nil {
				return err
			}
			stops = append(stops, node.Close)
		}
		detector, err := build(config, homes[dir], node, site, log, world, logs.screen, options)
		if err != nil {
			return err
		}
		detector.config.Limiter = turns
		stops = append(stops, detector.config.Reader.Close)
		all = append(all, detector)
	}

	var shown io.Writer
	if world.Terminal && !options.Quiet && !options.HideAnomalies {
		shown = logs.screen
	}
	stops = append(stops, announce(options.Hub, shown, world.Now, loggers(all)))
	system := actorSystem(common)
	stops = append(stops, func() error { system.Shutdown(); return nil })
	return supervise(world, system, node, site, all, logs)
}

// actorSystem logs what goes wrong inside the actor library to the first
// detector's log. No metrics: they would hold on to every entity.
func actorSystem(log *slog.Logger) *actor.ActorSystem {
	config := actor.Configure(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(quiet{log.Handler()})
	}))
	return actor.NewActorSystemWithConfig(config)
}

// processors is how many there are for us.
var processors = runtime.GOMAXPROCS(0)

// built is a detector that is not started.
type built struct {
	config   *actors.Config
	peers    *cluster.Detector // nil: it is alone
	shown    *web.Detector     // nil: it is not
	tailing  *tailing          // of its output topic; nil: nobody looks
	node     string            // the id in its data directory
	prepared bool              // to join the group
	duration time.Duration     // of its job; 0: for ever
}

// build turns a configuration into a detector.
func build(config *configs.Config, home *home, node *cluster.Node, site *site, log *slog.Logger, world *World, terminal *screen, options Options) (*built, error) {
	streams, err := streamConfig(config, home, log, options)
	if err != nil {
		return nil, err
	}
	clustered := config.Cluster.Listen != ""
	if clustered {
		streams.Advertise, streams.Process = node.Address(), node.Process()
	}
	if !world.Terminal || options.Quiet {
		terminal = nil
	}
	b := &built{duration: config.Job.Duration, node: home.node.ID}
	streams.Now = world.Now
	streams.Observer = stream.NewObserver(streams.InputTopic, world.Now)
	loading := &progress{name: config.Name, log: log, screen: terminal, now: world.Now}
	detector := &actors.Config{
		Name: config.Name, Log: log, Now: world.Now,
		InputTopic: config.IO.InputTopic, OutputTopic: config.IO.OutputTopic,
		DeadLetterTopic: config.Output.DeadLetterTopic, Group: config.IO.ConsumerGroup,
		ValueField: config.IO.ValueField, KeyFields: config.IO.KeyFields,
		Rules:          rules(config),
		History:        history(config),
		CommitInterval: config.Persistence.CommitInterval,
		// A transaction's rounds take the commit interval, 10 s at most, of 20.
		WriteWithin: streams.Timing.Transaction / 4,
		Batch:       cmp.Or(options.Batch, actors.DefaultBatch),
		Largest:     streams.Outlet.Largest,
		Explain:     config.Output.Explain,
		FailFast:    options.FailFast,
		Stay:        !config.Kafka.LeaveOnStop,
		StopWithin:  stopTimeout,
		Backoff:     streams.Timing.Backoff,
		Open: func(ctx context.Context) (actors.Session, error) {
			b.prepare(ctx)
			return openSession(ctx, streams, options.FailFast)
		},
		Reader:    stream.NewHistory(streams),
		MaxCached: config.Persistence.Resident,
		Observer:  streams.Observer,

		HandoffFrom: cmp.Or(options.HandoffFrom, actors.DefaultHandoff),
		OnProgress:  loading.tell,
		Hub:         options.Hub,
	}
	if config.Persistence.Enabled {
		detector.Store = home.store
		streams.Stored = detector.StoredOffset
	}
	b.config = detector
	b.show(site, &streams, config.IO.GranularityMinutes, options.Synthetic)
	if options.Measure != nil {
		detector.Measure = options.Measure(detector.Measure)
	}
	if site != nil && site.address != "" {
		b.tailing = newTailing(config, streams)
		b.config.Searched = true
	}
	if clustered {
		err = b.watch(node, streams, config.Cluster.Standbys)
	}
	return b, err
}

// openSession keeps trying while a broker or the input topic is missing.
func openSession(ctx context.Context, config stream.Config, failFast bool) (actors.Session, error) {
	told := repeated{now: config.Now}
	for wait := config.Timing.Backoff; ; wait = min(2*wait, 5*config.Timing.Backoff) {
		err := stream.PrepareTopics(ctx, config)
		if err == nil {
			err = stream.CheckTimeouts(ctx, config)
		}
		if err == nil {
			var session *stream.Session
			if session, err = stream.Open(ctx, config); err == nil {
				return session, nil
			}
		}
		if ctx.Err() != nil || errors.Is(err, stream.ErrFenced) {
			return nil, err
		}
		if err = stream.Explain(ctx, config, err); failFast {
			return nil, err
		}
		config.Log.Log(ctx, told.level(err.Error()), "cannot start reading, trying again", "problem", err, "after", wait.String())
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// tellStart says what is watched, where that goes, and where the page is. At debug it says
// all settings in force, as check does.
func tellStart(log *slog.Logger, config *configs.Config, node, page string) {
	for _, warning := range config.Warnings {
		log.Warn("configuration", "file", config.Source, "section", warning.Section, "key", warning.Key, "warning", warning.Text)
	}
	log.Info("detector starts", "version", version(), "conf", config.Source, "node", node,
		"brokers", strings.Join(config.Kafka.Brokers, ","), "input_topic", config.IO.InputTopic,
		"output_topic", config.IO.OutputTopic, "page", cmp.Or(page, "off"))
	var settings []any
	for _, setting := range config.Settings() {
		settings = append(settings, setting.Section+"."+setting.Key, setting.Value)
	}
	log.Debug("settings in force", settings...)
}

func loggers(all []*built) map[string]*slog.Logger {
	logs := make(map[string]*slog.Logger)
	for _, b := range all {
		logs[b.config.Name] = b.config.Log
	}
	return logs
}

// supervise runs the detectors to their end.
func supervise(world *World, system *actor.ActorSystem, node *cluster.Node, site *site, all []*built, logs *logs) (err error) {
	results := make(chan error, len(all))
	var pids []*actor.PID
	for _, b := range all {
		detector := b.config
		detector.OnEnd = func(err error) {
			if err != nil {
				detector.Log.Error("detector failed", "error", err)
			}
			results <- err
		}
	}
	for _, b := range all {
		pid := system.Root.Spawn(actors.DetectorProps(b.config))
		pids = append(pids, pid)
		if b.duration > 0 {
			timer := time.AfterFunc(b.duration, func() {
				system.Root.Send(pid, &messages.Stop{Reason: "the job's duration is over"})
			})
			defer timer.Stop()
		}
	}
	stopAll := func(reason string, atOnce bool) {
		for _, pid := range pids {
			system.Root.Send(pid, &messages.Stop{Reason: reason, AtOnce: atOnce})
		}
	}
	answer(node, system.Root, all, pids)
	if site != nil {
		site.begin(all)
		answers := questions(world, node, site, system.Root, all, pids)
		site.Answer(answers)
		asked := site.tell(world, answers, all, node != nil)
		read := site.read(all)
		defer func() { err = errors.Join(err, read(), asked()) }()
	}
	w := &waiting{
		world: world, results: results, running: len(all), stopAll: stopAll, others: node != nil,
		reopen: func() {
			files := len(logs.reopen())
			for _, b := range all {
				if files == 0 {
					b.config.Log.Info("SIGHUP: there is no log file to open again")
				} else {
					b.config.Log.Info("SIGHUP: the log files are opened again", "files", files)
				}
			}
		},
	}
	return w.await()
}

// quiet lets warnings and errors through.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }
func (q quiet) WithGroup(name string) slog.Handler   { return quiet{q.Handler.WithGroup(name)} }
