package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"anomalydetector/messages"
)

// slow answers when the test lets it, or when the question's time is over.
type slow struct{ begun, let chan struct{} }

func (s *slow) Status(ctx context.Context) messages.ClusterStatus {
	s.begun <- struct{}{}
	select {
	case <-s.let:
	case <-ctx.Done():
		return messages.ClusterStatus{Partial: true}
	}
	return messages.ClusterStatus{Nodes: []messages.NodeStatus{{Address: "here"}}}
}

func (s *slow) Entity(_ context.Context, detector, key string) (messages.EntityAnswer, bool) {
	return messages.EntityAnswer{Detector: detector, Entity: key}, detector == "d"
}

func (s *slow) Entities(_ context.Context, detector string, _ messages.EntitiesQuery) (messages.EntitiesAnswer, bool) {
	return messages.EntitiesAnswer{Detector: detector}, detector == "d"
}

func TestQuestionsWaitForTheDetectors(t *testing.T) {
	s := newSite()
	for _, path := range []string{"/v1/cluster", "/v1/entity?detector=d&key=a"} {
		answer := get(s.Handler(true), path)
		problemOf(t, answer, http.StatusServiceUnavailable)
		if answer.Header().Get("Retry-After") == "" {
			t.Errorf("%s does not say when to ask again", path)
		}
	}
}

func TestWrongQuestionIsRefused(t *testing.T) {
	s := newSite()
	s.Answer(&slow{})
	for path, c := range map[string]struct {
		status int
		says   string
	}{
		"/v1/entity?detector=d":                {http.StatusBadRequest, "key is missing"},
		"/v1/entity?detector=e&key=a":          {http.StatusNotFound, `no detector "e"`},
		"/v1/entity?detector=d&key=a&timeout=": {http.StatusOK, ""},
		"/v1/entity?detector=d&key=-1,64500":   {http.StatusOK, ""},
		"/v1/cluster?timeout=1h":               {http.StatusBadRequest, `timeout is "1h"`},
		"/v1/cluster?timeout=-1s":              {http.StatusBadRequest, "timeout is"},
		"/v1/cluster?timeout=x":                {http.StatusBadRequest, "timeout is"},
		"/v1/windows":                          {http.StatusNotFound, "there is no"},
	} {
		answer := get(s.Handler(true), path)
		if c.status == http.StatusOK {
			if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), `"detector": "d"`) {
				t.Errorf("%s is answered with %d: %s", path, answer.Code, answer.Body)
			}
		} else if p := problemOf(t, answer, c.status); !strings.Contains(p.Detail, c.says) {
			t.Errorf("%s is refused with %q", path, p.Detail)
		}
	}
	problemOf(t, get(s.HealthHandler(true), "/v1/cluster"), http.StatusNotFound)
}

func TestQuestionEndsWithItsTime(t *testing.T) {
	s := newSite()
	s.Answer(&slow{begun: make(chan struct{}, 1), let: make(chan struct{})})
	var status messages.ClusterStatus
	answer := get(s.Handler(true), "/v1/cluster?timeout=1ms")
	if err := json.Unmarshal(answer.Body.Bytes(), &status); err != nil || !status.Partial {
		t.Errorf("the answer is %s, error %v", answer.Body, err)
	}
}

func TestQuestionsAreLimited(t *testing.T) {
	s := newSite()
	answers := &slow{begun: make(chan struct{}), let: make(chan struct{})}
	s.Answer(answers)
	var asking sync.WaitGroup
	for range questionsAtOnce {
		asking.Go(func() {
			if answer := get(s.Handler(true), "/v1/cluster?timeout=20s"); answer.Code != http.StatusOK {
				t.Errorf("one of %d is answered with %d", questionsAtOnce, answer.Code)
			}
		})
		<-answers.begun
	}
	problemOf(t, get(s.Handler(true), "/v1/cluster"), http.StatusServiceUnavailable)
	if answer := get(s.Handler(true), "/healthz"); answer.Code != http.StatusOK {
		t.Errorf("a probe is answered with %d meanwhile", answer.Code)
	}
	close(answers.let)
	asking.Wait()
}
