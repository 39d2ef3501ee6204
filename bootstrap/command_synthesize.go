package bootstrap

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"anomalydetector/backtest/times"
	"anomalydetector/synthetic"
	"anomalydetector/synthetic/export"
)

// synthesizeCommand writes a synthetic stream to a file, to try a backtest on.
type synthesizeCommand struct {
	Out         string        `required:"" placeholder:"FILE" help:"The file to write: .csv, .jsonl (a datapoint a line) or .golden.jsonl (a Kafka record a line), each plain or with .gz or .zst; - for stdout."`
	Labels      string        `placeholder:"FILE" help:"Also write the events to this .csv or .json file, to compare with what is found."`
	Format      string        `enum:"csv,jsonl,golden," default:"" placeholder:"FORMAT" help:"The format of the stream, instead of what the file's name says: csv, jsonl or golden."`
	Entities    int           `default:"200" help:"Number of entities (default ${default})."`
	Bins        int           `default:"1344" help:"Number of bins (default ${default}: two weeks of 15 minutes)."`
	History     int           `default:"-1" placeholder:"N" help:"How many of the first bins are free of events, to fill windows (default: 72 hours, at most half of the bins)."`
	Events      int           `default:"-1" placeholder:"N" help:"Number of events (default: one for every five entities, at most 100)."`
	Kinds       []string      `default:"shift=5,spike=5,outage=5,vanish=4,drift=3,transit-loss=1,hole=1" placeholder:"KIND[=N]" help:"Kinds of events. A kind with =N is N times as frequent as one without (default ${default}). Kinds that are too long for the bins are left out."`
	EntityKinds []string      `default:"ordinary=10,constant=2,noisy=2,sparse=2,seasonal=3,flapping=1" placeholder:"KIND[=N]" help:"Kinds of entities, in the same way (default ${default})."`
	Hard        bool          `help:"Make changes of all sizes, most of them small, in entities of all kinds. Without --hard, each shift, spike, outage and transit-loss is found with the settings of hegemonydetector.conf."`
	Seed        uint64        `default:"1" help:"Equal seeds give equal streams (default ${default})."`
	Start       string        `default:"2026-01-01" help:"The first bin: a date, or a time such as 2026-01-01T12:00:00Z (default ${default})."`
	Bin         time.Duration `default:"15m" help:"Time between two bins (default ${default})."`
	Force       bool          `help:"Replace existing files."`
}

// Run writes the stream and its labels. A file gets its name when it is complete.
func (c *synthesizeCommand) Run(world *World) error {
	began := world.Now()
	format, compression, err := c.format()
	if err != nil {
		return err
	}
	writeLabels, err := c.labels()
	if err != nil {
		return err
	}
	options, err := c.options()
	if err != nil {
		return err
	}
	for _, file := range []struct{ flag, name string }{{"--out", c.Out}, {"--labels", c.Labels}} {
		if file.name == "" || file.name == "-" {
			continue
		}
		if err := (&exportFile{path: file.name, force: c.Force}).writable(); err != nil {
			return usageError(fmt.Sprintf("%s %s: %s", file.flag, file.name, err))
		}
	}
	source, err := synthetic.New(options)
	if err != nil {
		return usageError(err.Error())
	}
	var written export.Written
	err = c.write(world, c.Out, func(out io.Writer) (err error) {
		written, err = export.Write(out, source, format, compression)
		return err
	})
	if err == nil && c.Labels != "" {
		err = c.write(world, c.Labels, func(out io.Writer) error { return writeLabels(out, source.Events()) })
	}
	if err != nil {
		return err
	}
	c.tell(world, source, written, world.Now().Sub(began))
	return nil
}

// format is how the stream is written.
func (c *synthesizeCommand) format() (export.Format, export.Compression, error) {
	_, compression := export.CompressionOf(c.Out)
	if format, known := export.ParseFormat(c.Format); known {
		return format, compression, nil
	}
	if c.Out == "-" {
		return export.CSV, export.Plain, nil
	}
	format, compression, err := export.FormatOf(c.Out)
	if err != nil {
		return format, compression, usageError("--out: " + err.Error() + "; or give --format")
	}
	return format, compression, nil
}

// labels is how the labels are written.
func (c *synthesizeCommand) labels() (func(io.Writer, []synthetic.Event) error, error) {
	switch {
	case c.Labels != "" && (c.Labels == c.Out || c.Labels != "-" && c.Out != "-" && sameFile(c.Labels, c.Out)):
		return nil, usageError("--labels: the stream goes to " + c.Out + " too: want another file")
	case c.Labels == "" || c.Labels == "-" || strings.HasSuffix(c.Labels, ".csv"):
		return export.LabelsCSV, nil
	case strings.HasSuffix(c.Labels, ".json"):
		return export.LabelsJSON, nil
	}
	return nil, usageError(fmt.Sprintf("--labels: %q: want a name that ends with .csv or .json", c.Labels))
}

func (c *synthesizeCommand) options() (o synthetic.Options, err error) {
	start, known := times.Parse([]byte(c.Start))
	if !known {
		return o, usageError(fmt.Sprintf("--start: %q: %s", c.Start, times.Wanted))
	}
	if c.Bins < 1 {
		return o, usageError(fmt.Sprintf("--bins: %d: want at least 1", c.Bins))
	}
	if c.Bin < time.Second {
		return o, usageError(fmt.Sprintf("--bin: %v: want at least 1s", c.Bin))
	}
	o = synthetic.Options{Seed: c.Seed, Entities: c.Entities, Start: time.UnixMilli(start).UTC(), Bin: c.Bin, HistoryBins: c.History, Events: c.Events, Hard: c.Hard}
	if o.HistoryBins < 0 {
		o.HistoryBins = min(c.Bins/2, int(72*time.Hour/c.Bin))
	}
	if o.LiveBins = c.Bins - o.HistoryBins; o.LiveBins < 0 {
		return o, usageError(fmt.Sprintf("--history: %d: want at most %d, the number of bins", c.History, c.Bins))
	}
	if o.EntityKinds, err = inTurn("--entity-kinds", c.EntityKinds, synthetic.ParseEntityKind, synthetic.EntityKindNames()); err != nil {
		return o, err
	}
	if o.Kinds, err = inTurn("--kinds", c.Kinds, synthetic.ParseKind, synthetic.KindNames()); err != nil {
		return o, err
	}
	if o.Events < 0 {
		o.Events = min(c.Entities/5, 100)
	}
	o.Kinds = slices.DeleteFunc(o.Kinds, func(k synthetic.Kind) bool { return k.Most(c.Bin) > o.LiveBins })
	if len(o.Kinds) == 0 && o.Events > 0 {
		return o, usageError(fmt.Sprintf("--kinds: each of %s is too long for %d bins: want more --bins, or --events 0", strings.Join(c.Kinds, ", "), o.LiveBins))
	}
	return o, nil
}

// inTurn reads words such as shift=2, and returns the kinds in turn, each as often as its word says.
func inTurn[K any](flag string, words []string, parse func(string) (K, bool), names []string) (turns []K, err error) {
	const most = 1000
	left := make([]int, len(words))
	kinds := make([]K, len(words))
	for i, word := range words {
		name, times, counted := strings.Cut(strings.TrimSpace(word), "=")
		var known bool
		if kinds[i], known = parse(name); !known {
			return nil, usageError(fmt.Sprintf("%s: %q is no kind: want %s", flag, name, strings.Join(names, ", ")))
		}
		left[i] = 1
		if counted {
			if left[i], err = strconv.Atoi(times); err != nil || left[i] < 0 || left[i] > most {
				return nil, usageError(fmt.Sprintf("%s: %q: want a number from 0 to %d behind the =", flag, word, most))
			}
		}
	}
	for round := 0; round < most; round++ {
		for i := range left {
			if round < left[i] {
				turns = append(turns, kinds[i])
			}
		}
	}
	if len(turns) == 0 {
		return nil, usageError(flag + ": want at least one kind")
	}
	return turns, nil
}

func (c *synthesizeCommand) write(world *World, name string, write func(io.Writer) error) (err error) {
	if name == "-" {
		world.Release()
		err = write(world.Stdout)
	} else {
		file := exportFile{path: name, force: c.Force, mode: 0o644, interrupts: world.Signals, release: world.Release}
		err = file.write(write)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// tell says what was written.
func (c *synthesizeCommand) tell(world *World, source *synthetic.Stream, written export.Written, took time.Duration) {
	fmt.Fprintf(world.Stderr, "wrote %s: %d datapoints of %d entities in %d bins", printable(c.Out), written.Datapoints, source.Len(), source.Bins())
	if written.Datapoints > 0 {
		fmt.Fprintf(world.Stderr, ", from %s until %s", utc(written.From), utc(written.Until))
	}
	fmt.Fprintf(world.Stderr, "; %d bytes in %.1f s\n", written.Bytes, took.Seconds())
	if c.Labels != "" {
		fmt.Fprintf(world.Stderr, "wrote %s: %s\n", printable(c.Labels), countKinds(source.Events()))
	} else {
		fmt.Fprintf(world.Stderr, "events: %s\n", countKinds(source.Events()))
	}
}

// countKinds says how many events there are of each kind.
func countKinds(events []synthetic.Event) string {
	numbers := make(map[int]bool)
	var counts [256]int
	touched := 0
	for _, e := range events {
		if e.Kind == synthetic.TransitLoss {
			touched++
		}
		if !numbers[e.Number] {
			numbers[e.Number] = true
			counts[e.Kind]++
		}
	}
	var words []string
	for kind, n := range counts {
		if n == 0 {
			continue
		}
		word := fmt.Sprintf("%d %s", n, synthetic.Kind(kind))
		if synthetic.Kind(kind) == synthetic.TransitLoss {
			word += fmt.Sprintf(" (%d entities)", touched)
		}
		words = append(words, word)
	}
	return cmp.Or(strings.Join(words, ", "), "none")
}
