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
	"anomalydetector/limiter"
	"anomalydetector/messages"
	"anomalydetector/persistence"
	"anomalydetector/stream"
	"anomalydetector/web"
)

// stopTimeout bounds a stop, with all that is closed at its end: after it the process ends anyway, and what
// is not committed is read again at the next start. Each detector has the same bound for stops that do not come from the process,
// such as the end of a job.
const stopTimeout = 25 * time.Second

// Run runs a detector for each configuration until a signal comes, the jobs are over, or one fails.
func (r *runCommand) Run(world *World) error {
	confs, err := loadAll(r.Confs, world)
	if err != nil {
		return err
	}
	defer returnMemory()()
	return Run(world, confs, Options{FailFast: r.FailFast, HideAnomalies: r.Quiet, Synthetic: r.Synthetic,
		Reload: func() ([]*configs.Config, error) { return loadAgain(r.Confs, world) }})
}

// Options are settings that no configuration has.
type Options struct {
	// FailFast ends the process if the broker or the input topic is missing.
	FailFast bool

	// For tests: more options of the Kafka clients, their timing, and the most records of a round
	// (0: the default).
	Client []kgo.Opt
	Timing *stream.Timing
	Batch  int
	// How long a stop may take; Run sets it.
	stopWithin time.Duration
	// For tests: the number of records to replay from which other nodes are asked for windows first
	// (0: the default), and what replaces TCP between nodes.
	HandoffFrom int64
	Listener    func(network, address string) (net.Listener, error)
	Dial        func(ctx context.Context, network, address string) (net.Conn, error)
	// For tests: how long a checkpoint may be postponed (0: the default).
	Postpone time.Duration
	// For tests: Session wraps each session of a detector.
	Session func(actors.Session) actors.Session
	// For tests: Measure wraps the actors.Measure that gets each detector's durations. It needs HTTP.
	Measure func(actors.Measure) actors.Measure
	// For tests: Store changes how windows are stored.
	Store func(*persistence.Options)
	// Hub gets what each commit found; nil: Run makes one.
	Hub *actors.Hub
	// OnSite gets the URL of the page, or "" if there is none, before any detector starts.
	OnSite func(url string)
	// Synthetic marks the page: the stream is not real.
	Synthetic bool
	// HideAnomalies prints no anomalies on a terminal.
	HideAnomalies bool
	// Quiet logs warnings and errors only.
	Quiet bool
	// Reload reads the configurations again, after SIGHUP; nil: they came from no file.
	Reload func() ([]*configs.Config, error)
}

func loadAll(arguments []string, world *World) ([]*configs.Config, error) {
	var confs []*configs.Config
	names := make(map[string]bool)
	episodes := make(map[string]string) // the detector of each episodes topic
	for _, argument := range arguments {
		config, err := configs.Load(argument, world.Env)
		if err != nil {
			return nil, err
		}
		if names[config.Name] {
			return nil, &configs.Error{File: config.Source, Problem: "two configurations are named " + config.Name,
				Expected: "want files of different names: the names distinguish the members of a consumer group"}
		}
		names[config.Name] = true
		if topic := config.Episodes.OutputTopic; topic != "" {
			if other := episodes[topic]; other != "" {
				return nil, &configs.Error{File: config.Source, Section: "episodes", Key: "output_topic", Problem: other + " has the same topic",
					Expected: "want a topic of its own: the topic keeps the state of its detector's episodes"}
			}
			episodes[topic] = config.Name
		}
		confs = append(confs, config)
	}
	return confs, nil
}

// Run builds a detector for each configuration and starts them. It returns when all have ended; it
// stops the others when one of them fails. The error is a *configs.Error if a configuration cannot
// work.
func Run(world *World, confs []*configs.Config, options Options) (err error) {
	asked := &requests{signals: world.Signals, now: world.Now}
	if asked.within, err = stopWithin(world.Env); err != nil {
		return err
	}
	options.stopWithin = asked.within
	var stops []func() error
	defer func() { err = errors.Join(err, asked.unwind(stops)) }()

	logs := newLogs(world)
	again := &reloader{now: world.Now, logs: logs, read: options.Reload}
	again.begin()
	stops = append(stops, logs.close)
	homes := make(map[string]*home)
	section, err := clusterOf(confs)
	if err != nil {
		return err
	}
	if options.Hub == nil {
		options.Hub = new(actors.Hub)
	}
	limit := limiter.New(processors)
	var site *site // nil: nothing is served over HTTP
	var node *cluster.Node
	var common *slog.Logger // the first detector's, for lines of the process itself
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
			if site, err = openSite(confs, world, common, logs, again, options); err != nil {
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
			if node, err = newNode(section, homes[dir].node, limit, world, common, options); err != nil {
				return err
			}
			stops = append(stops, node.Close)
		}
		detector, err := build(config, homes[dir], node, site, log, world, logs.screen, options)
		if err != nil {
			return err
		}
		detector.config.Limiter = limit
		stops = append(stops, detector.config.Reader.Close)
		all = append(all, detector)
		again.all = append(again.all, &reloadable{config, log})
	}

	var shown io.Writer
	if world.Terminal && !options.Quiet && !options.HideAnomalies {
		shown = logs.screen
	}
	announcer := announce(options.Hub, shown, world.Now, loggers(all))
	stops = append(stops, announcer.end)
	again.apply = func(confs []*configs.Config) {
		for i, config := range confs {
			logs.levels[config.Name].Set(config.Log.Level)
			all[i].config.MaxCached.Store(int64(config.Persistence.CachedEntities))
			if home := homes[config.Persistence.Dir]; home.store != nil {
				home.store.SetFloor(storeOptions(confs, home.dir).Floor)
			}
		}
		announcer.begin()
	}
	system := actorSystem(common)
	stops = append(stops, func() error { system.Shutdown(); return nil })
	return supervise(world, system, node, site, all, asked, again)
}

// actorSystem logs errors of the actor library to the first detector's log. It collects no metrics:
// they would keep every entity in memory.
func actorSystem(log *slog.Logger) *actor.ActorSystem {
	config := actor.Configure(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(quiet{log.Handler()})
	}))
	return actor.NewActorSystemWithConfig(config)
}

// processors is how many processors this process may use.
var processors = runtime.GOMAXPROCS(0)

// built is a detector and what belongs to it, before it is started.
type built struct {
	config   *actors.Config
	peers    *cluster.GroupWatcher // nil: no [cluster] section
	shown    *web.Detector         // nil: nothing is served
	tailing  *tailing              // of its output topic; nil: no page and no API
	alerting *alerting             // nil: there is no Alertmanager
	node     string                // the id in its data directory
	prepared bool                  // prepare was called
	duration time.Duration         // of the job; 0: for ever
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
		EpisodesTopic: config.Episodes.OutputTopic, Episodes: ledgerRules(config),
		ValueField: config.IO.ValueField, KeyFields: config.IO.KeyFields,
		Rules:          rules(config),
		Habit:          habitRules(config),
		History:        memory(config),
		CommitInterval: config.Persistence.CommitInterval,
		// A transaction times out after 20 s by default. Its rounds take the commit interval, at most 10 s; a quarter of the timeout is for writing.
		WriteWithin: streams.Timing.Transaction / 4,
		Batch:       cmp.Or(options.Batch, actors.DefaultBatch),
		Largest:     streams.Outlet.Largest,
		Explain:     config.Output.Explain,
		FailFast:    options.FailFast,
		Stay:        !config.Kafka.LeaveOnStop,
		StopWithin:  options.stopWithin,
		Backoff:     streams.Timing.Backoff,
		Open: func(ctx context.Context) (actors.Session, error) {
			b.prepare(ctx)
			session, err := openSession(ctx, streams, options.FailFast)
			if err == nil && options.Session != nil {
				session = options.Session(session)
			}
			return session, err
		},
		Observer: streams.Observer,

		HandoffFrom: cmp.Or(options.HandoffFrom, actors.DefaultHandoff),
		Postpone:    cmp.Or(options.Postpone, actors.DefaultPostpone),
		OnProgress:  loading.tell,
		Hub:         options.Hub,
	}
	detector.MaxCached.Store(int64(config.Persistence.CachedEntities))
	if config.Persistence.Enabled {
		detector.Store = home.store
		streams.Stored = detector.StoredOffset
	}
	b.config = detector
	b.show(site, &streams, config.IO.GranularityMinutes, options.Synthetic)
	detector.Reader = stream.NewHistory(streams) // after show, so that its traffic is counted
	if options.Measure != nil {
		detector.Measure = options.Measure(detector.Measure)
	}
	if site != nil && site.address != "" {
		b.tailing = newTailing(config, streams)
		b.config.Searched = true
	}
	if b.alerting, err = newAlerting(config, streams, site, log, world); err != nil {
		return nil, err
	}
	if b.alerting != nil && b.shown != nil {
		b.shown.Notified = b.alerting.status
	}
	if clustered {
		err = b.watch(node, streams, config.Cluster.Standbys)
	}
	return b, err
}

// tellStart logs the topics and the address of the page; at debug, it also logs all settings in force.
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

// supervise starts the detectors and waits for their end.
func supervise(world *World, system *actor.ActorSystem, node *cluster.Node, site *site, all []*built, asked *requests, again *reloader) (err error) {
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
		told := site.tell(world, answers, all, node != nil)
		read := site.read(all)
		defer func() { err = errors.Join(err, asked.unwind([]func() error{told, read})) }()
	}
	alerted := alert(all)
	defer func() { err = errors.Join(err, asked.unwind([]func() error{alerted})) }()
	manager := newNotifier(world, site.page(), all)
	defer manager.close()
	w := &waiting{
		requests: asked, hangups: world.Hangups, reload: again.begun,
		manager: manager, results: results, running: len(all), stopAll: stopAll, others: node != nil,
	}
	return w.await()
}

// quiet passes warnings and errors only.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }
func (q quiet) WithGroup(name string) slog.Handler   { return quiet{q.Handler.WithGroup(name)} }
