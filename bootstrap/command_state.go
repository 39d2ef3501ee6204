package bootstrap

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"anomalydetector/actors"
	"anomalydetector/configs"
	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// stateCommand works on stored windows while no detector runs.
type stateCommand struct {
	Show   stateShowCommand   `cmd:"" default:"withargs" help:"Print what is stored and whether it can be used (the default)."`
	Export stateExportCommand `cmd:"" help:"Write the windows of a detector to a file."`
	Import stateImportCommand `cmd:"" help:"Replace the stored windows of a detector with those of a file."`
}

type stateShowCommand struct {
	Confs []string `arg:"" name:"conf" help:"Configuration file, or the name of a built-in one: ${builtin}."`
	JSON  bool     `name:"json" help:"Print JSON: times in Unix milliseconds, sizes in bytes."`
}

// Run prints what is stored in the data directories of the configurations.
func (c *stateShowCommand) Run(world *World) error {
	world.Release()
	confs, err := loadAll(c.Confs, world)
	if err != nil {
		return err
	}
	var all []stateDirectory
	for _, config := range confs {
		dir := config.Persistence.Dir
		if slices.ContainsFunc(all, func(d stateDirectory) bool { return d.Directory == dir }) {
			continue
		}
		directory, err := inspect(dir, confs, world)
		if err != nil {
			return err
		}
		all = append(all, directory)
	}
	if c.JSON {
		return printJSON(world.Stdout, all)
	}
	return printTables(world.Stdout, all)
}

// stateDirectory describes a data directory.
type stateDirectory struct {
	Directory  string           `json:"directory"`
	Bytes      int64            `json:"bytes"` // on disk
	Partitions []statePartition `json:"partitions"`
}

// statePartition describes a stored partition. If it cannot be read, Problem says why and the other
// fields are zero.
type statePartition struct {
	Detector   string `json:"detector"`
	Partition  int32  `json:"partition"`
	Offset     int64  `json:"offset"`
	Entities   int    `json:"entities"`
	Points     int    `json:"points"`
	Journaled  int    `json:"journal_points"`
	Chunks     int    `json:"chunks"`
	States     int    `json:"states,omitempty"` // of entities, with the method habit; their points count nowhere else
	StreamTime *int64 `json:"stream_time"`      // Unix milliseconds; null before the first point
	Bytes      int64  `json:"bytes"`            // of keys and values
	Format     int    `json:"format"`
	Usable     bool   `json:"usable"`
	Problem    string `json:"problem,omitempty"`
}

// inspect reads the summaries of a data directory.
func inspect(dir string, confs []*configs.Config, world *World) (found stateDirectory, err error) {
	store, closeState, err := openState(dir, confs, world, true)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, closeState()) }()
	found = stateDirectory{Directory: dir, Partitions: []statePartition{}}
	if found.Bytes, err = store.Size(); err != nil {
		return found, err
	}
	summaries, err := store.Summaries()
	if err != nil {
		return found, err
	}
	for _, s := range summaries {
		problem := unfit(s, dir, confs)
		p := statePartition{
			Detector: s.Detector, Partition: s.Partition, Offset: s.Head.Offset, Entities: s.Entities, Points: s.Points,
			Journaled: s.Journaled, Chunks: s.Chunks, States: s.States, Bytes: s.Bytes, Format: s.Format, Usable: problem == "", Problem: problem,
		}
		if s.Head.StreamTime > 0 {
			p.StreamTime = &s.Head.StreamTime
		}
		found.Partitions = append(found.Partitions, p)
	}
	return found, nil
}

// unfit tells why the windows of a partition cannot be used; "" if they can.
func unfit(s persistence.Summary, dir string, confs []*configs.Config) string {
	at := slices.IndexFunc(confs, func(c *configs.Config) bool { return c.Name == s.Detector && c.Persistence.Dir == dir })
	switch {
	case errors.Is(s.Err, persistence.ErrCorrupt):
		return s.Err.Error() + "; it will be rebuilt from the topic"
	case s.Err != nil:
		return s.Err.Error()
	case at < 0:
		return "no configuration of this name was given"
	case !confs[at].Persistence.Enabled:
		return "[persistence] enabled is off"
	}
	return settingsOf(confs[at]).Unfit(s.Head, messages.Identity{})
}

// settingsOf are the settings that decide whether stored windows can be used.
func settingsOf(config *configs.Config) *actors.Config {
	return &actors.Config{
		InputTopic: config.IO.InputTopic, Group: config.IO.ConsumerGroup,
		ValueField: config.IO.ValueField, KeyFields: config.IO.KeyFields,
		Habit: habitRules(config), History: memory(config),
	}
}

// memory is how long before a datapoint those are that its verdict depends on.
func memory(config *configs.Config) time.Duration {
	if habit := habitRules(config); habit != nil {
		return habit.Memory()
	}
	return history(config)
}

// history is how long a datapoint stays in the window.
func history(config *configs.Config) time.Duration {
	return time.Duration(config.Detection.HistoryHours * float64(time.Hour))
}

// binOf is the time between two datapoints of an entity.
func binOf(config *configs.Config) time.Duration {
	return time.Duration(config.IO.GranularityMinutes * float64(time.Minute))
}

// openState locks and opens a data directory. If it is only to be read, something must be stored in
// it; otherwise it is created if it is missing.
func openState(dir string, confs []*configs.Config, world *World, readOnly bool) (*persistence.Store, func() error, error) {
	if readOnly {
		there, err := persistence.HasState(dir)
		if err == nil && !there {
			err = fmt.Errorf("%w in %s: no detector has committed anything with this data directory ([persistence] dir, or DETECTOR_DATA_DIR)",
				persistence.ErrNoState, dir)
		}
		if err != nil {
			return nil, nil, err
		}
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("create data directory: %w", err)
	}
	unlock, err := persistence.Lock(dir)
	if err != nil {
		return nil, nil, err
	}
	settings := storeOptions(confs, dir)
	settings.ReadOnly, settings.Log = readOnly, slog.New(slog.NewTextHandler(world.Stderr, nil))
	store, err := persistence.OpenStore(dir, settings)
	if err != nil {
		if errors.Is(err, persistence.ErrCorrupt) && !settings.StopOnDamage {
			err = fmt.Errorf("%w (when a detector starts, it moves the damaged state aside and rebuilds the windows from the topic)", err)
		}
		return nil, nil, errors.Join(err, unlock())
	}
	return store, func() error { return errors.Join(store.Close(), unlock()) }, nil
}

// storeOptions are the largest values that the configurations of a directory ask for. If one of them
// stops on damage, all do.
func storeOptions(confs []*configs.Config, dir string) (o persistence.Options) {
	for _, config := range confs {
		if p := config.Persistence; p.Dir == dir && p.Enabled {
			o.Memory = max(o.Memory, int64(p.MemoryMB)<<20)
			o.Floor = max(o.Floor, uint64(p.FloorMB)<<20)
			o.StopOnDamage = o.StopOnDamage || p.StopOnDamage
			o.Seen = o.Seen || config.Episodes.OutputTopic != ""
		}
	}
	return o
}
