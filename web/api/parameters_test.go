package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"anomalydetector/web/answers"
	"anomalydetector/web/answers/madeup"
)

func TestParametersReachTheSource(t *testing.T) {
	at := madeup.At
	for query, want := range map[string]any{
		"/anomalies": answers.AnomaliesQuery{Limit: 100},
		"/anomalies?detector=hegemony&entity=-1%2C64510&q=64&min_deviation=20.5&direction=up&from=2026-01-02T01:00:00%2B01:00&to=1767322800&limit=1000&cursor=abc": answers.AnomaliesQuery{
			Filter: answers.Filter{Detector: "hegemony", Entity: "-1,64510", Text: "64", MinDeviation: 20.5, Direction: answers.Up,
				From: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)}, Limit: 1000, Cursor: "abc"},
		"/anomalies?asn=64510&field.scope=-1":          answers.AnomaliesQuery{Filter: answers.Filter{Fields: map[string]string{"asn": "64510", "scope": "-1"}}, Limit: 100},
		"/anomalies?asn=":                              answers.AnomaliesQuery{Filter: answers.Filter{Fields: map[string]string{"asn": ""}}, Limit: 100},
		"/anomalies?from=-6h&to=-90m":                  answers.AnomaliesQuery{Filter: answers.Filter{From: at.Add(-6 * time.Hour), Until: at.Add(-90 * time.Minute)}, Limit: 100},
		"/anomalies?from=-3d":                          answers.AnomaliesQuery{Filter: answers.Filter{From: at.Add(-72 * time.Hour)}, Limit: 100},
		"/anomalies?from=1767322800.25":                answers.AnomaliesQuery{Filter: answers.Filter{From: at.Add(250 * time.Millisecond)}, Limit: 100},
		"/anomalies?from=2026-01-02T04:00:00+01:00":    answers.AnomaliesQuery{Filter: answers.Filter{From: at}, Limit: 100}, // with a plus that is not escaped
		"/episodes?state=open&limit=5":                 answers.EpisodesQuery{State: answers.Open, Limit: 5},
		"/lanes?by=asn&bin=1h&scope=-1":                answers.LanesQuery{Filter: answers.Filter{Fields: map[string]string{"scope": "-1"}}, By: "asn", Bin: time.Hour, Limit: 100},
		"/lanes?bin=900":                               answers.LanesQuery{Bin: 15 * time.Minute, Limit: 100},
		"/entities?q=645&asn=64510&limit=7&cursor=%7E": answers.EntitiesQuery{Text: "645", Fields: map[string]string{"asn": "64510"}, Limit: 7, Cursor: "~"},
		"/entity?key=-1,64510&detector=hegemony":       [2]string{"hegemony", "-1,64510"},
		"/anomalies/aa00?detector=hegemony":            [2]string{"hegemony", "aa00"},
	} {
		source := madeup.New()
		answer := get(newAPI(t, source), query)
		if got := source.Asked(); answer.Code != http.StatusOK || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("%s is answered with %d, asked was\n%+v, want\n%+v\n%.300s", query, answer.Code, got, want, answer.Body)
		}
	}
}

// If the data are current, they count back from the clock.
func TestRelativeTimesCountBackFromOldData(t *testing.T) {
	years, hour := madeup.At.AddDate(-3, 0, 0), madeup.At.Add(-time.Hour)
	for name, c := range map[string]struct {
		until *time.Time
		now   time.Time
	}{"old data": {&years, years}, "data of now": {&hour, madeup.At}, "no data": {nil, madeup.At}} {
		for path, filter := range map[string]func(any) answers.Filter{
			"/anomalies": func(q any) answers.Filter { return q.(answers.AnomaliesQuery).Filter },
			"/episodes":  func(q any) answers.Filter { return q.(answers.EpisodesQuery).Filter },
			"/lanes":     func(q any) answers.Filter { return q.(answers.LanesQuery).Filter },
			"/stream":    func(q any) answers.Filter { return q.(answers.FollowQuery).Filter },
		} {
			for _, detector := range []string{"", "second"} {
				source := madeup.New()
				source.Following = func(context.Context, answers.FollowQuery, func(answers.Event) error) error { return nil }
				second := source.All.Detectors[0]
				second.Name, second.DataUntil = "second", c.until
				source.All.Detectors = append(source.All.Detectors, second)
				if detector == "" {
					source.All.Detectors = source.All.Detectors[1:]
				}
				get(newAPI(t, source), path+"?from=-6h&to=-1h&detector="+detector)
				want := answers.Filter{Detector: detector, From: c.now.Add(-6 * time.Hour), Until: c.now.Add(-time.Hour)}
				if got := source.Asked(); len(got) != 1 || !reflect.DeepEqual(filter(got[0]), want) {
					t.Errorf("%s, %s of detector %q: asked was %+v, want %+v", name, path, detector, got, want)
				}
			}
		}
	}
}

// Without the prefix the parameter is meant.
func TestFieldNamedLikeAParameterHasAPrefix(t *testing.T) {
	source := madeup.New()
	source.All.Detectors[0].KeyFields = []answers.KeyField{{Name: "limit"}}
	get(newAPI(t, source), "/anomalies?limit=5&field.limit=x")
	want := answers.AnomaliesQuery{Filter: answers.Filter{Fields: map[string]string{"limit": "x"}}, Limit: 5}
	if got := source.Asked(); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("asked was %+v, want %+v", got, want)
	}
}

// The problem says what is wanted instead, and the Source is not asked.
func TestWrongParameterIsNamed(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for query, want := range map[string]Problem{
		"/anomalies?limit=abc":                               {Parameter: "limit", Value: "abc", Detail: `limit is "abc": invalid integer`},
		"/anomalies?limit=0":                                 {Parameter: "limit", Value: "0", Detail: `limit is "0": want number >= 1`},
		"/anomalies?limit=1001":                              {Parameter: "limit", Value: "1001", Detail: `limit is "1001": want number <= 1000`},
		"/anomalies?min_deviation=NaN":                       {Parameter: "min_deviation", Value: "NaN", Detail: "min_deviation is NaN, want a number"},
		"/anomalies?min_deviation=Inf":                       {Parameter: "min_deviation", Value: "+Inf", Detail: "min_deviation is +Inf, want a number"},
		"/anomalies?min_deviation=-1":                        {Parameter: "min_deviation", Value: "-1", Detail: `min_deviation is "-1": want number >= 0`},
		"/anomalies?direction=left":                          {Parameter: "direction", Value: "left", Detail: `direction is "left": want value to be one of "up, down"`},
		"/anomalies?from=yesterday":                          {Parameter: "from", Value: "yesterday", Detail: `from is "yesterday": ` + wantMoment},
		"/anomalies?to=-0h":                                  {Parameter: "to", Value: "-0h", Detail: `to is "-0h": ` + wantMoment},
		"/anomalies?from=-1h&to=-2h":                         {Parameter: "to", Value: "-2h", Detail: "to is 2026-01-02T01:00:00.000Z, want a time after from, which is 2026-01-02T02:00:00.000Z"},
		"/anomalies?limits=5":                                {Parameter: "limits", Value: "5", Detail: `there is no parameter "limits"; did you mean limit?`, Similar: []string{"limit"}},
		"/anomalies?scop=1":                                  {Parameter: "scop", Value: "1", Detail: `there is no parameter "scop"; did you mean scope?`, Similar: []string{"scope"}},
		"/anomalies?field.ans=64510":                         {Parameter: "field.ans", Value: "64510", Detail: `there is no parameter "field.ans"; did you mean field.asn?`, Similar: []string{"field.asn"}},
		"/status?asn=1":                                      {Parameter: "asn", Value: "1", Detail: `there is no parameter "asn", want one of timeout`},
		"/anomalies?asn=1&field.asn=2":                       {Parameter: "field.asn", Value: "2", Detail: `asn is given twice, as "1" and "2"`},
		"/anomalies?limit=1&limit=2":                         {Parameter: "limit", Value: "2", Detail: `"limit" is given 2 times, want it once`},
		"/anomalies?q=%zz":                                   {Detail: `the query cannot be read: invalid URL escape "%zz"`},
		"/anomalies?cursor=a%0Ab":                            {Parameter: "cursor", Value: "a\nb", Detail: `cursor is "a\nb": want string to match pattern ^[!-~]*$`},
		"/anomalies?format=xml":                              {Parameter: "format", Value: "xml", Detail: `format is "xml": want value to be one of "json, csv, ndjson"`},
		"/anomalies?q=" + long:                               {Parameter: "q", Value: long[:100], Detail: `q is "` + long[:50] + `": want length <= 200`},
		"/anomalies?asn=" + long:                             {Parameter: "asn", Value: long[:100], Detail: "asn has 5000 bytes, want at most 4096"},
		"/anomalies/a%20b":                                   {Parameter: "id", Value: "a b", Detail: `id is "a b": want string to match pattern ^[A-Za-z0-9._~-]+$`},
		"/anomalies/" + long:                                 {Parameter: "id", Value: long[:100], Detail: `id is "` + long[:50] + `": want length <= 128`},
		"/episodes?state=shut":                               {Parameter: "state", Value: "shut", Detail: `state is "shut": want value to be one of "open, ended, silent"`},
		"/lanes?bin=-5m":                                     {Parameter: "bin", Value: "-5m", Detail: `bin is "-5m", want a duration such as 15m, 1h or 1d`},
		"/entity":                                            {Parameter: "key", Detail: "key is missing"},
		"/entity?key=a&timeout=1h":                           {Parameter: "timeout", Value: "1h", Detail: `timeout is "1h", want a duration of up to 20s such as 500ms`},
		"/stream?min_deviation=x":                            {Parameter: "min_deviation", Value: "x", Detail: `min_deviation is "x": invalid float`},
		"/stream?nothing=1":                                  {Parameter: "nothing", Value: "1"},
		"/anomalies?detector=hegemon&asn=1":                  {Status: 404, Parameter: "detector", Value: "hegemon", Detail: `there is no detector "hegemon"; did you mean hegemony?`, Similar: []string{"hegemony"}},
		"/anomalies?" + strings.Repeat("y", 300) + "=" + "1": {Parameter: strings.Repeat("y", 100), Value: "1"},
	} {
		source := madeup.New()
		answer := get(newAPI(t, source), query)
		got := problemIn(t, answer)
		status := want.Status
		if status == 0 {
			status = http.StatusBadRequest
		}
		if got.Status != status || got.Parameter != want.Parameter || got.Value != want.Value || want.Detail != "" && got.Detail != want.Detail || !reflect.DeepEqual(got.Similar, want.Similar) {
			t.Errorf("%.60s: %+v, want %+v", query, got, want)
		}
		if len(source.Asked()) != 0 {
			t.Errorf("%.60s: the Source was asked %+v", query, source.Asked())
		}
		if len(got.Detail) > 800 {
			t.Errorf("%.60s: the detail has %d bytes", query, len(got.Detail))
		}
	}
}

// FuzzQuery asks with any query. Each is answered, or refused with a problem document. The status depends on
// the query alone.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{"", "limit=5&asn=64510", "from=-6h&to=1767322800.5", "field.asn=%zz", "min_deviation=1e400", "from=2026-01-02T04:00:00+01:00", "format=csv&q=%00", "a;b"} {
		f.Add(query)
	}
	source := madeup.New()
	a := newAPI(f, source)
	f.Fuzz(func(t *testing.T, query string) {
		for _, path := range []string{"/anomalies", "/lanes", "/entity"} {
			request := httptest.NewRequest(http.MethodGet, Root+path, nil)
			request.URL.RawQuery = query
			answer := httptest.NewRecorder()
			a.ServeHTTP(answer, request)
			switch answer.Code {
			case http.StatusOK:
			case http.StatusBadRequest, http.StatusNotFound:
				problemIn(t, answer)
			default:
				t.Errorf("%s?%s is answered with %d: %s", path, query, answer.Code, answer.Body)
			}
		}
	})
}

// FuzzMoment holds that a text that is read as a time gives a time that can be written.
func FuzzMoment(f *testing.F) {
	for _, text := range []string{"2026-01-02T03:04:05Z", "1767322800.25", "-6h", "-3d", "9999-12-31T23:59:59.999999999-23:59", "1e300", "-9223372036854775808d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, ok := Moment(text, madeup.At)
		if !ok {
			return
		}
		again, ok := Moment(at.Format(time.RFC3339Nano), madeup.At)
		if !ok || !again.Equal(at) {
			t.Errorf("%q is %v, and that is %v, %t", text, at, again, ok)
		}
	})
}
