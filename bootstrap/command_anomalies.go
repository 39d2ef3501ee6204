package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"anomalydetector/web/answers"
	"anomalydetector/web/api"
)

type anomaliesCommand struct {
	reading
	MinDeviation float64 `placeholder:"20" help:"Only anomalies whose deviation, of either sign, is at least this large."`
	Follow       bool    `help:"Then print new anomalies until the program is ended."`
	FromKafka    bool    `help:"Read the output topic instead of asking the running process; works beside the original program, too."`
}

// anomalyReader reads committed anomalies.
type anomalyReader interface {
	Anomalies(ctx context.Context, q answers.AnomaliesQuery) (answers.List[answers.Anomaly], error)
	Follow(ctx context.Context, q answers.FollowQuery, event func(answers.Event) error) error
}

// readTopic opens the output topic. Tests replace it.
var readTopic = openTopic

// Run prints anomalies, the oldest first.
func (c *anomaliesCommand) Run(world *World) (err error) {
	world.Release()
	ctx := context.Background()
	config, filter, err := c.begin(world)
	if err != nil {
		return err
	}
	if !(c.MinDeviation >= 0) {
		return usageError("--min-deviation: want a number from 0 on")
	}
	filter.MinDeviation = c.MinDeviation
	var from anomalyReader
	switch {
	case !c.FromKafka:
		var site *siteReader
		if site, err = c.site(ctx, world, config); err == nil {
			from, err = site, c.countBack(ctx, world, site, &filter)
		}
	default:
		var end func() error
		if from, end, err = readTopic(ctx, world, config, filter.From); err == nil {
			defer func() { err = errors.Join(err, end()) }()
		}
	}
	if err != nil {
		return err
	}
	out := c.printer(world)
	if c.Follow {
		return c.follow(ctx, from, filter, out)
	}
	return c.list(ctx, from, filter, out)
}

// list prints the anomalies there are.
func (c *anomaliesCommand) list(ctx context.Context, from anomalyReader, filter answers.Filter, out *anomalyPrinter) error {
	all, err := latest(c.Limit, func(limit int, cursor string) (answers.List[answers.Anomaly], error) {
		return from.Anomalies(ctx, answers.AnomaliesQuery{Filter: filter, Limit: limit, Cursor: cursor})
	})
	if err != nil {
		return err
	}
	if len(all.Items) == 0 && !c.JSON && !c.Follow {
		none := "no anomalies"
		if !filter.From.IsZero() {
			none += " since " + filter.From.Format(time.RFC3339)
		}
		if _, err := fmt.Fprintln(out.to, none); err != nil {
			return err
		}
	}
	for i := range all.Items {
		if err := out.print(&all.Items[i]); err != nil {
			return err
		}
	}
	printPartial(out.about, all.Partial, all.Problems)
	return nil
}

// beginWait is how long the list waits for the first event of the stream, so that no anomaly falls
// between the two.
const beginWait = time.Second

// follow prints the anomalies there are and then new ones. It opens the stream before it lists: an
// anomaly that comes in between is in both, and is printed once.
func (c *anomaliesCommand) follow(ctx context.Context, from anomalyReader, filter answers.Filter, out *anomalyPrinter) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	happened, ended := make(chan answers.Event), make(chan error, 1)
	go func() {
		ended <- from.Follow(ctx, answers.FollowQuery{Filter: filter}, func(event answers.Event) error {
			select {
			case happened <- event:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	var first []answers.Event
	select {
	case event := <-happened:
		first = append(first, event)
	case err := <-ended:
		return err
	case <-time.After(beginWait):
	}
	out.seen = make(map[string]bool)
	if err := c.list(ctx, from, filter, out); err != nil {
		return err
	}
	listed := out.seen
	out.seen = nil
	show := func(event answers.Event) error {
		switch {
		case event.Gap != nil:
			return out.gap(event.Gap)
		case event.Anomaly != nil && !listed[event.Anomaly.ID]:
			return out.print(event.Anomaly)
		}
		return nil
	}
	for _, event := range first {
		if err := show(event); err != nil {
			return err
		}
	}
	for {
		select {
		case event := <-happened:
			if err := show(event); err != nil {
				return err
			}
		case err := <-ended:
			return err
		}
	}
}

// anomalyPrinter prints a line for each anomaly, under a heading.
type anomalyPrinter struct {
	to, about io.Writer // about: everything else
	json      bool
	colour    bool
	headed    bool
	seen      map[string]bool // ids of what was printed; nil: not noted
}

func (r *reading) printer(world *World) *anomalyPrinter {
	return &anomalyPrinter{to: world.Stdout, about: world.Stderr, json: r.JSON, colour: coloured(world)}
}

// coloured tells whether the output is a terminal and colour is allowed.
func coloured(world *World) bool { return world.Terminal && world.Env("NO_COLOR") == "" }

func (p *anomalyPrinter) print(a *answers.Anomaly) error {
	if p.seen != nil {
		p.seen[a.ID] = true
	}
	if p.json {
		return printLine(p.to, a)
	}
	if !p.headed {
		p.headed = true
		if _, err := fmt.Fprintf(p.to, "%-20s  %9s  %10s  %10s  %-23s  %s\n", "time", "deviation", "value", "usual", "normal", "entity"); err != nil {
			return err
		}
	}
	normal := "-"
	if a.Low != nil && a.High != nil {
		normal = rounded(a.Low, 6) + " to " + rounded(a.High, 6)
	}
	why := ""
	if a.OfMean() { // its value may well be normal
		why = "  (" + printable(a.Sentence) + ")"
	}
	deviation := paint(p.colour, a.Direction, fmt.Sprintf("%9s", rounded(a.Deviation, 4)))
	_, err := fmt.Fprintf(p.to, "%-20s  %s  %10s  %10s  %-23s  %s%s\n", a.Time.UTC().Format(time.RFC3339), deviation,
		rounded(a.Value, 6), rounded(a.Usual, 6), normal, printable(a.Entity), why)
	return err
}

func (p *anomalyPrinter) gap(gap *answers.Gap) error {
	_, err := fmt.Fprintln(p.about, lines(fmt.Sprintf("Anomalies may be missing here (%d offsets): %s", gap.Missing, gap.Reason)))
	return err
}

// printLine prints JSON as the API does, on one line, without characters that a terminal would obey.
func printLine(to io.Writer, value any) error {
	_, err := plainJSON{to}.Write(api.Encode(value))
	return err
}

// rounded prints a number for people, or a dash if there is none.
func rounded(x *float64, digits int) string {
	if x == nil {
		return "-"
	}
	return strconv.FormatFloat(*x, 'g', digits, 64)
}

// paint colours a text red for a value above the usual level, and cyan for one below.
func paint(colour bool, direction answers.Direction, text string) string {
	code := map[answers.Direction]string{answers.Up: "31", answers.Down: "36"}[direction]
	if !colour || code == "" || strings.TrimSpace(text) == "-" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
