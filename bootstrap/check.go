package bootstrap

import (
	"context"
	"fmt"
	"log/slog"
	"text/tabwriter"

	"anomalydetector/configs"
	"anomalydetector/persistence"
	"anomalydetector/stream"
)

// Run prints the settings in force and where each comes from. It touches
// nothing but the configuration files, and the broker if that is wanted.
func (c *checkCommand) Run(world *World) error {
	world.Release()
	confs, err := loadAll(c.Confs, world)
	if err == nil {
		_, err = clusterOf(confs)
	}
	if err != nil {
		return err
	}
	failed := false
	for i, config := range confs {
		if i > 0 {
			fmt.Fprintln(world.Stdout)
		}
		fmt.Fprintf(world.Stdout, "%s (%s)\n", config.Name, config.Source)
		table := tabwriter.NewWriter(world.Stdout, 0, 0, 2, ' ', 0)
		for _, setting := range config.Settings() {
			fmt.Fprintf(table, "  %s.%s\t%s\t%s\n", setting.Section, setting.Key, setting.Value, setting.Origin)
		}
		if err := table.Flush(); err != nil {
			return err
		}
		stdout, reason := place(config, world)
		switch {
		case !stdout:
			fmt.Fprintf(world.Stdout, "  the log goes to %s\n", config.Log.File)
		case reason != "":
			fmt.Fprintf(world.Stdout, "  the log goes to standard output, not to %s: %s\n", config.Log.File, reason)
		default:
			fmt.Fprintln(world.Stdout, "  the log goes to standard output")
		}
		for _, warning := range config.Warnings {
			fmt.Fprintf(world.Stdout, "  warning: %s\n", warning.Text)
		}
		if !c.Connect {
			continue
		}
		works, err := connect(config, world)
		if err != nil {
			return err
		}
		failed = failed || !works
	}
	if failed {
		return errTold
	}
	return nil
}

// connect prints what the broker says, and tells whether a detector could work.
func connect(config *configs.Config, world *World) (works bool, err error) {
	nobody := &home{node: &persistence.Node{ID: "check"}} // joins no group
	streams, err := streamConfig(config, nobody, slog.New(slog.DiscardHandler), Options{})
	if err != nil {
		return false, err
	}
	found := stream.Check(context.Background(), streams)
	for _, of := range []struct {
		what  string
		lines []string
	}{{"", found.Facts}, {"warning: ", found.Warnings}, {"problem: ", found.Problems}} {
		for _, line := range of.lines {
			fmt.Fprintf(world.Stdout, "  %s%s\n", of.what, lines(line))
		}
	}
	return len(found.Problems) == 0, nil
}
