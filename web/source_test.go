package web

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"

	"anomalydetector/web/answers"
	"anomalydetector/web/answers/madeup"
)

// stuck is an answer that accepts nothing in time.
type stuck struct{ header http.Header }

func (s *stuck) Header() http.Header       { return s.header }
func (s *stuck) WriteHeader(int)           {}
func (s *stuck) Write([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

// Open streams do not count as requests that take long.
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
		// The first request is the one for the samples during the stream.
		if got := after[`anomalydetector_http_request_duration_seconds_count{result="answered"}`]; got != "1" {
			t.Errorf("%s requests are measured, want 1", got)
		}
	})
}

// The API's answers have the strict headers, and its questions share the limit with all others.
func TestAPIIsGuardedLikeEverythingElse(t *testing.T) {
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

// The guard lets events through at once, and the server does not wait for the streams to end.
func TestServerClosesThoughStreamsAreOpen(t *testing.T) {
	s := newSite()
	s.Show(madeup.New())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := Serve(listener, s.Handler(true), "", slog.New(slog.DiscardHandler))
	answer, err := http.Get("http://" + listener.Addr().String() + "/api/v1/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	begin := make([]byte, len("retry: 3000\n\n"))
	if _, err := io.ReadFull(answer.Body, begin); err != nil || string(begin) != "retry: 3000\n\n" {
		t.Errorf("it begins with %q, error %v", begin, err)
	}
	s.CloseStreams()
	if rest, err := io.ReadAll(answer.Body); len(rest) > 0 || err != nil {
		t.Errorf("then there is %q, error %v", rest, err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
}
