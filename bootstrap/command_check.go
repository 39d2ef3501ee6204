package bootstrap

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"

	"anomalydetector/configs"
	"anomalydetector/datapoint"
	"anomalydetector/persistence"
	"anomalydetector/stream"
)

// Run prints the settings in force and where each comes from. It reads only the configuration files,
// and with --connect asks the broker. It changes nothing.
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
	all := make([]checked, 0, len(confs))
	for i, config := range confs {
		found, err := c.look(config, world)
		if err != nil {
			return err
		}
		failed = failed || found.Broker != nil && len(found.Broker.Problems) > 0
		all = append(all, found)
		if c.JSON {
			continue
		}
		if i > 0 {
			fmt.Fprintln(world.Stdout)
		}
		if err := found.print(world.Stdout); err != nil {
			return err
		}
	}
	if c.JSON {
		if err := printJSON(world.Stdout, all); err != nil {
			return err
		}
	}
	if failed {
		return errTold
	}
	return nil
}

// checked is the result for one configuration.
type checked struct {
	Name     string           `json:"name"`
	Source   string           `json:"source"`
	Settings []checkedSetting `json:"settings"`
	Log      string           `json:"log"`
	Warnings []string         `json:"warnings"`
	Broker   *checkedBroker   `json:"broker,omitempty"` // nil: not asked
}

type checkedSetting struct {
	Section string `json:"section"`
	Key     string `json:"key"`
	Value   string `json:"value"`
	Origin  string `json:"origin"`
}

type checkedBroker struct {
	Facts    []string `json:"facts"`
	Warnings []string `json:"warnings"`
	Problems []string `json:"problems"`
}

func (c *checkCommand) look(config *configs.Config, world *World) (found checked, err error) {
	found = checked{Name: config.Name, Source: config.Source, Settings: []checkedSetting{}, Warnings: []string{}}
	for _, s := range config.Settings() {
		found.Settings = append(found.Settings, checkedSetting(s))
	}
	for _, warning := range config.Warnings {
		found.Warnings = append(found.Warnings, warning.Text)
	}
	switch stdout, reason := place(config, world); {
	case !stdout:
		found.Log = "the log goes to " + config.Log.File
	case reason != "":
		found.Log = fmt.Sprintf("the log goes to standard output, not to %s: %s", config.Log.File, reason)
	default:
		found.Log = "the log goes to standard output"
	}
	if c.Connect {
		found.Broker, err = connect(config)
	}
	return found, err
}

func (c *checked) print(out io.Writer) error {
	fmt.Fprintf(out, "%s (%s)\n", c.Name, c.Source)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, s := range c.Settings {
		fmt.Fprintf(table, "  %s.%s\t%s\t%s\n", s.Section, s.Key, s.Value, s.Origin)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "  %s\n", c.Log)
	for _, warning := range c.Warnings {
		fmt.Fprintf(out, "  warning: %s\n", warning)
	}
	if c.Broker == nil {
		return nil
	}
	for _, of := range []struct {
		what  string
		lines []string
	}{{"", c.Broker.Facts}, {"warning: ", c.Broker.Warnings}, {"problem: ", c.Broker.Problems}} {
		for _, line := range of.lines {
			fmt.Fprintf(out, "  %s%s\n", of.what, lines(line))
		}
	}
	return nil
}

// connect asks the broker.
func connect(config *configs.Config) (*checkedBroker, error) {
	nobody := &home{node: &persistence.Node{ID: "check"}} // joins no group, so the id does not matter
	streams, err := streamConfig(config, nobody, slog.New(slog.DiscardHandler), Options{})
	if err != nil {
		return nil, err
	}
	found := stream.Check(context.Background(), streams, stream.Wanted{Shown: config.HTTP.Listen != "", Read: pointReader(config)})
	return &checkedBroker{append([]string{}, found.Facts...), append([]string{}, found.Warnings...), append([]string{}, found.Problems...)}, nil
}

// pointReader reads a record as the detector does, and returns its entity.
func pointReader(config *configs.Config) func(timestamp int64, payload []byte) (string, error) {
	scanner := datapoint.NewScanner(config.IO.ValueField, config.IO.KeyFields)
	return func(timestamp int64, payload []byte) (string, error) {
		point, bad := scanner.Scan(timestamp, payload)
		if bad != nil {
			return "", bad
		}
		return string(point.Key), nil
	}
}
