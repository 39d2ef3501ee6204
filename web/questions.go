package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"anomalydetector/messages"
)

// Answers answers questions about the process, and about other nodes if it knows any. A question costs one
// message to the detector, and one to each of its partitions.
type Answers interface {
	Status(ctx context.Context) messages.ClusterStatus
	// Entity returns false if there is no such detector.
	Entity(ctx context.Context, detector, key string) (answer messages.EntityAnswer, known bool)
	// Entities returns false if there is no such detector.
	Entities(ctx context.Context, detector string, q messages.EntitiesQuery) (answer messages.EntitiesAnswer, known bool)
}

const (
	questionTimeout = 2 * time.Second // unless the question says otherwise
	mostTimeout     = 20 * time.Second
	questionsAtOnce = 8
	placePatience   = time.Second // because several pages may ask at the same moment
)

// Answer makes the site answer questions from now on.
func (s *Site) Answer(answers Answers) { s.answers.Store(&answers) }

// question wraps a function that answers a question. It refuses the question if the detectors have not begun,
// or if too many questions are being answered.
func (s *Site) question(serve func(http.ResponseWriter, *http.Request, Answers)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answers := s.answers.Load()
		if answers == nil {
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusServiceUnavailable, "the detectors have not begun")
			return
		}
		timeout := questionTimeout
		if text := r.URL.Query().Get("timeout"); text != "" {
			var err error
			if timeout, err = time.ParseDuration(text); err != nil || timeout <= 0 || timeout > mostTimeout {
				refuse(w, http.StatusBadRequest, fmt.Sprintf("timeout is %.50q, want a duration of up to %s such as 500ms", text, mostTimeout))
				return
			}
		}
		done, free := s.beginQuestion()
		if !free {
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusServiceUnavailable, "other questions are being answered")
			return
		}
		defer done()
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		serve(w, r.WithContext(ctx), *answers)
	}
}

// beginQuestion waits, at most placePatience, until another question may be answered. It returns false if none
// may. Otherwise the caller calls done in the end.
func (s *Site) beginQuestion() (done func(), free bool) {
	done = func() { <-s.asking }
	select {
	case s.asking <- struct{}{}:
		return done, true
	default:
	}
	moment := time.NewTimer(placePatience)
	defer moment.Stop()
	select {
	case s.asking <- struct{}{}:
		return done, true
	case <-moment.C:
		return nil, false
	}
}

func serveStatus(w http.ResponseWriter, r *http.Request, answers Answers) {
	w.Header().Set("Content-Type", "application/json")
	writeJSON(w, answers.Status(r.Context()))
}

func serveEntity(w http.ResponseWriter, r *http.Request, answers Answers) {
	detector, key := r.URL.Query().Get("detector"), r.URL.Query().Get("key")
	if key == "" {
		refuse(w, http.StatusBadRequest, "key is missing: want the entity's fields with commas between them")
		return
	}
	answer, known := answers.Entity(r.Context(), detector, key)
	if !known {
		refuse(w, http.StatusNotFound, fmt.Sprintf("there is no detector %.100q here", detector))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	writeJSON(w, answer)
}
