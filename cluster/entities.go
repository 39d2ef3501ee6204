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
	"anomalydetector/stream"
)

// mostNames is how many names one question may ask for.
const mostNames = 1000

func (n *Node) serveEntities(w http.ResponseWriter, r *http.Request) {
	d, err := n.detector(r.FormValue("detector"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	q, err := entitiesQuery(r.Form)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if r.FormValue("scope") == "node" {
		answer(w, d.entitiesHere(r.Context(), q))
		return
	}
	answer(w, d.Entities(r.Context(), q))
}

// entitiesQuery reads what values writes.
func entitiesQuery(from url.Values) (q messages.EntitiesQuery, err error) {
	q = messages.EntitiesQuery{Text: from.Get("text"), After: from.Get("after"), Fields: make(map[int]string)}
	if q.Limit, err = strconv.Atoi(from.Get("limit")); err != nil || q.Limit < 1 || q.Limit > mostNames {
		return q, fmt.Errorf("limit is %.50q, want a number from 1 to %d", from.Get("limit"), mostNames)
	}
	for _, field := range from["field"] {
		number, value, found := strings.Cut(field, ":")
		i, err := strconv.Atoi(number)
		if !found || err != nil || i < 0 {
			return q, fmt.Errorf("field is %.50q, want the field's number from 0 on, a colon and its value", field)
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

// entitiesHere are those of this node's partitions.
func (d *Detector) entitiesHere(ctx context.Context, q messages.EntitiesQuery) messages.EntitiesAnswer {
	names, more, err := actors.AskEntities(ctx, d.root, d.pid, q)
	result := messages.EntitiesAnswer{Detector: d.name, Names: append([]messages.EntityName{}, names...), More: more}
	if err != nil {
		result.Partial, result.Problems = true, []string{d.node.config.Advertise + ": " + strings.ReplaceAll(err.Error(), "\n", "; ")}
	}
	return result
}

// Entities asks all nodes of the group for names of entities.
func (d *Detector) Entities(ctx context.Context, q messages.EntitiesQuery) messages.EntitiesAnswer {
	q.Limit = min(max(q.Limit, 1), mostNames)
	v, partitions := d.seen()
	whole := messages.EntitiesAnswer{Detector: d.name}
	problem := func(text string) { whole.Partial, whole.Problems = true, append(whole.Problems, text) }
	if err := v.problem(d.name); err != nil {
		problem(err.Error())
	}
	for _, partition := range v.unowned(partitions) {
		problem(fmt.Sprintf("no node has partition %d", partition))
	}
	if !slices.ContainsFunc(v.members, d.isUs) {
		v.members = append(v.members, member{stream.Member{Instance: d.instance}})
	}
	var mu sync.Mutex
	each(ctx, v.members, func(ctx context.Context, m member) {
		var one messages.EntitiesAnswer
		var err error
		switch {
		case d.isUs(m):
			one = d.entitiesHere(ctx, q)
		case m.Address == "":
			err = errors.New(d.unreachable(m))
		default:
			values := entitiesValues(q)
			values.Set("detector", d.name)
			values.Set("scope", "node")
			values.Set("timeout", left(ctx).String())
			err = older(d.node.client.getJSON(ctx, m.Address, "/v1/entities", values, &one))
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

// older explains the answer of a node that does not know the question.
func older(err error) error {
	var r *refusal
	if errors.As(err, &r) && r.status == http.StatusNotFound && strings.Contains(r.text, "page not found") {
		return fmt.Errorf("node %s cannot list its entities: it runs an older version", r.address)
	}
	return err
}
