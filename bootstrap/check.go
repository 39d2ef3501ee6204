package bootstrap

import (
	"fmt"
	"text/tabwriter"
)

// Run prints the settings in force and where each comes from. It touches
// nothing but the configuration files.
func (c *checkCommand) Run(world *World) error {
	world.Release()
	confs, err := loadAll(c.Confs, world)
	if err == nil {
		_, err = clusterOf(confs)
	}
	if err != nil {
		return err
	}
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
	}
	return nil
}
