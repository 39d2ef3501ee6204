package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"anomalydetector/actors"
	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// protocolHeader is in every request of a node and in every answer.
const protocolHeader = "Anomalydetector-Protocol"

const (
	exportsAtOnce  = 2               // as many snapshots are written at the same time
	exportPatience = 3 * time.Second // to wait for one of them to end: the other one waits little longer
	mostTimeout    = time.Minute
)

// handler is what there is on the port:
//
//	GET /v1/node                                        messages.NodeStatus
//	GET /v1/cluster ?timeout                            messages.ClusterStatus
//	GET /v1/entity  ?detector &key &timeout              messages.EntityAnswer, of all nodes
//	GET /v1/entity  ... &scope=node &packed              the same of this node alone, the windows packed or not
//	GET /v1/entities ?detector &text &field &after &limit &timeout &scope=node
//	                                                    messages.EntitiesAnswer; a field is its number, a colon and its value
//	GET /v1/windows/offset ?detector &partition         up to where this node has windows: a number
//	GET /v1/windows ?detector &partition &least &most   those windows, if they reach that far and no farther: a snapshot
//	POST /v1/leaving ?detector &member                  a member is about to leave, and says so until it does: messages.Succession
//
// A question has no body. What changes something, and the windows, want the header of the protocol;
// what browsers send for a page is refused (guard.go).
//
// Errors are text, with 400 for a wrong question, 404 for a detector or windows that are not there, 409
// for windows that reach too far or not far enough, or by who leaves itself.
func (n *Node) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/node", n.serveNode)
	mux.HandleFunc("GET /v1/cluster", withDeadline(n.serveCluster))
	mux.HandleFunc("GET /v1/entity", withDeadline(n.serveEntity))
	mux.HandleFunc("GET /v1/entities", withDeadline(n.serveEntities))
	mux.HandleFunc("GET /v1/windows/offset", n.serveOffset)
	mux.HandleFunc("GET /v1/windows", n.serveWindows)
	mux.HandleFunc("POST /v1/leaving", n.serveLeaving)
	return n.guard(mux)
}

func (n *Node) serveNode(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	answer(w, n.status(ctx))
}

func (n *Node) serveCluster(w http.ResponseWriter, r *http.Request) {
	answer(w, n.Cluster(r.Context()))
}

func (n *Node) serveEntity(w http.ResponseWriter, r *http.Request) {
	d, err := n.detector(r.FormValue("detector"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	key := r.FormValue("key")
	if key == "" {
		http.Error(w, "a key is wanted: the entity's fields with commas between them", http.StatusBadRequest)
		return
	}
	if r.FormValue("scope") != "node" {
		answer(w, d.entity(r.Context(), key))
		return
	}
	here := d.entityHere(r.Context(), key)
	if r.FormValue("packed") != "" {
		for i := range here.Found {
			here.Found[i].Pack()
		}
	}
	answer(w, here)
}

func (n *Node) serveLeaving(w http.ResponseWriter, r *http.Request) {
	d, err := n.detector(r.FormValue("detector"))
	if err == nil && d.store == nil {
		err = errors.New("this node stores no windows")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	succession, err := d.succeed(ctx, r.FormValue("member"))
	switch {
	case errors.Is(err, errLeaving):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		answer(w, succession)
	}
}

// withDeadline ends a request's context when the question says, if that is not too
// far away.
func withDeadline(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		timeout := askTimeout
		if text := r.FormValue("timeout"); text != "" {
			var err error
			if timeout, err = time.ParseDuration(text); err != nil || timeout <= 0 || timeout > mostTimeout {
				http.Error(w, fmt.Sprintf("timeout is %q, want a duration of up to %s such as 500ms", text, mostTimeout), http.StatusBadRequest)
				return
			}
		}
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		serve(w, r.WithContext(ctx))
	}
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value) // an error is the other's, who went away
}

// status is what this node says of itself.
func (n *Node) status(ctx context.Context) messages.NodeStatus {
	status := messages.NodeStatus{
		Address: n.config.Advertise, Node: n.config.Node, Process: n.config.Process, Version: n.config.Version, Protocol: Protocol,
		Started: n.started.UTC(), Detectors: []messages.DetectorStatus{},
	}
	for _, d := range n.detectors {
		one, err := actors.AskStatus(ctx, d.root, d.pid)
		if err != nil {
			one = messages.DetectorStatus{Detector: d.name, State: messages.StateUnknown, Problem: err.Error(),
				Partitions: []messages.PartitionStatus{}}
		}
		if v, _ := d.seen(); one.Problem == "" && v.err != nil {
			one.Problem = v.problem(d.name).Error() // it may have lost what it takes for its own
		}
		status.Detectors = append(status.Detectors, one)
	}
	return status
}

// entityHere is what this node's partitions know of an entity.
func (d *Detector) entityHere(ctx context.Context, key string) messages.EntityAnswer {
	found, asked, err := actors.AskEntity(ctx, d.root, d.pid, key)
	result := messages.EntityAnswer{Detector: d.name, Entity: key, Asked: asked, Found: []messages.EntityStatus{}}
	for _, one := range found {
		one.Address = d.node.config.Advertise
		result.Found = append(result.Found, one)
	}
	if err != nil {
		result.Partial, result.Problems = true, []string{d.node.config.Advertise + ": " + err.Error()}
	}
	return result
}

// partitionOf reads which partition is asked for.
func (n *Node) partitionOf(r *http.Request) (*Detector, int32, error) {
	d, err := n.detector(r.FormValue("detector"))
	if err != nil {
		return nil, 0, err
	}
	partition, err := strconv.ParseInt(r.FormValue("partition"), 10, 32)
	if err != nil || partition < 0 {
		return nil, 0, fmt.Errorf("partition is %q, want its number", r.FormValue("partition"))
	}
	if d.store == nil {
		return nil, 0, errors.New("this node stores no windows")
	}
	return d, int32(partition), nil
}

func (n *Node) serveOffset(w http.ResponseWriter, r *http.Request) {
	d, partition, err := n.partitionOf(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	head, stored, err := d.store.Stored(d.name, partition)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case !stored:
		http.Error(w, persistence.ErrNotStored.Error(), http.StatusNotFound)
	default:
		answer(w, head.Offset)
	}
}

// serveWindows streams a snapshot. It goes no faster than the other one takes it,
// and one that breaks off lacks its end, which tells.
func (n *Node) serveWindows(w http.ResponseWriter, r *http.Request) {
	d, partition, err := n.partitionOf(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	least, err1 := strconv.ParseInt(r.FormValue("least"), 10, 64)
	most, err2 := strconv.ParseInt(r.FormValue("most"), 10, 64)
	if err1 != nil || err2 != nil {
		http.Error(w, "least and most are wanted: offsets", http.StatusBadRequest)
		return
	}
	select {
	case n.exports <- struct{}{}:
		defer func() { <-n.exports }()
	case <-time.After(exportPatience):
		http.Error(w, "this node hands over the windows of other partitions", http.StatusServiceUnavailable)
		return
	case <-r.Context().Done():
		return
	}
	began := n.config.Now()
	out := &patient{out: w, control: http.NewResponseController(w), until: time.Now().Add(exportAtMost)}
	snapshot, err := d.store.ExportIf(d.name, partition, out, func(head persistence.Head) error {
		if head.Offset < least || head.Offset > most {
			return fmt.Errorf("%w: they reach up to offset %d, wanted are %s", errNotWanted, head.Offset, actors.Wanted{Least: least, Most: most}.Offsets())
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		return nil
	})
	log := n.config.Log.With("detector", d.name, "partition", partition, "to", r.RemoteAddr)
	switch {
	case err == nil:
		log.Info("windows handed over", "entities", snapshot.Entities, "points", snapshot.Points, "offset", snapshot.Head.Offset,
			"bytes", out.bytes, "seconds", n.config.Now().Sub(began).Seconds())
	case out.bytes > 0:
		log.Warn("windows could not be handed over", "error", err)
		panic(http.ErrAbortHandler) // so that the other one sees a broken stream
	case errors.Is(err, persistence.ErrNotStored):
		http.Error(w, err.Error(), http.StatusNotFound)
	case errors.Is(err, errNotWanted):
		http.Error(w, err.Error(), http.StatusConflict)
	default:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

var errNotWanted = errors.New("the windows here are not wanted")
