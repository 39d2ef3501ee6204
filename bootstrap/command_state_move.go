package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"anomalydetector/configs"
	"anomalydetector/messages"
	"anomalydetector/persistence"
)

type stateExportCommand struct {
	Conf      string  `arg:"" name:"conf" help:"Configuration file, or the name of a built-in one: ${builtin}."`
	File      string  `arg:"" name:"file" help:"The file to write; - for stdout. A device or a FIFO is written directly."`
	Partition []int32 `help:"Only this partition. May be repeated."`
	Force     bool    `help:"Replace an existing file."`
}

// Run writes an archive. The file gets its name when it is complete.
func (c *stateExportCommand) Run(world *World) (err error) {
	confs, err := loadAll([]string{c.Conf}, world)
	if err != nil {
		return err
	}
	config := confs[0]
	store, closeState, err := openState(config.Persistence.Dir, confs, world, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeState()) }()
	numbers, err := c.numbers(store, config.Name)
	if err != nil {
		return err
	}
	var written []persistence.Snapshot
	write := func(out io.Writer) (err error) {
		written, err = store.WriteArchive(out, config.Name, numbers)
		return err
	}
	if c.File == "-" {
		world.Release()
		err = write(world.Stdout)
	} else {
		file := exportFile{path: c.File, force: c.Force, interrupts: world.Signals, release: world.Release}
		err = file.write(write)
	}
	if err != nil {
		return fmt.Errorf("export to %s: %w", c.File, err)
	}
	tellMoved(world, "exported", written)
	return nil
}

// numbers are the partitions to export.
func (c *stateExportCommand) numbers(store *persistence.Store, detector string) ([]int32, error) {
	stored, err := store.Numbers(detector)
	switch {
	case err != nil:
		return nil, err
	case len(stored) == 0:
		return nil, fmt.Errorf("nothing is stored for the detector %s", detector)
	case len(c.Partition) == 0:
		return stored, nil
	}
	for _, number := range c.Partition {
		if !slices.Contains(stored, number) {
			return nil, fmt.Errorf("nothing is stored for partition %d; stored are %s", number, list(stored))
		}
	}
	slices.Sort(c.Partition)
	return slices.Compact(c.Partition), nil
}

func list(numbers []int32) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(numbers), " ", ", "), "[]")
}

type stateImportCommand struct {
	Conf      string   `arg:"" name:"conf" help:"Configuration file, or the name of a built-in one: ${builtin}."`
	File      string   `arg:"" name:"file" help:"The file to read; - for stdin. With --csv: a file of datapoints."`
	More      []string `arg:"" optional:"" name:"more" help:"With --csv: further files, in the order of time."`
	Partition []int32  `help:"Only this partition. May be repeated."`
	CSV       bool     `name:"csv" help:"Fill the windows of a new deployment from files of old datapoints. The files must go on beyond the topic's first record."`
	Map       []string `placeholder:"FIELD=COLUMN" help:"With --csv: the column of a field, if it has another name than the field, such as scope=originasn. May be repeated."`
	Time      string   `placeholder:"COLUMN" help:"With --csv: the column with the time (default: the first of timestamp, timebin, ts, time)."`
	Format    string   `enum:"golden,jsonl,csv,msgpack," default:"" placeholder:"FORMAT" help:"With --csv: the format of the files, instead of what their content shows: csv, jsonl, golden or msgpack."`
}

// Run imports all wanted partitions of an archive, or none if one of them fails.
func (c *stateImportCommand) Run(world *World) (err error) {
	ctx := context.Background()
	if c.CSV {
		var stop func()
		ctx, stop = untilSignal(world, "the windows were stored; nothing is stored")
		defer stop()
		defer func() {
			if err != nil && errors.Is(err, ctx.Err()) {
				err = context.Cause(ctx)
			}
		}()
	} else {
		world.Release()
	}
	confs, err := withinContext(ctx, func() ([]*configs.Config, error) { return loadAll([]string{c.Conf}, world) })
	if err != nil {
		return err
	}
	config := confs[0]
	if !config.Persistence.Enabled {
		return &configs.Error{File: config.Source, Section: "persistence", Key: "enabled", Problem: "it is off, so no detector would use what is imported",
			Expected: "want yes for an import"}
	}
	if c.CSV {
		return c.fill(ctx, world, confs)
	}
	if len(c.More) > 0 || len(c.Map) > 0 || c.Time != "" || c.Format != "" {
		return usageError("several files, --map, --time and --format are for --csv")
	}
	in := os.Stdin
	if c.File != "-" {
		if in, err = os.Open(c.File); err != nil {
			return err
		}
		defer in.Close()
	}
	store, closeState, err := openState(config.Persistence.Dir, confs, world, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeState()) }()
	settings := settingsOf(config)
	wanted := func(number int32) bool { return len(c.Partition) == 0 || slices.Contains(c.Partition, number) }
	imports, err := store.ReadArchive(in, wanted, persistence.Check{State: settings.CheckState, Head: func(s persistence.Snapshot) error {
		if reason := settings.Unfit(s.Head, messages.Identity{}); reason != "" {
			return fmt.Errorf("the windows in it cannot be used with %s: %s", config.Source, reason)
		}
		return nil
	}})
	if err != nil {
		return fmt.Errorf("import %s: %w; the stored windows are unchanged", c.File, err)
	}
	var taken []persistence.Snapshot
	var numbers []int32
	for _, one := range imports {
		taken, numbers = append(taken, one.Snapshot), append(numbers, one.Partition)
	}
	for _, number := range c.Partition {
		if !slices.Contains(numbers, number) {
			store.Drop(imports...)
			return fmt.Errorf("import %s: partition %d is not in it; the stored windows are unchanged", c.File, number)
		}
	}
	if err := store.Adopt(config.Name, imports...); err != nil {
		return fmt.Errorf("import %s: %w; the stored windows are unchanged", c.File, err)
	}
	tellMoved(world, "imported", taken)
	return nil
}

// fill fills the windows from old datapoints.
func (c *stateImportCommand) fill(ctx context.Context, world *World, confs []*configs.Config) (err error) {
	config := confs[0]
	if len(c.Partition) > 0 {
		return usageError("--partition: the topic says which partition an entity is in; want none with --csv")
	}
	options, err := fileOptions(config, c.Map, c.Time, c.Format)
	if err != nil {
		return err
	}
	store, closeState, err := openState(config.Persistence.Dir, confs, world, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeState()) }()
	a := &archiveImport{config: config, world: world, options: options, files: append([]string{c.File}, c.More...)}
	if err := a.run(ctx, store); err != nil {
		var usage usageError
		if errors.As(err, &usage) {
			return err
		}
		return fmt.Errorf("import an archive: %w; nothing is stored", err)
	}
	return nil
}

// tellMoved prints to stderr because stdout may be the archive.
func tellMoved(world *World, what string, snapshots []persistence.Snapshot) {
	for _, s := range snapshots {
		fmt.Fprintf(world.Stderr, "%s partition %d up to offset %d: %d entities, %d points\n", what, s.Partition, s.Head.Offset, s.Entities, s.Points)
	}
}
