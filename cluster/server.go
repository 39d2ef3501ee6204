package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// protocolHeader carries Protocol in every request of a node and in every answer.
const protocolHeader = "Anomalydetector-Protocol"

const mostTimeout = time.Minute // that a request may ask for

// handler serves the port:
//
//	GET /v1/node                                        messages.NodeStatus
//	GET /v1/cluster ?timeout                            messages.ClusterStatus
//	GET /v1/entity  ?detector &key &timeout              messages.EntityAnswer of all nodes
//	GET /v1/entity  ... &scope=node &packed              the same of this node alone, with packed windows if asked for
//	GET /v1/entities ?detector &text &field &after &limit &timeout &scope=node
//	                                                    messages.EntitiesAnswer; field is number:value
//	GET /v1/windows/offset ?detector &partition         the offset up to which this node has windows
//	GET /v1/windows ?detector &partition &least &most   a snapshot of those windows, if their offset is between least and most
//	POST /v1/leaving ?detector &member                  a member is about to leave, and repeats that until it does: messages.Successor
//
// A request has no body. A POST and the windows need the protocol header, and a request that a
// browser sends for a page is refused (guard.go).
//
// Errors are text: 400 for a malformed request, 404 for an unknown detector or windows that are not
// stored here, 409 for windows outside of the wanted offsets and for a successor that is about to
// leave itself, 503 for a node that is too busy.
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

func (n *Node) serveNode(out http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	answer(out, n.status(ctx))
}

func (n *Node) serveCluster(out http.ResponseWriter, r *http.Request) {
	answer(out, n.Cluster(r.Context()))
}

func (n *Node) serveEntity(out http.ResponseWriter, r *http.Request) {
	w, err := n.watcher(r.FormValue("detector"))
	if err != nil {
		http.Error(out, err.Error(), http.StatusNotFound)
		return
	}
	key := r.FormValue("key")
	if key == "" {
		http.Error(out, "key is required: the values of the entity's fields, joined with commas", http.StatusBadRequest)
		return
	}
	if r.FormValue("scope") != "node" {
		answer(out, w.Entity(r.Context(), key))
		return
	}
	here := w.entityHere(r.Context(), key)
	if r.FormValue("packed") != "" {
		for i := range here.Found {
			here.Found[i].Pack()
		}
	}
	answer(out, here)
}

func (n *Node) serveLeaving(out http.ResponseWriter, r *http.Request) {
	w, err := n.watcher(r.FormValue("detector"))
	if err == nil && w.store == nil {
		err = errNoStore
	}
	if err != nil {
		http.Error(out, err.Error(), http.StatusNotFound)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	progress, err := w.getReadyFor(ctx, r.FormValue("member"), r.TLS)
	switch {
	case errors.Is(err, errDraining):
		http.Error(out, err.Error(), http.StatusConflict)
	case errors.Is(err, errNotTheirs):
		http.Error(out, err.Error(), http.StatusForbidden)
	case err != nil:
		http.Error(out, err.Error(), http.StatusServiceUnavailable)
	default:
		answer(out, progress)
	}
}

// withDeadline gives a request's context the timeout that the request asks for, up to mostTimeout;
// askTimeout if it asks for none.
func withDeadline(serve http.HandlerFunc) http.HandlerFunc {
	return func(out http.ResponseWriter, r *http.Request) {
		timeout := askTimeout
		if text := r.FormValue("timeout"); text != "" {
			var err error
			if timeout, err = time.ParseDuration(text); err != nil || timeout <= 0 || timeout > mostTimeout {
				http.Error(out, fmt.Sprintf("timeout is %q, want a duration such as 500ms, at most %s", text, mostTimeout), http.StatusBadRequest)
				return
			}
		}
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		serve(out, r.WithContext(ctx))
	}
}

func answer(out http.ResponseWriter, value any) {
	out.Header().Set("Content-Type", "application/json")
	json.NewEncoder(out).Encode(value) // an error means that the client has gone
}
