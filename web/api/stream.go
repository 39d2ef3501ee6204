package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"anomalydetector/web/answers"
)

// Limits of streams.
const (
	mostStreams   = 64
	heartbeat     = 15 * time.Second
	writePatience = 10 * time.Second       // for one event; a client that takes longer is cut
	firstPatience = 250 * time.Millisecond // in which a Source may refuse before the answer begins
	reconnect     = 3 * time.Second        // how long clients are told to wait before they come back
	gathered      = 64                     // how many events are written at once, at most
)

type streamQuery struct {
	About
	Narrow
	Cursor string `query:"cursor" maxLength:"12000" pattern:"^[!-~]*$" doc:"The id of the last event that was seen; Last-Event-ID takes precedence"`
	LastID string `header:"Last-Event-ID" maxLength:"12000" pattern:"^[!-~]*$" doc:"The same; browsers send it when they come back"`
}

const aboutStream = "Server-sent events. `event` is anomaly, episode, status or gap. `data` is described by the schema of that name. " +
	"`id` is a cursor, and may come alone: a stream that goes on from it, on any node, has no gap and no repeat. A comment comes every 15 s. " +
	"A client that does not take an event within 10 s is cut; when it comes back, it goes on from its last id. " +
	"An event `problem` is the last one. "

// stream describes and serves the events.
func (a *API) stream() {
	e := endpoint{path: "/stream", summary: "Anomalies and episodes, as they happen", fields: true}
	op := e.operation()
	op.Description = aboutStream + withFields
	op.Responses = map[string]*huma.Response{"200": {Description: "Events, for as long as the client stays",
		Content: map[string]*huma.MediaType{eventType: {Schema: eventSchema(a.huma.OpenAPI().Components.Schemas)}}}}
	var known []string
	huma.Register(a.huma, op, func(ctx context.Context, q *streamQuery) (*huma.StreamResponse, error) {
		timeout, err := q.timeout()
		if err != nil {
			return nil, a.problem(err, 0)
		}
		source := a.config.Source()
		if source == nil {
			return nil, notBegun().complete()
		}
		query, err := a.follow(ctx, source, q, known, timeout)
		if err != nil {
			return nil, a.problem(err, timeout)
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			r, w := humago.Unwrap(ctx)
			if a.open.Add(1) > mostStreams {
				a.open.Add(-1)
				write(w, busy("other streams are open: there may be 64"))
				return
			}
			defer a.open.Add(-1)
			a.events(w, r, source, query)
		}}, nil
	})
	known = a.parameters(op.Path)
	a.paths = append(a.paths, e.path)
}

// follow turns a client's parameters into a query. Asking for the key fields counts as a question; the stream
// itself does not.
func (a *API) follow(ctx context.Context, source answers.Source, q *streamQuery, known []string, timeout time.Duration) (query answers.FollowQuery, err error) {
	done, free := a.config.Begin()
	if !free {
		return query, busy("other questions are being answered")
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	fields, err := fields(ctx, source, q.asked, known, true)
	if err != nil {
		return query, err
	}
	query.Filter, err = q.filter(ctx, source, fields, a.config.Now())
	query.Cursor = q.Cursor
	if q.LastID != "" {
		query.Cursor = q.LastID
	}
	return query, err
}

// events writes what the Source tells until the client goes or is too slow, or until the Source ends. Another
// goroutine follows the Source, hands over each event, and closes happened after the last one. Only this one
// writes, and it writes at once everything that has come in the meantime.
func (a *API) events(w http.ResponseWriter, r *http.Request, source answers.Source, query answers.FollowQuery) {
	ctx, cancel := context.WithCancel(r.Context())
	happened := make(chan answers.Event, gathered)
	var problem error // why the Source ended, once happened is closed
	go func() {
		defer close(happened)
		defer func() {
			if cause := recover(); cause != nil { // nothing else recovers here, and the detectors must go on
				problem = fmt.Errorf("follow: it panicked: %v\n%s", cause, debug.Stack())
			}
		}()
		problem = source.Follow(ctx, query, func(event answers.Event) error {
			select {
			case happened <- event:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	defer func() {
		cancel()
		for range happened { // until the Source no longer uses the request
		}
	}()
	out := newEvents(w, &a.written)
	first := time.NewTimer(firstPatience)
	defer first.Stop()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	begun := false
	begin := func() error {
		if begun {
			return nil
		}
		begun = true
		return out.begin()
	}
	if r.Method == http.MethodHead {
		_ = begin()
		return
	}
	for {
		var err error
		select {
		case <-first.C:
			err = begin()
		case event, more := <-happened:
			if !more {
				switch {
				case r.Context().Err() != nil: // the client has gone
				case begun && problem != nil:
					a.countDropped(out.problem(a.problem(problem, 0)))
				case problem != nil:
					write(w, a.problem(problem, 0))
				}
				return
			}
			if err = begin(); err == nil {
				err = out.events(event, happened)
			}
		case <-beat.C:
			err = out.comment()
		case <-a.closing.Done():
			_ = begin() // browsers come back to a stream that ends, and to nothing else
			return
		case <-ctx.Done():
			return
		}
		if err != nil {
			a.countDropped(err)
			return
		}
	}
}

// countDropped counts a client that did not take an event in time.
func (a *API) countDropped(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		a.dropped.Add(1)
	}
}
