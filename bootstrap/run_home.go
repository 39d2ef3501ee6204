package bootstrap

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"anomalydetector/configs"
	"anomalydetector/persistence"
)

// home is an open data directory: the node's id, whose file locks the directory, and the windows of
// the detectors that use it.
type home struct {
	dir   string
	node  *persistence.Node
	store *persistence.Store // nil: none of them stores windows
}

// openHome opens a data directory, with the largest values of memory and free space that its
// configurations ask for. If a signal interrupts a long opening, it returns errStopped.
func openHome(confs []*configs.Config, dir string, world *World, log *slog.Logger, options Options) (*home, error) {
	node, err := persistence.OpenNode(dir, world.Env("DETECTOR_NODE_ID"))
	if err != nil {
		return nil, dirDenied(err, dir, world)
	}
	if node.Lost != persistence.Kept {
		log.Warn("the node has a new id: its partitions wait until the session of the former id times out", "file", filepath.Join(dir, "node-id"), "problem", node.Lost, "node", node.ID)
	}
	h := &home{dir: dir, node: node}
	if !slices.ContainsFunc(confs, func(c *configs.Config) bool { return c.Persistence.Dir == dir && c.Persistence.Enabled }) {
		return h, nil
	}
	settings := storeOptions(confs, dir)
	settings.Log = log
	long := &interruption{signals: world.Signals}
	settings.Long = long.begin
	if options.Store != nil {
		options.Store(&settings)
	}
	h.store, err = persistence.OpenStore(dir, settings)
	if signal := long.end(); signal != nil {
		log.Info("stopped before anything was read", "reason", strings.ToUpper(signal.String()))
		if err == nil {
			err = h.store.Close()
		} else if errors.Is(err, persistence.ErrInterrupted) {
			err = nil
		}
		return nil, cmp.Or(errors.Join(err, node.Close()), errStopped)
	}
	if err != nil {
		return nil, errors.Join(dirDenied(err, dir, world), node.Close())
	}
	return h, nil
}

// errStopped is returned if a signal came while the directory was opened, and nothing failed.
var errStopped = errors.New("stopped by a signal")

// interruption reads signals while stored windows are verified. Nothing else does before the detectors
// run.
type interruption struct {
	signals <-chan os.Signal
	over    chan struct{}  // nil: begin was not called
	came    chan os.Signal // gets the signal, or nil
}

func (i *interruption) begin() <-chan struct{} {
	interrupted := make(chan struct{})
	i.over, i.came = make(chan struct{}), make(chan os.Signal, 1)
	go func(over <-chan struct{}, came chan<- os.Signal) {
		select {
		case s := <-i.signals:
			close(interrupted)
			came <- s
		case <-over:
			came <- nil
		}
	}(i.over, i.came)
	return interrupted
}

// end returns the signal that came; nil if none did.
func (i *interruption) end() os.Signal {
	if i.over == nil {
		return nil
	}
	close(i.over)
	i.over = nil
	return <-i.came
}

// closeWithin bounds the closing of a database. A disk that hangs must not keep the process: the next start reads from
// Kafka what the database lacks.
const closeWithin = 20 * time.Second

func (h *home) close() error {
	if h.store == nil {
		return h.node.Close()
	}
	closed := make(chan error, 1)
	go func() { closed <- h.store.Close() }()
	select {
	case err := <-closed:
		return errors.Join(err, h.node.Close())
	case <-time.After(closeWithin):
		return fmt.Errorf("close data directory %s: not closed within %s, because a write hangs; the process ends anyway, and the next start replays what is not stored", h.dir, closeWithin)
	}
}
