package bootstrap

import (
	"errors"
	"log/slog"
	"path/filepath"
	"slices"

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
// the largest of the memory and the free space they ask for.
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
	if options.Store != nil {
		options.Store(&settings)
	}
	if h.store, err = persistence.OpenStore(dir, settings); err != nil {
		return nil, errors.Join(err, node.Close())
	}
	return h, nil
}

func (h *home) close() error {
	var err error
	if h.store != nil {
		err = h.store.Close()
	}
	return errors.Join(err, h.node.Close())
}
