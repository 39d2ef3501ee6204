package web

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"

	"anomalydetector/web/answers"
	"anomalydetector/web/answers/madeup"
)

// stuck is an answer that takes nothing in time.
type stuck struct{ header http.Header }

func (s *stuck) Header() http.Header       { return s.header }
func (s *stuck) WriteHeader(int)           {}
func (s *stuck) Write([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

// TestStreamsAreCounted, and do not count as requests that take long.
func TestStreamsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		source := madeup.New()
		var during map[string]string
		source.Following = func(ctx context.Context, _ answers.FollowQuery, event func(answers.Event) error) error {
			during = samples(t, s)
			return event(answers.Event{Gap: &answers.Gap{}})
		}
		s.Show(source)
		request := httptest.NewRequest(http.MethodGet, "http://localhost/api/v1/stream", nil)
		s.Handler(true).ServeHTTP(&stuck{make(http.Header)}, request)
		after := samples(t, s)
		of := func(all map[string]string) map[string]string {
			return map[string]string{"open": all["anomalydetector_stream_subscribers"], "dropped": all["anomalydetector_stream_dropped_total"]}
		}
		if want := (map[string]string{"open": "1", "dropped": "0"}); !maps.Equal(of(during), want) {
			t.Errorf("during the stream there are %v, want %v", of(during), want)
		}
		if want := (map[string]string{"open": "0", "dropped": "1"}); !maps.Equal(of(after), want) {
			t.Errorf("after it there are %v, want %v", of(after), want)
		}
		// The first request is that for the samples during the stream.
		if got := after[`anomalydetector_http_request_duration_seconds_count{result="answered"}`]; got != "1" {
			t.Errorf("%s requests are measured, want 1", got)
		}
	})
}

// TestAPIIsGuardedAsAllElse: its answers have the strict headers, its questions share the
// limit with the others.
func TestAPIIsGuardedAsAllElse(t *testing.T) {
	s := newSite()
	problemOf(t, get(s.Handler(true), "/api/v1/status"), http.StatusServiceUnavailable)
	s.Show(madeup.New())
	answer := get(s.Handler(true), "/api/v1/status")
	for name, want := range headers {
		if got := answer.Header().Get(name); answer.Code != http.StatusOK || got != want {
			t.Errorf("status %d, header %s is %q, want %q", answer.Code, name, got, want)
		}
	}
	request := httptest.NewRequest(http.MethodGet, "http://elsewhere.example/api/v1/status", nil)
	refused := httptest.NewRecorder()
	s.Handler(true).ServeHTTP(refused, request)
	problemOf(t, refused, http.StatusMisdirectedRequest)
	for range questionsAtOnce {
		done, free := s.beginQuestion()
		if !free {
			t.Fatal("there is no leave")
		}
		defer done()
	}
	problemOf(t, get(s.Handler(true), "/api/v1/status"), http.StatusServiceUnavailable)
	problemOf(t, get(s.HealthHandler(true), "/api/v1/status"), http.StatusNotFound)
}
