package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"anomalydetector/actors"
	"anomalydetector/messages"
)

// mostNames bounds the names in one answer.
const mostNames = 1000

func (n *Node) serveEntities(out http.ResponseWriter, r *http.Request) {
	w, err := n.watcher(r.FormValue("detector"))
	if err != nil {
		http.Error(out, err.Error(), http.StatusNotFound)
		return
	}
	q, err := entitiesQuery(r.Form)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	if r.FormValue("scope") == "node" {
		answer(out, w.entitiesHere(r.Context(), q))
		return
	}
	answer(out, w.Entities(r.Context(), q))
}

// entitiesQuery reads a query from the values that entitiesValues wrote.
func entitiesQuery(from url.Values) (q messages.EntitiesQuery, err error) {
	q = messages.EntitiesQuery{Text: from.Get("text"), After: from.Get("after"), Fields: make(map[int]string)}
	if q.Limit, err = strconv.Atoi(from.Get("limit")); err != nil || q.Limit < 1 || q.Limit > mostNames {
		return q, fmt.Errorf("limit is %.50q, want a number from 1 to %d", from.Get("limit"), mostNames)
	}
	for _, field := range from["field"] {
		number, value, found := strings.Cut(field, ":")
		i, err := strconv.Atoi(number)
		if !found || err != nil || i < 0 {
			return q, fmt.Errorf("field is %.50q, want number:value, where the first field is number 0", field)
		}
		q.Fields[i] = value
	}
	return q, nil
}

func entitiesValues(q messages.EntitiesQuery) url.Values {
	values := url.Values{"text": {q.Text}, "after": {q.After}, "limit": {strconv.Itoa(q.Limit)}}
	for i, value := range q.Fields {
		values.Add("field", strconv.Itoa(i)+":"+value)
	}
	return values
}

// entitiesHere are the entities of this node's partitions.
func (w *GroupWatcher) entitiesHere(ctx context.Context, q messages.EntitiesQuery) messages.EntitiesAnswer {
	names, more, err := actors.AskEntities(ctx, w.root, w.pid, q)
	result := messages.EntitiesAnswer{Detector: w.name, Names: append([]messages.EntityName{}, names...), More: more}
	if err != nil {
		result.Partial, result.Problems = true, []string{w.node.config.Advertise + ": " + strings.ReplaceAll(err.Error(), "\n", "; ")}
	}
	return result
}

// Entities asks all nodes of the group for the names of entities, within the deadline of the context. It
// returns at most as many names as the query's limit, which counts as 1 to 1000. The answer is partial if a node did not
// answer or a partition has no owner.
func (w *GroupWatcher) Entities(ctx context.Context, q messages.EntitiesQuery) messages.EntitiesAnswer {
	q.Limit = min(max(q.Limit, 1), mostNames)
	v, partitions := w.seen()
	whole := messages.EntitiesAnswer{Detector: w.name}
	problem := func(text string) { whole.Partial, whole.Problems = true, append(whole.Problems, text) }
	if err := v.problem(w.name); err != nil {
		problem(err.Error())
	}
	for _, partition := range v.unowned(partitions) {
		problem(fmt.Sprintf("no node owns partition %d", partition))
	}
	var mu sync.Mutex
	each(ctx, w.withSelf(v.members), func(ctx context.Context, m member) {
		var one messages.EntitiesAnswer
		var err error
		switch {
		case w.isUs(m):
			one = w.entitiesHere(ctx, q)
		case m.Address == "":
			err = errors.New(w.unreachable(m))
		default:
			values := entitiesValues(q)
			values.Set("detector", w.name)
			values.Set("scope", "node")
			values.Set("timeout", left(ctx).String())
			err = older(w.node.client.getJSON(ctx, m.Address, "/v1/entities", values, &one))
		}
		if err != nil {
			one = messages.EntitiesAnswer{Partial: true, Problems: []string{err.Error()}}
		}
		mu.Lock()
		defer mu.Unlock()
		whole.Names = append(whole.Names, one.Names...)
		whole.More, whole.Partial = whole.More || one.More, whole.Partial || one.Partial
		whole.Problems = append(whole.Problems, one.Problems...)
	})
	names, more := messages.MergeNames(whole.Names, q.Limit)
	whole.Names, whole.More = append([]messages.EntityName{}, names...), whole.More || more
	slices.Sort(whole.Problems)
	return whole
}

// older replaces the answer of a node that does not know this URL by one that says why.
func older(err error) error {
	var r *refusal
	if errors.As(err, &r) && r.status == http.StatusNotFound && strings.Contains(r.text, "page not found") {
		return fmt.Errorf("node %s cannot list its entities: it runs an older version", r.address)
	}
	return err
}
