package bootstrap

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"anomalydetector/backtest"
)

// at is where a row is.
func at(p backtest.Place) string { return printable(p.Input) + ":" + strconv.Itoa(p.Line) }

// print prints the result in the form that was asked for.
func (c *backtestCommand) print(world *World, r *backtest.Result) error {
	switch {
	case c.JSON:
		return printJSON(world.Stdout, viewOf(r))
	case c.CSV:
		printInput(world.Stderr, r) // the table has no room for it
		return printCSV(world.Stdout, r)
	case c.Anomalies == "-":
		printInput(world.Stderr, r)
		return nil
	}
	return printResult(world.Stdout, r)
}

const minutes = "2006-01-02 15:04"

// minute prints a time to the minute, in UTC.
func minute(ms int64) string { return time.UnixMilli(ms).UTC().Format(minutes) }

// printInput says what was read, and what was wrong with it.
func printInput(to io.Writer, r *backtest.Result) {
	if r.Partial {
		fmt.Fprintln(to, "INTERRUPTED: only a part of the input was read.")
	}
	if r.CutTraces {
		fmt.Fprintln(to, "INTERRUPTED in the second reading: all numbers are whole, and only the pictures of the report are cut.")
	}
	from := ""
	if r.Points > 0 {
		from = fmt.Sprintf(", %s to %s UTC", minute(r.From), minute(r.Until))
	}
	fmt.Fprintf(to, "%s: %d datapoints of %d entities%s; %.1f s, %s rows/s\n", printable(r.Detector), r.Points, r.Entities, from,
		r.Took.Seconds(), strconv.FormatFloat(float64(r.Rows)/max(r.Took.Seconds(), 1e-9), 'f', 0, 64))
	for _, f := range r.Faults {
		fmt.Fprintf(to, "bad rows: %d %s (%s), such as %s\n", f.Count, f.Reason, f.Explains, places(f.First))
	}
	if r.Late > 0 {
		fmt.Fprintf(to, "out of order: %d datapoints are older than one before them of the same entity, such as %s\n", r.Late, places(r.LateFirst))
	}
	for _, line := range r.AllRemarks() {
		fmt.Fprintln(to, printable(line))
	}
	for _, entity := range r.Unknown {
		fmt.Fprintf(to, "not in the input: %s\n", printable(entity))
	}
}

func places(all []backtest.Place) string {
	var texts []string
	for _, p := range all {
		texts = append(texts, at(p))
	}
	return strings.Join(texts, ", ")
}

// printResult prints the table, then what each setting is loud about.
func printResult(to io.Writer, r *backtest.Result) error {
	var out strings.Builder
	printInput(&out, r)
	out.WriteByte('\n')
	columns := columnsOf(r)
	if len(r.Settings) > shownSettings {
		columns = append(columns, scoreColumns(r)...)
	}
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	width := len("setting")
	for i := range r.Settings {
		width = max(width, len(r.Settings[i].Name))
	}
	row := func(name string, cell func(column) string) {
		fmt.Fprintf(table, "%-*s\t", width, name)
		for _, c := range columns {
			fmt.Fprint(table, cell(c), "\t")
		}
		fmt.Fprintln(table)
	}
	row("setting", func(c column) string { return c.title })
	for i := range r.Settings {
		row(printable(r.Settings[i].Name), func(c column) string { return c.value(&r.Settings[i]) })
	}
	_ = table.Flush() // to memory
	if len(r.Settings) <= shownSettings {
		for i := range r.Settings {
			printOutcome(&out, r, &r.Settings[i])
		}
		printScores(&out, r)
	} else {
		printUnjudged(&out, r)
		out.WriteString("\nFor the loudest entities and examples of each setting, use --report or --json, or try fewer settings.\n")
	}
	printMeans(&out, r)
	_, err := io.WriteString(to, out.String())
	return err
}

// shownSettings is how many settings are shown in detail, at most.
const shownSettings = 3

// shownLoud is how many loud entities the table names.
const shownLoud = 5

// printOutcome prints the loudest entities at a setting, and examples of what it adds and loses.
func printOutcome(out *strings.Builder, r *backtest.Result, o *backtest.Outcome) {
	if len(o.Loudest) == 0 {
		return
	}
	name := ""
	if len(r.Settings) > 1 {
		name = ", " + printable(o.Name)
	}
	fmt.Fprintf(out, "\nloudest entities%s\n", name)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "  entity\tanomalies\tepisodes\tworst\n")
	for _, l := range o.Loudest[:min(len(o.Loudest), shownLoud)] {
		fmt.Fprintf(table, "  %s\t%d\t%d\t%s\n", printable(l.Entity), l.Anomalies, l.Episodes, anomalyText(&l.Worst))
	}
	_ = table.Flush()
	for _, part := range []struct {
		what string
		of   backtest.Overlap
	}{{"adds", o.Adds}, {"loses", o.Loses}} {
		if len(part.of.Examples) == 0 {
			continue
		}
		fmt.Fprintf(out, "%s in %d entities, such as\n", part.what, part.of.Entities)
		for i := range part.of.Examples {
			fmt.Fprintf(table, "  %s\t%s\n", printable(part.of.Examples[i].Entity), anomalyText(&part.of.Examples[i]))
		}
		_ = table.Flush()
	}
}

func anomalyText(a *backtest.Anomaly) string {
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }
	if why := a.Sentence(number); why != "" {
		return fmt.Sprintf("%+.1f at %s: %s", a.Deviation, minute(a.At), why)
	}
	return fmt.Sprintf("%+.1f at %s: %s instead of %s", a.Deviation, minute(a.At), number(a.Value), number(a.Usual))
}

// printScores prints how well each setting fits the labels.
func printScores(out *strings.Builder, r *backtest.Result) {
	for i := range r.Settings {
		o := &r.Settings[i]
		if o.Score == nil {
			return
		}
		fmt.Fprintf(out, "\nbeside the labels, %s\n", printable(o.Name))
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "  \teach episode\teach anomaly\n")
		for _, m := range o.Score.Measures() {
			episodes, anomalies := m.Episodes, m.Anomalies
			if episodes == "" { // it does not depend on the way of counting
				episodes, anomalies = m.Anomalies, ""
			}
			fmt.Fprintf(table, "  %s\t%s\t%s\n", m.Title, episodes, anomalies)
		}
		_ = table.Flush()
	}
}

// printUnjudged prints which labels cannot be judged at any setting: a typing error in an entity must show.
func printUnjudged(out *strings.Builder, r *backtest.Result) {
	score := r.Settings[0].Score
	if score == nil {
		return
	}
	for _, m := range score.Measures() {
		if m.Name == "labels_without_entity" || m.Name == "labels_after_input" {
			fmt.Fprintf(out, "\n%s: %s\n", m.Title, m.Anomalies)
		}
	}
}

// printMeans prints what the measures and the columns mean, of those that are printed.
func printMeans(out *strings.Builder, r *backtest.Result) {
	if score := r.Settings[0].Score; score != nil {
		what := "Found, missed, false, precision, recall and F1"
		if len(r.Settings) > shownSettings {
			what = "The columns from found on"
		}
		fmt.Fprintf(out, "\n%s in the table count each episode as one report.\n", what)
		for _, m := range score.Measures() {
			if len(r.Settings) <= shownSettings || slices.Contains(inTable, m.Name) {
				fmt.Fprintf(out, "%s: %s\n", m.Title, m.Means)
			}
		}
	}
	fmt.Fprintf(out, "\nscored: the window had enough datapoints. episodes: runs of anomalies of one entity; each is one message.\n")
	if len(r.Settings) > 1 {
		fmt.Fprintf(out, "adds, loses: anomalies that only this setting reports, or only the first one (%s).\n", printable(r.Settings[0].Name))
	}
}

// inTable are the measures that the table of many settings has, and those that their definitions need.
var inTable = []string{"labels_without_entity", "labels_after_input", "found", "missed", "inside", "aftermath", "false", "false_per_day", "delay_p50_ms",
	"precision", "recall", "f1", "nab.standard"}
