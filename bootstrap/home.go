package bootstrap

import (
	"cmp"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"anomalydetector/configs"
	"anomalydetector/persistence"
)

// home is a data directory with what is in it: the node's id, which locks it,
// and the state of the detectors that use it.
type home struct {
	node  *persistence.Node
	store *persistence.Store // nil if none of them stores anything
}

// openHome opens the data directory that some of the configurations share, with
// the largest of the memory and the free space they ask for. A signal meanwhile ends it
// with errStopped.
func openHome(confs []*configs.Config, dir string, world *World, log *slog.Logger, options Options) (*home, error) {
	node, err := persistence.OpenNode(dir, world.Env("DETECTOR_NODE_ID"))
	if err != nil {
		return nil, err
	}
	if node.Lost != persistence.Kept {
		log.Warn("the node has a new id: the broker waits for the node of before until its session is over", "file", filepath.Join(dir, "node-id"), "problem", node.Lost, "node", node.ID)
	}
	h := &home{node: node}
	if !slices.ContainsFunc(confs, func(c *configs.Config) bool { return c.Persistence.Dir == dir && c.Persistence.Enabled }) {
		return h, nil
	}
	settings := storeOptions(confs, dir)
	settings.Log = log
	interrupted, ended := interruption(world)
	settings.Interrupted = interrupted
	if options.Store != nil {
		options.Store(&settings)
	}
	h.store, err = persistence.OpenStore(dir, settings)
	if signal := ended(); signal != nil {
		log.Info("stopped before anything was read", "reason", strings.ToUpper(signal.String()))
		if err == nil {
			err = h.store.Close()
		} else if errors.Is(err, persistence.ErrInterrupted) {
			err = nil
		}
		return nil, cmp.Or(errors.Join(err, node.Close()), errStopped)
	}
	if err != nil {
		return nil, errors.Join(err, node.Close())
	}
	return h, nil
}

// errStopped is returned if a signal came while the state was opened, and nothing failed.
var errStopped = errors.New("stopped by a signal")

// interruption has a signal close a channel until it is ended, which returns the signal,
// or nil if none came.
func interruption(world *World) (interrupted <-chan struct{}, end func() os.Signal) {
	closed, over, came := make(chan struct{}), make(chan struct{}), make(chan os.Signal, 1)
	go func() {
		select {
		case s := <-world.Signals:
			close(closed)
			came <- s
		case <-over:
			came <- nil
		}
	}()
	return closed, func() os.Signal {
		close(over)
		return <-came
	}
}

func (h *home) close() error {
	var err error
	if h.store != nil {
		err = h.store.Close()
	}
	return errors.Join(err, h.node.Close())
}
