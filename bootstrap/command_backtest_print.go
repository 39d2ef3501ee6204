package bootstrap

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
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
		encoder := json.NewEncoder(world.Stdout)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(viewOf(r))
	case c.CSV:
		return printCSV(world.Stdout, r)
	case c.Anomalies == "-":
		printInput(world.Stderr, r)
		return nil
	}
	return printResult(world.Stdout, r)
}

// column is a column of the table: one number of a setting.
type column struct {
	title, name string // for people; for programs
	value       func(*backtest.Outcome) string
}

func columnsOf(r *backtest.Result) []column {
	whole := func(value func(*backtest.Outcome) int64) func(*backtest.Outcome) string {
		return func(o *backtest.Outcome) string { return strconv.FormatInt(value(o), 10) }
	}
	all := []column{
		{"scored", "scored", whole(func(o *backtest.Outcome) int64 { return o.Scored })},
		{"anomalies", "anomalies", whole(func(o *backtest.Outcome) int64 { return o.Anomalies })},
		{"episodes", "episodes", whole(func(o *backtest.Outcome) int64 { return o.Episodes })},
		{"entities", "entities", whole(func(o *backtest.Outcome) int64 { return int64(o.Entities) })},
		{"messages a day", "messages_per_day", func(o *backtest.Outcome) string { return strconv.FormatFloat(o.PerDay, 'f', 1, 64) }},
	}
	if len(r.Settings) > 1 {
		all = append(all,
			column{"adds", "adds", whole(func(o *backtest.Outcome) int64 { return o.Adds.Anomalies })},
			column{"loses", "loses", whole(func(o *backtest.Outcome) int64 { return o.Loses.Anomalies })})
	}
	if r.Settings[0].Score == nil {
		return all
	}
	share := func(value func(*backtest.Outcome) *float64) func(*backtest.Outcome) string {
		return func(o *backtest.Outcome) string {
			if v := value(o); v != nil {
				return strconv.FormatFloat(*v, 'f', 3, 64)
			}
			return "-"
		}
	}
	return append(all,
		column{"found", "found", whole(func(o *backtest.Outcome) int64 { return int64(o.Score.Episodes.Found) })},
		column{"missed", "missed", whole(func(o *backtest.Outcome) int64 { return int64(o.Score.Episodes.Missed) })},
		column{"false a day", "false_per_day", share(func(o *backtest.Outcome) *float64 { return o.Score.Episodes.FalsePerDay })},
		column{"precision", "precision", share(func(o *backtest.Outcome) *float64 { return o.Score.Episodes.Precision })},
		column{"recall", "recall", share(func(o *backtest.Outcome) *float64 { return o.Score.Episodes.Recall })},
		column{"F1", "f1", share(func(o *backtest.Outcome) *float64 { return o.Score.Episodes.F1 })})
}

func printCSV(to io.Writer, r *backtest.Result) error {
	rows, columns := csv.NewWriter(to), columnsOf(r)
	head := []string{"setting"}
	for _, c := range columns {
		head = append(head, c.name)
	}
	_ = rows.Write(head) // Error has it
	for i := range r.Settings {
		row := []string{r.Settings[i].Name}
		for _, c := range columns {
			row = append(row, c.value(&r.Settings[i]))
		}
		_ = rows.Write(row)
	}
	rows.Flush()
	return rows.Error()
}

const minutes = "2006-01-02 15:04"

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
		from = fmt.Sprintf(", %s to %s UTC", time.UnixMilli(r.From).UTC().Format(minutes), time.UnixMilli(r.Until).UTC().Format(minutes))
	}
	fmt.Fprintf(to, "%s: %d datapoints of %d entities%s; %.1f s, %s rows/s\n", printable(r.Detector), r.Points, r.Entities, from,
		r.Took.Seconds(), strconv.FormatFloat(float64(r.Rows)/max(r.Took.Seconds(), 1e-9), 'f', 0, 64))
	for _, f := range r.Faults {
		fmt.Fprintf(to, "bad rows: %d %s (%s), such as %s\n", f.Count, f.Reason, f.Explains, places(f.First))
	}
	if r.Late > 0 {
		fmt.Fprintf(to, "out of order: %d datapoints are older than one before them of the same entity, such as %s\n", r.Late, places(r.LateFirst))
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

// printOutcome prints who is loud at a setting, and examples of what it adds and loses.
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
	return fmt.Sprintf("%+.1f at %s: %s instead of %s", a.Deviation, time.UnixMilli(a.At).UTC().Format(minutes),
		strconv.FormatFloat(a.Value, 'g', 4, 64), strconv.FormatFloat(a.Usual, 'g', 4, 64))
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

// printMeans prints what the measures and the columns mean.
func printMeans(out *strings.Builder, r *backtest.Result) {
	if r.Settings[0].Score != nil {
		out.WriteString("\nFound, missed, false, precision, recall and F1 in the table count each episode as one report.\n")
		for _, m := range r.Settings[0].Score.Measures() {
			fmt.Fprintf(out, "%s: %s\n", m.Title, m.Means)
		}
	}
	fmt.Fprintf(out, "\nscored: the window had enough datapoints. episodes: runs of anomalies of one entity; each is one message.\n")
	if len(r.Settings) > 1 {
		fmt.Fprintf(out, "adds, loses: anomalies that only this setting reports, or only the first one (%s).\n", printable(r.Settings[0].Name))
	}
}
