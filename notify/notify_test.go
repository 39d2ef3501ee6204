package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"anomalydetector/episode"
)

// alertmanager is a fake one, in the place of the network.
type alertmanager struct {
	mu       sync.Mutex
	problem  func(r *http.Request, alerts []wire) (status int, err error) // nil: it takes everything
	requests []time.Time
	largest  int
	known    map[string]wire // by labels
}

func (a *alertmanager) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var alerts []wire
	if err := json.Unmarshal(body, &alerts); err != nil {
		return nil, err
	}
	a.requests = append(a.requests, time.Now())
	a.largest = max(a.largest, len(alerts))
	status := http.StatusOK
	if a.problem != nil {
		if status, err = a.problem(r, alerts); err != nil {
			return nil, err
		}
	}
	if status == http.StatusOK {
		for _, one := range alerts {
			a.known[fmt.Sprint(one.Labels)] = one
		}
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Body: io.NopCloser(strings.NewReader("no\xff reason")), Request: r}, nil
}

// fails makes it answer with a status or an error from now on.
func (a *alertmanager) fails(status int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.problem = func(*http.Request, []wire) (int, error) { return status, err }
	if status == http.StatusOK {
		a.problem = nil
	}
}

// counts are how many alerts it knows to be open and to be resolved now.
func (a *alertmanager) counts() (open, resolved int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, one := range a.known {
		if one.EndsAt.After(time.Now()) {
			open++
		} else {
			resolved++
		}
	}
	return open, resolved
}

func (a *alertmanager) asked() []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.requests)
}

// only is the only alert that it knows.
func (a *alertmanager) only(t *testing.T) wire {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) != 1 {
		t.Fatalf("it knows %d alerts, want one: %v", len(a.known), a.known)
	}
	for _, one := range a.known {
		return one
	}
	panic("not reached")
}

// log is what a notifier logs.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(strings.Split(l.text.String(), "\n"), func(line string) bool { return line == "" })
}

// started is a notifier that runs in virtual time, and whom it tells.
type started struct {
	*Notifier
	to  *alertmanager
	log *log
}

// start runs a notifier in virtual time until the test ends.
func start(t *testing.T, change func(*Config), test func(*started)) {
	synctest.Test(t, func(t *testing.T) {
		s := &started{to: &alertmanager{known: make(map[string]wire)}, log: &log{}}
		config := Config{Detector: "hegemony", KeyFields: []string{"scope", "asn"}, Alertmanagers: []string{"http://am:9093/prefix"},
			Page: "http://page/", Resend: time.Minute, Timeout: 10 * time.Second, Client: &http.Client{Transport: s.to},
			Log: slog.New(slog.NewTextHandler(s.log, nil)), Now: time.Now}
		if change != nil {
			change(&config)
		}
		var err error
		if s.Notifier, err = New(config); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { s.Run(ctx) })
		test(s)
		cancel()
		running.Wait()
	})
}

func number(x float64) episode.Number { return episode.NumberOf(x) }

// opened is the record of a deviation that opens now.
func opened(scope, asn string) episode.Record {
	at := time.Now().UnixMilli()
	return episode.Record{ID: "0123", Event: "opened", Kind: "deviation", Detector: "hegemony", Entity: scope + "," + asn,
		Fields: map[string]string{"scope": scope, "asn": asn}, OpenedAt: at, At: at, Direction: "below", Points: 1,
		Usual: number(0.75), Low: number(0.7), High: number(0.8), Value: number(0.125), Deviation: number(-12.5)}
}

// resolved is the record of its end, now.
func resolved(r episode.Record) episode.Record {
	r.Event, r.At, r.Outcome = "resolved", time.Now().UnixMilli(), "recovered"
	r.Resolved = r.At
	return r
}

func events(records ...episode.Record) (all []Event) {
	for _, r := range records {
		all = append(all, Event{r, 3})
	}
	return all
}

func TestAlertIsAsAPrometheusSendsIt(t *testing.T) {
	start(t, nil, func(s *started) {
		s.to.problem = func(r *http.Request, _ []wire) (int, error) {
			if r.Method != http.MethodPost || r.URL.String() != "http://am:9093/prefix/api/v2/alerts" || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("it asks %s %s %s", r.Method, r.URL, r.Header)
			}
			return http.StatusOK, nil
		}
		s.Live()
		record := opened("-1", "2497")
		record.OpenedAt -= 60_000
		s.Add(events(record))
		synctest.Wait()
		first, now := s.to.only(t), time.Now()
		labels := map[string]string{"alertname": "AnomalyEpisode", "detector": "hegemony", "kind": "deviation", "direction": "below",
			"entity": "-1,2497", "scope": "-1", "asn": "2497"}
		if fmt.Sprint(first.Labels) != fmt.Sprint(labels) || !first.StartsAt.Equal(now) || !first.EndsAt.Equal(now.Add(4*time.Minute)) {
			t.Errorf("%+v", first)
		}
		link := "http://page/entity?anomaly=0123&detector=hegemony&key=-1%2C2497"
		annotations := map[string]string{"episode": "0123", "link": link, "value": "0.125", "usual": "0.75", "low": "0.7", "high": "0.8", "deviation": "-12.5",
			"opened_at": "1999-12-31T23:59:00Z",
			"summary":   "AS2497 in the global graph fell from 0.75 to 0.12, 12.5 deviations below its usual level, since 1999-12-31 23:59 UTC."}
		if first.GeneratorURL != link || fmt.Sprint(first.Annotations) != fmt.Sprint(annotations) {
			t.Errorf("%q, want %q", first.Annotations, annotations)
		}

		time.Sleep(time.Hour - 30*time.Second)
		s.Add(events(resolved(record)))
		synctest.Wait()
		last := s.to.only(t) // the labels are the same
		if !last.EndsAt.Equal(time.Now()) || last.StartsAt.After(last.EndsAt) || last.Annotations["resolved_at"] != "2000-01-01T00:59:30Z" || last.Annotations["outcome"] != "recovered" ||
			!strings.HasSuffix(last.Annotations["summary"], "its usual level, from 1999-12-31 23:59 UTC to 2000-01-01 00:59 UTC: recovered.") {
			t.Errorf("%+v", last)
		}
		time.Sleep(time.Hour)
		if count := len(s.to.asked()); count != 60+15 {
			t.Errorf("%d requests; want one a minute, and 15 of the end", count)
		}
		if status := s.Status()[0]; status.Alertmanager != "am:9093/prefix" || status.Sent != 75 || status.Errors+status.Dropped != 0 || status.Waiting != 0 {
			t.Errorf("%+v", status)
		}
	})
}

func TestNothingIsSentBeforeTheEndOfTheTopic(t *testing.T) {
	start(t, nil, func(s *started) {
		first := opened("1", "2")
		s.Add(events(first, opened("1", "3")))
		time.Sleep(time.Hour)
		s.Add(events(resolved(first)))
		time.Sleep(time.Hour)
		if len(s.to.asked()) > 0 {
			t.Error("history is told")
		}
		s.Live()
		synctest.Wait()
		if open, ended := s.to.counts(); open != 1 || ended != 0 {
			t.Errorf("%d open, %d resolved; want the open one", open, ended)
		}
	})
}

func TestManyAlertsGoInBatches(t *testing.T) {
	start(t, nil, func(s *started) {
		s.Live()
		var records []episode.Record
		for i := range 500 {
			records = append(records, opened("1", fmt.Sprint(i)))
		}
		s.Add(events(records...))
		synctest.Wait()
		if open, _ := s.to.counts(); open != 500 || s.to.largest != 64 || len(s.to.asked()) != 8 {
			t.Errorf("%d open alerts in %d requests of at most %d", open, len(s.to.asked()), s.to.largest)
		}
	})
}

// One line at the beginning, one when it is back. Then it knows everything, also what ended meanwhile.
func TestOutageOfADayIsSurvived(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		err    error
	}{"refused connections": {0, errors.New("connection refused")}, "unavailable": {503, nil}, "unauthorized": {401, nil}, "throttled": {429, nil}} {
		t.Run(name, func(t *testing.T) {
			start(t, nil, func(s *started) {
				s.Live()
				kept := []episode.Record{opened("1", "1"), opened("1", "2")}
				s.Add(events(kept...))
				synctest.Wait()
				s.to.fails(c.status, c.err)
				before := len(s.to.asked())
				time.Sleep(time.Hour)
				s.Add(events(resolved(kept[0])))
				s.Add(events(opened("1", "3")))
				time.Sleep(22 * time.Hour)
				waits := s.to.asked()[before:]
				for i, at := range waits[1:] {
					if wait := at.Sub(waits[i]); wait < 500*time.Millisecond || wait > time.Minute {
						t.Errorf("it waits %s after a failure", wait)
					}
				}
				if most := 23 * 120; len(waits) > most {
					t.Errorf("%d requests in 23 hours, want at most %d", len(waits), most)
				}
				if lines := s.log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[0], "alertmanager=am:9093/prefix") {
					t.Errorf("logged: %q", lines)
				}
				if status := s.Status()[0]; status.Errors < 1000 || status.Sent != 2 || status.Waiting != 3 {
					t.Errorf("%+v", status)
				}
				s.to.fails(http.StatusOK, nil)
				time.Sleep(time.Minute)
				if open, ended := s.to.counts(); open != 2 || ended != 1 {
					t.Errorf("%d open, %d resolved", open, ended)
				}
				if lines := s.log.lines(); len(lines) != 2 || !strings.Contains(lines[1], "takes alerts again") {
					t.Errorf("logged: %q", lines)
				}
			})
		})
	}
}

// A batch with an alert that is refused for ever must not hold up the others.
func TestRefusedAlertsHoldUpNothing(t *testing.T) {
	start(t, nil, func(s *started) {
		s.Live()
		s.to.problem = func(_ *http.Request, alerts []wire) (int, error) {
			if slices.ContainsFunc(alerts, func(one wire) bool { return one.Labels["asn"] == "bad" }) {
				return http.StatusBadRequest, nil
			}
			return http.StatusOK, nil
		}
		s.Add(events(opened("1", "bad")))
		synctest.Wait()
		s.Add(events(opened("1", "1")))
		synctest.Wait()
		if open, _ := s.to.counts(); open != 1 {
			t.Errorf("%d open alerts, want one", open)
		}
		time.Sleep(50 * time.Minute)
		if status := s.Status()[0]; status.Errors == 0 || status.Dropped != status.Errors {
			t.Errorf("%+v", status)
		}
		if lines := s.log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "refused") {
			t.Errorf("logged: %q", lines)
		}
	})
}

func TestSlowAlertmanagerIsGivenUpAfterTheTimeout(t *testing.T) {
	start(t, nil, func(s *started) {
		s.Live()
		s.to.problem = func(r *http.Request, _ []wire) (int, error) {
			<-r.Context().Done()
			return 0, r.Context().Err()
		}
		begun := time.Now()
		s.Add(events(opened("1", "1")))
		time.Sleep(10500 * time.Millisecond)
		if status := s.Status()[0]; status.Errors != 1 {
			t.Errorf("after %s: %+v", time.Since(begun), status)
		}
	})
}

func TestTooManyOpenEpisodesAreDroppedAndLoggedOnce(t *testing.T) {
	start(t, func(c *Config) { c.most = 100 }, func(s *started) {
		s.Live()
		for i := range 300 {
			s.Add(events(opened("1", fmt.Sprint(i))))
		}
		synctest.Wait()
		if open, _ := s.to.counts(); open != 100 || s.Status()[0].Dropped != 200 || len(s.log.lines()) != 1 {
			t.Errorf("%d open, %+v, logged %q", open, s.Status(), s.log.lines())
		}
	})
}

func TestOnlyTheKindsThatAreAskedForAreTold(t *testing.T) {
	start(t, func(c *Config) { c.Kinds = []string{"gap"} }, func(s *started) {
		s.Live()
		gap := episode.Record{ID: "1", Event: "opened", Kind: "gap", OpenedAt: time.Now().UnixMilli(), Usual: number(100), Value: number(12)}
		absence := opened("1", "2")
		absence.Kind = "absence"
		other := opened("1", "2")
		other.Kind = "another"
		s.Add(events(gap, absence, other, opened("1", "2")))
		synctest.Wait()
		if one := s.to.only(t); one.Labels["alertname"] != "PipelineGap" || one.Labels["partition"] != "3" || one.Labels["entity"] != "" ||
			one.Annotations["summary"] != "The input of hegemony has a gap in partition 3, since 2000-01-01 00:00 UTC: 12 entities, usually 100." {
			t.Errorf("%+v", one)
		}
	})
}

// The stream's times may be anything.
func TestTimesOfTheStreamDoNotMatterToAnAlertmanager(t *testing.T) {
	start(t, nil, func(s *started) {
		s.Live()
		for i, times := range [][2]int64{{0, 0}, {-1 << 62, -1 << 61}, {1 << 62, 1}, {time.Now().UnixMilli() + 1e9, time.Now().UnixMilli() + 2e9}} {
			one := opened("1", fmt.Sprint(i))
			one.OpenedAt, one.At = times[0], times[0]
			s.Add(events(one))
			synctest.Wait()
			if open, _ := s.to.counts(); open != 1 {
				t.Errorf("%d are open", open)
			}
			one = resolved(one)
			one.Resolved = times[1]
			s.Add(events(one))
			synctest.Wait()
		}
		if open, ended := s.to.counts(); open != 0 || ended != 4 || len(s.log.lines()) > 0 {
			t.Errorf("%d open, %d resolved, logged %q", open, ended, s.log.lines())
		}
	})
}
