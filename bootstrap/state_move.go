package bootstrap

import (
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
	Conf      string  `arg:"" name:"conf" help:"Configuration file, or one that is built in: ${builtin}."`
	File      string  `arg:"" name:"file" help:"The file to write; - for stdout. A device or a FIFO is written through."`
	Partition []int32 `help:"Only this partition; may be given several times."`
	Force     bool    `help:"Replace the file if it is there already."`
}

// Run writes an archive. A file appears under its name when it is complete.
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
		return nil, fmt.Errorf("nothing is stored of the detector %s", detector)
	case len(c.Partition) == 0:
		return stored, nil
	}
	for _, number := range c.Partition {
		if !slices.Contains(stored, number) {
			return nil, fmt.Errorf("nothing is stored of partition %d; there is %s", number, list(stored))
		}
	}
	slices.Sort(c.Partition)
	return slices.Compact(c.Partition), nil
}

func list(numbers []int32) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(numbers), " ", ", "), "[]")
}

type stateImportCommand struct {
	Conf      string  `arg:"" name:"conf" help:"Configuration file, or one that is built in: ${builtin}."`
	File      string  `arg:"" name:"file" help:"The file to read; - for stdin."`
	Partition []int32 `help:"Only this partition; may be given several times."`
}

// Run imports all partitions of an archive that are wanted, or none.
func (c *stateImportCommand) Run(world *World) (err error) {
	world.Release()
	confs, err := loadAll([]string{c.Conf}, world)
	if err != nil {
		return err
	}
	config := confs[0]
	if !config.Persistence.Enabled {
		return &configs.Error{File: config.Source, Section: "persistence", Key: "enabled", Problem: "it is off, so that nothing that is stored is used",
			Expected: "want yes for an import"}
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
	imports, err := store.ReadArchive(in, wanted, func(s persistence.Snapshot) error {
		if reason := settings.Unfit(s.Head, messages.Identity{}); reason != "" {
			return fmt.Errorf("the windows in it cannot be used with %s: %s", config.Source, reason)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("import %s: %w; what is stored is as it was", c.File, err)
	}
	var taken []persistence.Snapshot
	var numbers []int32
	for _, one := range imports {
		taken, numbers = append(taken, one.Snapshot), append(numbers, one.Partition)
	}
	for _, number := range c.Partition {
		if !slices.Contains(numbers, number) {
			store.Drop(imports...)
			return fmt.Errorf("import %s: partition %d is not in it; what is stored is as it was", c.File, number)
		}
	}
	if err := store.Adopt(config.Name, imports...); err != nil {
		return fmt.Errorf("import %s: %w; what is stored is as it was", c.File, err)
	}
	tellMoved(world, "imported", taken)
	return nil
}

// tellMoved goes to stderr, for stdout may be the archive.
func tellMoved(world *World, what string, snapshots []persistence.Snapshot) {
	for _, s := range snapshots {
		fmt.Fprintf(world.Stderr, "%s partition %d up to offset %d: %d entities, %d points\n", what, s.Partition, s.Head.Offset, s.Entities, s.Points)
	}
}
