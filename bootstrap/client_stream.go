package bootstrap

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"anomalydetector/web/answers"
)

// Limits for reading a stream.
const (
	firstWait = time.Second // before the second attempt; then twice as long each time
	mostWait  = 30 * time.Second
	// quietStream is the longest time without a line. The server sends a comment every 15 s, so that
	// three are missing then.
	quietStream = 45 * time.Second
	mostEvent   = 1 << 20 // bytes of a line
)

// Follow reads the stream of events. When the connection ends, it connects again and resumes after the
// last event; if there was no event yet, it reports a Gap. It returns an error if the first attempt
// fails or the server refuses the request.
func (s *siteReader) Follow(ctx context.Context, q answers.FollowQuery, event func(answers.Event) error) error {
	wait, told := firstWait, false
	for first := true; ; first = false {
		begun, err := s.followOnce(ctx, &q, event)
		var refused *answers.Problem
		var stop stopFollowing
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &stop):
			return stop.error
		case errors.As(err, &refused) && refused.Status < http.StatusInternalServerError, first && !begun:
			return err
		case begun:
			wait, told = firstWait, false
			if q.Cursor == "" {
				gap := answers.Gap{Detector: q.Detector, Reason: "the connection ended before the first event"}
				if err := event(answers.Event{Gap: &gap}); err != nil {
					return err
				}
			}
		}
		if !told {
			told = true
			s.lost(cmp.Or(err, io.ErrUnexpectedEOF))
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		wait = min(2*wait, mostWait)
		if address, err := s.find(ctx); err == nil {
			s.address = address
		}
	}
}

// stopFollowing wraps an error of the function that takes the events.
type stopFollowing struct{ error }

func (s *siteReader) followOnce(ctx context.Context, q *answers.FollowQuery, event func(answers.Event) error) (begun bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quiet := time.AfterFunc(quietStream, cancel)
	defer quiet.Stop()
	header := http.Header{"Accept": {"text/event-stream"}}
	if q.Cursor != "" {
		header.Set("Last-Event-ID", q.Cursor)
	}
	response, err := s.ask(ctx, "/stream", filterValues(q.Filter), header)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	return true, readEvents(response.Body, func() { quiet.Reset(quietStream) }, func(name, id string, data []byte) error {
		happened, err := eventOf(name, data)
		if err != nil {
			return err
		}
		if id != "" {
			q.Cursor = id
		}
		happened.ID = id
		if err := event(happened); err != nil {
			return stopFollowing{err}
		}
		return nil
	})
}

// eventOf decodes an event. An event without data or of an unknown kind is empty.
func eventOf(name string, data []byte) (event answers.Event, err error) {
	var into any
	switch name {
	case "anomaly":
		event.Anomaly = new(answers.Anomaly)
		into = event.Anomaly
	case "episode":
		event.Episode = new(answers.Episode)
		into = event.Episode
	case "status":
		event.Status = new(answers.Status)
		into = event.Status
	case "gap":
		event.Gap = new(answers.Gap)
		into = event.Gap
	case "problem":
		problem := new(answers.Problem)
		if err = json.Unmarshal(data, problem); err == nil {
			err = problem
		}
		return event, err
	default:
		return event, nil
	}
	if err = json.Unmarshal(data, into); err != nil {
		err = fmt.Errorf("read an event %s: %w", name, err)
	}
	return event, err
}

// readEvents reads server-sent events until the end. It calls line for each line, also for comments,
// and event for each event, also for one that has only an id.
func readEvents(from io.Reader, line func(), event func(name, id string, data []byte) error) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, mostEvent)
	var name, id string
	var data []byte
	for lines.Scan() {
		line()
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			name = value
		case "id":
			id = value
		case "data":
			if data != nil {
				data = append(data, '\n')
			}
			data = append(data, value...)
		}
		if lines.Text() != "" {
			continue
		}
		if data != nil || id != "" {
			if err := event(name, id, data); err != nil {
				return err
			}
		}
		name, id, data = "", "", nil
	}
	return lines.Err()
}
