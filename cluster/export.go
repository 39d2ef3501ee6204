package cluster

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"anomalydetector/actors"
	"anomalydetector/persistence"
)

const (
	exportsAtOnce  = 2                // exports that may run at the same time
	exportPatience = 3 * time.Second  // to wait for one of them to end; fetchFrom waits for 5 s
	exportAtMost   = 10 * time.Minute // for all windows of a partition
)

var (
	errNoStore   = errors.New("this node stores no windows")
	errNotWanted = errors.New("the windows here are not wanted")
)

// partitionOf reads which partition of which detector a request is about.
func (n *Node) partitionOf(r *http.Request) (*GroupWatcher, int32, error) {
	w, err := n.watcher(r.FormValue("detector"))
	if err != nil {
		return nil, 0, err
	}
	partition, err := strconv.ParseInt(r.FormValue("partition"), 10, 32)
	if err != nil || partition < 0 {
		return nil, 0, fmt.Errorf("partition is %q, want its number", r.FormValue("partition"))
	}
	if w.store == nil {
		return nil, 0, errNoStore
	}
	return w, int32(partition), nil
}

func (n *Node) serveOffset(out http.ResponseWriter, r *http.Request) {
	w, partition, err := n.partitionOf(r)
	if err != nil {
		http.Error(out, err.Error(), http.StatusNotFound)
		return
	}
	head, stored, err := w.store.Stored(w.name, partition)
	switch {
	case err != nil:
		http.Error(out, err.Error(), http.StatusInternalServerError)
	case !stored:
		http.Error(out, persistence.ErrNotStored.Error(), http.StatusNotFound)
	default:
		answer(out, head.Offset)
	}
}

// serveWindows streams a snapshot, as fast as the other node takes it. A snapshot carries a mark at
// its end: the other node notices one that broke off.
func (n *Node) serveWindows(out http.ResponseWriter, r *http.Request) {
	w, partition, err := n.partitionOf(r)
	if err != nil {
		http.Error(out, err.Error(), http.StatusNotFound)
		return
	}
	least, err1 := strconv.ParseInt(r.FormValue("least"), 10, 64)
	most, err2 := strconv.ParseInt(r.FormValue("most"), 10, 64)
	if err1 != nil || err2 != nil {
		http.Error(out, "least and most are required: offsets", http.StatusBadRequest)
		return
	}
	select {
	case n.exports <- struct{}{}:
		defer func() { <-n.exports }()
	case <-time.After(exportPatience):
		http.Error(out, "this node is busy handing over the windows of other partitions", http.StatusServiceUnavailable)
		return
	case <-r.Context().Done():
		return
	}
	began := n.config.Now()
	paced := &pacedWriter{out: out, control: http.NewResponseController(out), until: time.Now().Add(exportAtMost)}
	snapshot, err := w.store.ExportIf(w.name, partition, paced, func(head persistence.Head) error {
		if head.Offset < least || head.Offset > most {
			return fmt.Errorf("%w: they reach up to offset %d, wanted are %s", errNotWanted, head.Offset, actors.Wanted{Least: least, Most: most}.Offsets())
		}
		out.Header().Set("Content-Type", "application/octet-stream")
		return nil
	})
	log := n.config.Log.With("detector", w.name, "partition", partition, "to", r.RemoteAddr)
	switch {
	case err == nil:
		log.Info("windows handed over", "entities", snapshot.Entities, "points", snapshot.Points, "offset", snapshot.Head.Offset,
			"bytes", paced.bytes, "seconds", n.config.Now().Sub(began).Seconds())
	case paced.bytes > 0:
		log.Warn("windows could not be handed over; the other node reads the topic instead", "error", err)
		panic(http.ErrAbortHandler) // so that the other node sees a broken stream
	case errors.Is(err, persistence.ErrNotStored):
		http.Error(out, err.Error(), http.StatusNotFound)
	case errors.Is(err, errNotWanted):
		http.Error(out, err.Error(), http.StatusConflict)
	default:
		http.Error(out, err.Error(), http.StatusInternalServerError)
	}
}
