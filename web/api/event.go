package api

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"anomalydetector/web/answers"
)

const eventType = "text/event-stream"

// events writes server-sent events, each with a deadline of its own. The server's deadlines are for answers
// that end.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
	written *written
}

func newEvents(w http.ResponseWriter, written *written) *events {
	return &events{w, http.NewResponseController(w), written}
}

// begin sends the header at once, so that the client knows that it is connected.
func (e *events) begin() error {
	e.w.Header().Set("Content-Type", eventType)
	e.w.Header().Set("X-Accel-Buffering", "no") // for proxies that collect answers
	return e.send(fmt.Sprintf("retry: %d\n\n", reconnect.Milliseconds()))
}

func (e *events) comment() error { return e.send(": all is quiet\n\n") }

// events sends one event and, in the same write, those that wait.
func (e *events) events(first answers.Event, waiting <-chan answers.Event) error {
	text := e.append(nil, first)
	for i := 1; i < gathered && len(waiting) > 0; i++ {
		text = e.append(text, <-waiting) // nobody else takes them
	}
	return e.send(string(text))
}

// append appends the text of an event.
func (e *events) append(to []byte, event answers.Event) []byte {
	var name string
	var data []byte
	switch {
	case event.Anomaly != nil:
		name, data = "anomaly", e.written.anomaly(event.Anomaly)
	case event.Episode != nil:
		name, data = "episode", e.written.episode(event.Episode)
	case event.Status != nil:
		name, data = "status", Encode(event.Status)
	case event.Gap != nil:
		name, data = "gap", Encode(event.Gap)
	case event.ID == "":
		return to
	}
	if name != "" {
		to = append(append(append(to, "event: "...), name...), '\n')
	}
	if event.ID != "" && !strings.ContainsAny(event.ID, "\r\n\x00") {
		to = append(append(append(to, "id: "...), event.ID...), '\n')
	}
	if data != nil {
		to = append(append(to, "data: "...), data...)
	}
	return append(to, '\n')
}

func (e *events) problem(p *Problem) error {
	return e.send(fmt.Sprintf("event: problem\ndata: %s\n", Encode(p)))
}

// send writes and flushes. If the client does not take the text in time, the error is os.ErrDeadlineExceeded.
func (e *events) send(text string) error {
	_ = e.control.SetWriteDeadline(time.Now().Add(writePatience)) // a test's recorder has no deadline
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	if err := e.control.Flush(); err != nil {
		return err
	}
	// HTTP/2 ends a stream when its deadline passes, even if nothing waits to be written.
	_ = e.control.SetWriteDeadline(time.Time{})
	return nil
}

// eventSchema describes the kinds of events and their data.
func eventSchema(registry huma.Registry) *huma.Schema {
	one := &huma.Schema{}
	for _, kind := range []struct {
		name string
		data any
	}{{"anomaly", answers.Anomaly{}}, {"episode", answers.Episode{}}, {"status", answers.Status{}}, {"gap", answers.Gap{}}, {"problem", Problem{}}} {
		one.OneOf = append(one.OneOf, &huma.Schema{Type: huma.TypeObject, Required: []string{"event", "data"}, Properties: map[string]*huma.Schema{
			"event": {Type: huma.TypeString, Enum: []any{kind.name}},
			"id":    {Type: huma.TypeString},
			"data":  registry.Schema(reflect.TypeOf(kind.data), true, ""),
		}})
	}
	return &huma.Schema{Type: huma.TypeArray, Description: "Server-sent events", Items: one}
}
