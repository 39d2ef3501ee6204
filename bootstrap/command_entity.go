package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"text/tabwriter"
	"time"

	"anomalydetector/configs"
	"anomalydetector/web/answers"
)

// mostOfEntity is how many of the latest anomalies of an entity are printed.
const mostOfEntity = 10

// reasonWords are the words for the verdict on an entity's last point.
var reasonWords = map[string]string{
	"normal": "Normal", "anomalous": "Anomalous", "too_few_points": "Too few points", "silent": "Silent", "unknown": "No window is known",
}

// tell prints what the API says about an entity. The API knows more than nodes tell each other: the
// verdict, anomalies and episodes. It returns false while the API cannot answer.
func (c *entityCommand) tell(ctx context.Context, world *World, config *configs.Config) (told bool, err error) {
	found, err := c.reader(c.Node).Entity(ctx, config.Name, c.Key)
	var problem *answers.Problem
	switch {
	case errors.As(err, &problem) && problem.Status == http.StatusServiceUnavailable:
		return false, nil
	case errors.As(err, &problem) && problem.Status == http.StatusNotFound && problem.Parameter == "key":
		return true, c.nothingKnown(config, problem.Similar)
	case err != nil:
		return true, err
	}
	return true, printVerdict(world.Stdout, &found, c.Window, coloured(world))
}

// reader reads the API at an address.
func (a *asking) reader(address string) *siteReader {
	return &siteReader{address: address, timeout: min(a.Timeout, mostReading)}
}

// printVerdict prints the verdict first, then the numbers that it follows from.
func printVerdict(out io.Writer, e *answers.Entity, window, colour bool) error {
	reason := reasonWords[e.Reason]
	if reason == "" {
		reason = e.Reason
	}
	printf(out, "%s. %s\n\n", reason, e.Verdict)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	printf(table, "entity\t%s\n", e.Key)
	if e.Partition != nil && e.Input != nil {
		printf(table, "partition\t%d, %s on node %s, as of offset %d\n", *e.Partition, e.Phase, e.Node, e.Input.Offset)
	}
	printf(table, "points\t%d of %d (coverage %.0f %%); %d are needed\n", e.Points, e.Full, 100*e.Coverage, e.Needed)
	if e.Last != nil {
		printf(table, "last point\t%s at %s\n", number(&e.Last.Value), e.Last.Time.UTC().Format(time.RFC3339))
		printf(table, "its deviation\t%s\n", number(e.Last.Deviation))
	}
	if e.Method == answers.Habit {
		if last := e.Last; last != nil {
			printHabit(table, &judged{last.Expected, last.Low, last.High, last.Mean, last.UsualMean}, &next{e.NextAt, e.Median, e.Scale, e.Low, e.High})
		}
	} else {
		printf(table, "median\t%s\n", number(e.Median))
		printf(table, "scale\t%s\n", number(e.Scale))
		printf(table, "normal from, to\t%s, %s\n", number(e.Low), number(e.High))
	}
	for i := range e.Episodes {
		if episode := &e.Episodes[i]; episode.State == answers.Open {
			name, value := openEpisode(episode)
			printf(table, "%s\t%s\n", name, value)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if window {
		for i, point := range e.Window {
			if i == 0 {
				fmt.Fprintln(out, "\nwindow")
			}
			printf(out, "%s  %s%s\n", point.Time.UTC().Format("2006-01-02T15:04:05.000Z"), number(&point.Value), expectation(point.Expected, point.Low, point.High, point.Exact))
		}
	}
	if err := printEnded(out, e.Episodes); err != nil {
		return err
	}
	if err := printLatest(out, e.Anomalies, colour); err != nil {
		return err
	}
	printPartial(out, e.Partial, e.Problems)
	return nil
}

// openEpisode is a line about an open episode.
func openEpisode(e *answers.Episode) (name, value string) {
	since := e.OpenedAt.UTC().Format(time.RFC3339)
	if kindOf(e) == answers.Absence {
		return "absent", "since " + since
	}
	value = fmt.Sprintf("since %s; anomalies: %d; peak: deviation %s at %s", since, e.Points, rounded(e.Deviation, 4), e.PeakAt.UTC().Format(time.RFC3339))
	if e.Reopened > 0 {
		value += fmt.Sprintf("; reopened: %d", e.Reopened)
	}
	return "open episode", value
}

// printEnded prints the latest ended episodes of an entity, the oldest of them first.
func printEnded(out io.Writer, episodes []answers.Episode) error {
	var ended []*answers.Episode
	for i := range episodes {
		if e := &episodes[i]; e.State == answers.Ended && e.EndedAt != nil && len(ended) < mostOfEntity {
			ended = append(ended, e)
		}
	}
	if len(ended) == 0 {
		return nil
	}
	fmt.Fprintln(out, "\nlatest ended episodes")
	slices.Reverse(ended)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, e := range ended {
		printf(table, "%s\t%s\tfrom %s\tto %s\tpoints: %d\treopened: %d\n", kindOf(e), stateOf(e), e.OpenedAt.UTC().Format(time.RFC3339),
			e.EndedAt.UTC().Format(time.RFC3339), e.Points, e.Reopened)
	}
	return table.Flush()
}

// printLatest prints the latest anomalies of an entity, the oldest of them first.
func printLatest(out io.Writer, anomalies []answers.Anomaly, colour bool) error {
	if len(anomalies) == 0 {
		_, err := fmt.Fprintln(out, "\nno anomalies")
		return err
	}
	shown := slices.Clone(anomalies[:min(len(anomalies), mostOfEntity)])
	slices.Reverse(shown)
	fmt.Fprintln(out, "\nlatest anomalies")
	printer := &anomalyPrinter{to: out, about: out, colour: colour}
	for i := range shown {
		if err := printer.print(&shown[i]); err != nil {
			return err
		}
	}
	return nil
}
