package bootstrap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"anomalydetector/backtest"
	"anomalydetector/backtest/labels"
	"anomalydetector/backtest/report"
	"anomalydetector/backtest/source"
	"anomalydetector/configs"
	"anomalydetector/episode"
)

type backtestCommand struct {
	Conf    string   `arg:"" name:"conf" help:"Configuration file, or the name of a built-in one: ${builtin}."`
	Sources []string `arg:"" optional:"" name:"source" help:"Files, globs, or - for standard input: .csv, .jsonl or msgpack, plain or as .gz, .zst, .lz4, .bz2."`

	Topic topicName `placeholder:"[NAME]" help:"Read a topic instead of files: this one, or the configuration's input topic. The command joins no consumer group."`
	From  string    `placeholder:"TIME" help:"With --topic: read from this time on, such as 2026-11-01 (default: all that it holds)."`
	Until string    `placeholder:"TIME" default:"now" help:"With --topic: read up to this time (default ${default})."`

	Map     []string `placeholder:"FIELD=COLUMN" help:"The column of a field, if it has another name than the field, such as scope=originasn. May be repeated."`
	Time    string   `placeholder:"COLUMN" help:"The column with the time (default: the first of timestamp, timebin, ts, time)."`
	Format  string   `enum:"csv,jsonl,golden,msgpack," default:"" placeholder:"FORMAT" help:"The format of the files, instead of what their content shows: csv, jsonl, golden or msgpack."`
	KeyFrom string   `enum:"file," default:"" placeholder:"file" help:"file: each file holds one entity, which has the file's name."`

	Set    []string `sep:"none" placeholder:"SECTION.KEY=VALUE[,VALUE]" help:"Try other values of a setting, such as detection.threshold=3,5,8. May be repeated: every combination is tried."`
	Labels []string `placeholder:"FILE" help:"Compare with what really happened: a .csv or .json file. May be repeated."`

	JSON      bool     `name:"json" xor:"print" help:"Print JSON instead of a table."`
	CSV       bool     `name:"csv" xor:"print" help:"Print the table as CSV."`
	Anomalies string   `placeholder:"FILE" help:"Write each anomaly as a line of JSON; - for stdout, without the table."`
	Report    string   `placeholder:"FILE" help:"Write a page to open in a browser: settings side by side, the loudest entities with their bands."`
	Entity    []string `sep:"none" placeholder:"KEY" help:"With --report: show this entity too, however quiet it is. May be repeated."`

	Into   string `placeholder:"TOPIC" help:"Write the source into a topic, with its own timestamps, instead of scoring it."`
	Speed  string `default:"max" placeholder:"60x" help:"With --into: how fast, such as 60x, or max (default ${default})."`
	Append bool   `help:"With --into: also write into a topic that has records."`
}

// topicName is the value of --topic, which may be left out.
type topicName struct {
	given bool
	name  string // empty: the configuration's
}

// Decode takes the next argument unless it is a flag, or there is none.
func (t *topicName) Decode(ctx *kong.DecodeContext) error {
	t.given = true
	if next := ctx.Scan.Peek(); next.IsValue() {
		return ctx.Scan.PopValueInto("topic", &t.name)
	}
	return nil
}

// Run scores the source at all settings, and says what each would have reported.
func (c *backtestCommand) Run(world *World) (err error) {
	ctx, stop := untilSignal(world, "the end of the input")
	defer stop()
	defer func() { err = c.outcome(ctx, err) }()
	if err := c.check(); err != nil {
		return err
	}
	plan, err := withinContext(ctx, func() (backtestPlan, error) { return c.plan(world.Env) })
	if err != nil {
		return err
	}
	config, settings, events := plan.config, plan.settings, plan.events
	options, err := c.options(config)
	if err != nil {
		return err
	}
	from, err := c.open(ctx, world, config, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if c.Into != "" {
		return c.replay(ctx, world, config, from, options)
	}
	told := newReadingBar(world, from)
	run := backtest.Options{Settings: settings, Bin: settings[0].Episodes.Bin, Decoder: func() source.Decoder { return source.NewDecoder(options) },
		Told: told.rows, Named: c.Entity}
	if len(c.Labels) > 0 {
		run.Labels = labels.NewJudge(events, labels.DefaultOptions(run.Bin))
	}
	if c.Report != "" {
		run.Traces = reportTraces
	}
	result, err := c.run(ctx, world, from, options, run)
	told.clear()
	if err != nil {
		return err
	}
	result.Detector, result.ValueName, result.KeyFields, result.Labels = config.Name, config.IO.ValueField, config.IO.KeyFields, events
	if err := c.print(world, result); err != nil {
		return err
	}
	if err := c.report(world, result); err != nil {
		return err
	}
	switch {
	case result.Partial:
		return ctx.Err()
	case result.CutTraces:
		return cutBy(ctx)
	}
	if len(result.Broken) > 0 {
		return fmt.Errorf("not all could be read: %s", strings.Join(result.Broken, "; "))
	}
	return nil
}

// backtestPlan is what is read before the source.
type backtestPlan struct {
	config   *configs.Config
	settings []backtest.Setting
	events   []labels.Label
}

// plan reads the configuration and the labels.
func (c *backtestCommand) plan(env func(string) string) (p backtestPlan, err error) {
	file, err := configs.Open(c.Conf)
	if err != nil {
		return p, err
	}
	if p.config, err = file.Load(env); err != nil {
		return p, err
	}
	if p.settings, err = c.combinations(file, env); err != nil {
		return p, err
	}
	p.events, err = c.labels()
	return p, err
}

// report writes the page.
func (c *backtestCommand) report(world *World, result *backtest.Result) error {
	if c.Report == "" {
		return nil
	}
	about := report.About{Command: "anomalydetector " + strings.Join(world.Arguments, " "), Version: version(), Made: world.Now().UTC().Format(minutes) + " UTC"}
	file := exportFile{path: c.Report, force: true, mode: 0o644, release: world.Release}
	if err := file.write(func(to io.Writer) error { return report.Write(to, result, about) }); err != nil {
		return fmt.Errorf("--report %s: %w", c.Report, err)
	}
	if !c.JSON && !c.CSV && c.Anomalies != "-" {
		fmt.Fprintf(world.Stdout, "\nThe report is in %s\n", printable(c.Report))
	}
	return nil
}

// reportTraces is how many loud entities a report shows.
const reportTraces = 12

// options say how the source is read.
func (c *backtestCommand) options(config *configs.Config) (source.Options, error) {
	options, err := fileOptions(config, c.Map, c.Time, c.Format)
	options.KeyFromFile, options.Spool = c.KeyFrom == "file", c.Report != ""
	return options, err
}

// fileOptions say how files with a detector's datapoints are read, by the flags --map, --time and --format.
func fileOptions(config *configs.Config, columns []string, time, format string) (source.Options, error) {
	renamed, err := source.ParseMap(columns)
	if err != nil {
		return source.Options{}, usageError("--map: " + err.Error())
	}
	return source.Options{ValueField: config.IO.ValueField, KeyFields: config.IO.KeyFields, Map: renamed, Time: time, Format: format}, nil
}

// open finds out what the source is before anything is read of it.
func (c *backtestCommand) open(ctx context.Context, world *World, config *configs.Config, options source.Options) (source.Source, error) {
	if c.Topic.given {
		return c.openTopic(ctx, world, config, options)
	}
	from, err := source.Open(c.Sources, options)
	if err != nil {
		return nil, usageError(err.Error())
	}
	return from, nil
}

// usable refuses a result without any datapoint.
func (c *backtestCommand) usable(r *backtest.Result) error {
	if r.Points > 0 || r.Partial {
		return nil
	}
	var why []string
	for _, f := range r.Faults {
		why = append(why, fmt.Sprintf("%d rows are bad, the first at %s: %s", f.Count, at(f.First[0]), f.Explains))
	}
	why = append(why, r.Broken...)
	if len(why) == 0 {
		why = []string{"there are no rows"}
	}
	return usageError("no datapoint could be read: " + strings.Join(why, "; "))
}

// labels reads the label files.
func (c *backtestCommand) labels() (all []labels.Label, err error) {
	for _, name := range c.Labels {
		file, err := os.Open(name)
		if err != nil {
			return nil, usageError("--labels: " + err.Error())
		}
		some, err := labels.Parse(name, file)
		_ = file.Close() // it was only read
		if err != nil {
			return nil, usageError("--labels: " + err.Error())
		}
		all = append(all, some...)
	}
	return all, nil
}

// run runs the backtest, and writes its anomalies if they are asked for.
func (c *backtestCommand) run(ctx context.Context, world *World, from source.Source, options source.Options, o backtest.Options) (*backtest.Result, error) {
	switch c.Anomalies {
	case "":
		return c.score(ctx, from, o)
	case "-":
		return c.scoreInto(ctx, world.Stdout, from, options, o)
	}
	file := exportFile{path: c.Anomalies, force: true, mode: 0o644, release: world.Release}
	var result *backtest.Result
	var failed error // of the backtest, not of the file
	err := file.write(func(to io.Writer) error {
		result, failed = c.scoreInto(ctx, to, from, options, o)
		return failed
	})
	if failed == nil {
		err = c.unwritten(err)
	}
	return result, err
}

// score runs the backtest. The result has a datapoint, or is partial.
func (c *backtestCommand) score(ctx context.Context, from source.Source, o backtest.Options) (*backtest.Result, error) {
	result, err := backtest.Run(ctx, from, o)
	if err != nil {
		return nil, err
	}
	return result, c.usable(result)
}

// scoreInto is like score, and writes each anomaly as a line.
func (c *backtestCommand) scoreInto(ctx context.Context, to io.Writer, from source.Source, options source.Options, o backtest.Options) (*backtest.Result, error) {
	lines := newAnomalyLines(to, options, o.Settings)
	o.Anomaly = func(setting int, a *backtest.Anomaly, b *source.Block, r *source.Row) error {
		return c.unwritten(lines.write(setting, a, b, r))
	}
	result, err := c.score(ctx, from, o)
	return result, cmp.Or(err, c.unwritten(lines.flush()))
}

// unwritten says where anomalies could not be written.
func (c *backtestCommand) unwritten(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("--anomalies %s: %w", c.Anomalies, err)
}

// episodesOf are the rules by which a configuration's anomalies become episodes: those of the page, with every datapoint known.
func episodesOf(config *configs.Config) episode.Rules {
	rules := episode.DefaultRules(binOf(config), config.Detection.Threshold)
	rules.EveryPoint = true
	return rules
}
