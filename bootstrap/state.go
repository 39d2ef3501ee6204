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

// stateCommand is what can be done with stored state while no detector runs.
type stateCommand struct {
	Show   stateShowCommand   `cmd:"" default:"withargs" help:"Print what is stored, and whether it can be used (the default)."`
	Export stateExportCommand `cmd:"" help:"Write the windows of a detector to a file."`
	Import stateImportCommand `cmd:"" help:"Take the windows of a detector from a file, instead of those that are stored."`
}

type stateShowCommand struct {
	Confs []string `arg:"" name:"conf" help:"Configuration file, or one that is built in: ${builtin}."`
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

// stateDirectory is what there is to say of a data directory.
type stateDirectory struct {
	Directory  string           `json:"directory"`
	Bytes      int64            `json:"bytes"` // on disk
	Partitions []statePartition `json:"partitions"`
}

// statePartition is what there is to say of a partition. Of one that cannot be
// read, Problem says why, and there is no more.
type statePartition struct {
	Detector   string `json:"detector"`
	Partition  int32  `json:"partition"`
	Offset     int64  `json:"offset"`
	Entities   int    `json:"entities"`
	Points     int    `json:"points"`
	Journaled  int    `json:"journal_points"`
	Chunks     int    `json:"chunks"`
	StreamTime *int64 `json:"stream_time"` // Unix milliseconds; null before the first point
	Bytes      int64  `json:"bytes"`       // of keys and values
	Format     int    `json:"format"`
	Usable     bool   `json:"usable"`
	Problem    string `json:"problem,omitempty"`
}

// inspect looks at a directory.
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
			Journaled: s.Journaled, Chunks: s.Chunks, Bytes: s.Bytes, Format: s.Format, Usable: problem == "", Problem: problem,
		}
		if s.Head.StreamTime > 0 {
			p.StreamTime = &s.Head.StreamTime
		}
		found.Partitions = append(found.Partitions, p)
	}
	return found, nil
}

// unfit tells why a partition's state cannot be used, "" if it can.
func unfit(s persistence.Summary, dir string, confs []*configs.Config) string {
	at := slices.IndexFunc(confs, func(c *configs.Config) bool { return c.Name == s.Detector && c.Persistence.Dir == dir })
	switch {
	case errors.Is(s.Err, persistence.ErrCorrupt):
		return s.Err.Error() + "; it will be rebuilt from the topic"
	case s.Err != nil:
		return s.Err.Error()
	case at < 0:
		return "no configuration of that name is given"
	case !confs[at].Persistence.Enabled:
		return "[persistence] enabled is off"
	}
	return settingsOf(confs[at]).Unfit(s.Head, messages.Identity{})
}

// settingsOf are those that decide whether stored windows can be used.
func settingsOf(config *configs.Config) *actors.Config {
	return &actors.Config{
		InputTopic: config.IO.InputTopic, Group: config.IO.ConsumerGroup,
		ValueField: config.IO.ValueField, KeyFields: config.IO.KeyFields, History: history(config),
	}
}

func history(config *configs.Config) time.Duration {
	return time.Duration(config.Detection.HistoryHours * float64(time.Hour))
}

// openState takes a data directory in which something is stored, or, if it is
// not only to be read, in which something will be.
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
			err = fmt.Errorf("%w (a detector that starts moves it aside and rebuilds the windows from the topic)", err)
		}
		return nil, nil, errors.Join(err, unlock())
	}
	return store, func() error { return errors.Join(store.Close(), unlock()) }, nil
}

// storeOptions are the largest of what configurations of a directory ask for; if one of
// them wants to stop on damage, all do.
func storeOptions(confs []*configs.Config, dir string) (o persistence.Options) {
	for _, config := range confs {
		if p := config.Persistence; p.Dir == dir && p.Enabled {
			o.Memory = max(o.Memory, int64(p.MemoryMB)<<20)
			o.Floor = max(o.Floor, uint64(p.FloorMB)<<20)
			o.StopOnDamage = o.StopOnDamage || p.StopOnDamage
		}
	}
	return o
}
