package bootstrap

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"anomalydetector/web/answers"
	"anomalydetector/web/api"
)

// siteReader reads the API of a running process.
type siteReader struct {
	address string
	find    func(context.Context) (string, error) // the address may change with a restart
	timeout time.Duration
	lost    func(why error) // called once for each connection that ends
	client  *http.Client    // nil: siteClient
}

// Anomalies reads a page of anomalies.
func (s *siteReader) Anomalies(ctx context.Context, q answers.AnomaliesQuery) (list answers.List[answers.Anomaly], err error) {
	return list, s.get(ctx, "/anomalies", page(q.Filter, q.Limit, q.Cursor), &list)
}

// Episodes reads a page of episodes.
func (s *siteReader) Episodes(ctx context.Context, q answers.EpisodesQuery) (list answers.List[answers.Episode], err error) {
	values := page(q.Filter, q.Limit, q.Cursor)
	if q.State != "" {
		values.Set("state", string(q.State))
	}
	if q.Kind != "" {
		values.Set("kind", string(q.Kind))
	}
	return list, s.get(ctx, "/episodes", values, &list)
}

// Detectors reads the detectors of the process.
func (s *siteReader) Detectors(ctx context.Context) (list answers.List[answers.Detector], err error) {
	return list, s.get(ctx, "/detectors", url.Values{}, &list)
}

// Entity reads everything that is known of an entity.
func (s *siteReader) Entity(ctx context.Context, detector, key string) (found answers.Entity, err error) {
	return found, s.get(ctx, "/entity", url.Values{"detector": {detector}, "key": {key}}, &found)
}

// Similar returns the keys of entities that are similar to an unknown key.
func (s *siteReader) Similar(ctx context.Context, detector, key string) []string {
	err := s.get(ctx, "/entity", url.Values{"detector": {detector}, "key": {key}}, &struct{}{})
	var problem *answers.Problem
	if errors.As(err, &problem) && problem.Status == http.StatusNotFound {
		return problem.Similar
	}
	return nil
}

func page(f answers.Filter, limit int, cursor string) url.Values {
	values := filterValues(f)
	values.Set("limit", strconv.Itoa(limit))
	if cursor != "" {
		values.Set("cursor", cursor)
	}
	return values
}

// filterValues are the query parameters of a filter.
func filterValues(f answers.Filter) url.Values {
	values := url.Values{"detector": {f.Detector}}
	if f.MinDeviation != 0 {
		values.Set("min_deviation", strconv.FormatFloat(f.MinDeviation, 'g', -1, 64))
	}
	if !f.From.IsZero() {
		values.Set("from", f.From.UTC().Format(time.RFC3339Nano))
	}
	return values
}

func (s *siteReader) get(ctx context.Context, path string, values url.Values, into any) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	values.Set("timeout", (s.timeout * 9 / 10).String()) // leaves time for the way back
	response, err := s.ask(ctx, path, values, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, mostSite)).Decode(into); err != nil {
		return fmt.Errorf("ask the detector at %s: the answer is not that of an anomaly detector: %w", s.address, err)
	}
	return nil
}

// ask sends a request. For any status but 200 it returns an error that wraps an *answers.Problem.
func (s *siteReader) ask(ctx context.Context, path string, values url.Values, header http.Header) (*http.Response, error) {
	where := url.URL{Scheme: "http", Host: s.address, Path: api.Root + path, RawQuery: values.Encode()}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where.String(), nil)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := cmp.Or(s.client, siteClient).Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the detector at %s: %w", s.address, errors.Unwrap(err))
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()
	told := api.Problem{Detail: "it answers " + response.Status}
	_ = json.NewDecoder(io.LimitReader(response.Body, mostSite)).Decode(&told) // without a detail, the error has the status only
	problem := &answers.Problem{Status: response.StatusCode, Detail: told.Detail, Parameter: told.Parameter, Value: told.Value, Similar: told.Similar}
	return nil, fmt.Errorf("ask the detector at %s: %w", s.address, problem)
}
