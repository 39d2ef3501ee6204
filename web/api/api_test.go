package api

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"anomalydetector/web/answers"
	"anomalydetector/web/answers/madeup"
)

var update = flag.Bool("update", false, "write openapi.json and the golden tables anew")

// free lets every question be answered.
func free() (func(), bool) { return func() {}, true }

func newAPI(t testing.TB, source answers.Source) *API {
	t.Helper()
	return New(Config{
		Version: "1.2.3", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return madeup.At }, Begin: free,
		Source: func() answers.Source { return source },
	})
}

func ask(a http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, "http://localhost"+path, nil)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	a.ServeHTTP(answer, request)
	return answer
}

func get(a http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	return ask(a, http.MethodGet, Root+path, headers...)
}

// golden compares a text with a file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; if that is meant, run: go test ./web/api -update\n%s", file, got)
	}
}

// TestDocumentIsTheCommittedOne: whoever changes the API sees it in the diff.
func TestDocumentIsTheCommittedOne(t *testing.T) {
	a := newAPI(t, madeup.New())
	answer := get(a, "/openapi.json")
	document := strings.Replace(answer.Body.String(), `"version": "1.2.3"`, `"version": "unreleased"`, 1)
	golden(t, "openapi.json", document+"\n")
	if text, err := a.Document(); err != nil || string(text) != answer.Body.String() {
		t.Errorf("what is served is not the document, error %v", err)
	}
	if kind := answer.Header().Get("Content-Type"); kind != "application/openapi+json" || !strings.Contains(document, `"openapi": "3.1.0"`) {
		t.Errorf("the type is %s", kind)
	}
	if strings.Contains(document, "$schema") {
		t.Error("answers have links to schemas")
	}
	if answer := get(a, "/openapi.yaml"); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "openapi: 3.1.0") {
		t.Errorf("as YAML it is %d: %.100s", answer.Code, answer.Body)
	}
	for _, page := range []string{"/docs", "/schemas/Anomaly", "/openapi-3.0.json"} {
		if answer := get(a, page); answer.Code != http.StatusNotFound {
			t.Errorf("%s is answered with %d", page, answer.Code)
		}
	}
}

// endpoints that answer as they are.
var whole = map[string]string{
	"/status": "Status", "/detectors": "ListDetector", "/nodes": "ListNode", "/anomalies": "ListAnomaly", "/anomalies/aa00": "Anomaly", "/episodes": "ListEpisode",
	"/lanes": "Lanes", "/entity?key=-1,64510": "Entity", "/entities": "ListEntityRef",
}

// TestAnswersAreAsTheDocumentSays, also those with null.
func TestAnswersAreAsTheDocumentSays(t *testing.T) {
	source := madeup.New()
	a := newAPI(t, source)
	registry := a.huma.OpenAPI().Components.Schemas
	check := func(path, schema string) {
		t.Helper()
		answer := get(a, path)
		var value any
		if err := json.Unmarshal(answer.Body.Bytes(), &value); err != nil || answer.Code != http.StatusOK {
			t.Fatalf("%s is answered with %d, error %v: %s", path, answer.Code, err, answer.Body)
		}
		result := &huma.ValidateResult{}
		if registry.Map()[schema] == nil {
			t.Fatalf("there is no schema %s", schema)
		}
		huma.Validate(registry, registry.Map()[schema], huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, value, result)
		for _, err := range result.Errors {
			t.Errorf("%s: %v", path, err)
		}
		if answer.Header().Get("Content-Type") != jsonType || answer.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s has the headers %v", path, answer.Header())
		}
		if head := ask(a, http.MethodHead, Root+path); head.Code != http.StatusOK {
			t.Errorf("HEAD %s is answered with %d", path, head.Code)
		}
	}
	for path, schema := range whole {
		check(path, schema)
	}
	source.One = answers.Entity{EntityRef: answers.EntityRef{Key: "-1,64510"}, Reason: "unknown"}
	check("/entity?key=-1,64510", "Entity")
	source.All.Detectors = nil
	check("/status", "Status")
}

// TestNumbersAndTimesAreExact: the numbers are those of the made-up Source.
func TestNumbersAndTimesAreExact(t *testing.T) {
	source := madeup.New()
	at := madeup.At.Add(7*time.Millisecond + 999*time.Microsecond)
	zero := 0.0
	source.One.Coverage = 1 / zero
	a := newAPI(t, source)
	for path, want := range map[string]string{
		"/anomalies/aa01": `{"id":"aa01","detector":"hegemony","entity":"-1,64510","fields":[{"name":"scope","value":"-1","asn":false},{"name":"asn","value":"64510","asn":true}],` +
			`"time":"2026-01-02T03:15:00.000Z","value":0.1,"usual":0.30000000000000004,"scale":1e-21,"deviation":-20.5,"direction":"down","low":0.25,"high":0.35,` +
			`"output":{"topic":"anomalies","partition":1,"offset":7},"input":{"topic":"points","partition":2,"offset":99}}` + "\n",
		"/anomalies/aa00": `{"id":"aa00","detector":"hegemony","entity":"=Paris, 1,64511","fields":[{"name":"scope","value":"=Paris, 1","asn":false},{"name":"asn","value":"64511","asn":true}],` +
			`"time":"2026-01-02T03:00:00.000Z","value":2,"usual":null,"scale":null,"deviation":null,"direction":"up","low":null,"high":null,` +
			`"output":{"topic":"anomalies","partition":0,"offset":3},"input":null}` + "\n",
	} {
		if got := get(a, path).Body.String(); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", path, got, want)
		}
	}
	if got := string(Encode(at.In(time.FixedZone("", 3600)))); got != `"2026-01-02T03:00:00.007Z"`+"\n" {
		t.Errorf("a time of another zone is %s", got)
	}
	if got := get(a, "/entity?key=-1,64510").Body.String(); !strings.Contains(got, `"coverage":null`) || !strings.Contains(got, `"missing":[]`) {
		t.Errorf("a number that is not finite, and a list that is empty: %s", got)
	}
}

// TestParametersReachTheSource as they were meant.
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
		"/anomalies?from=2026-01-02T04:00:00+01:00":    answers.AnomaliesQuery{Filter: answers.Filter{From: at}, Limit: 100}, // a plus that nobody escaped
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

// TestFieldNamedLikeAParameterHasAPrefix: without it, the parameter is meant.
func TestFieldNamedLikeAParameterHasAPrefix(t *testing.T) {
	source := madeup.New()
	source.All.Detectors[0].KeyFields = []answers.KeyField{{Name: "limit"}}
	get(newAPI(t, source), "/anomalies?limit=5&field.limit=x")
	want := answers.AnomaliesQuery{Filter: answers.Filter{Fields: map[string]string{"limit": "x"}}, Limit: 5}
	if got := source.Asked(); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("asked was %+v, want %+v", got, want)
	}
}

func problemIn(t *testing.T, answer *httptest.ResponseRecorder) (p Problem) {
	t.Helper()
	if kind := answer.Header().Get("Content-Type"); kind != problemType {
		t.Fatalf("the type is %s of %d: %s", kind, answer.Code, answer.Body)
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &p); err != nil || p.Status != answer.Code || p.Title != http.StatusText(p.Status) || p.Type != "about:blank" || p.Detail == "" {
		t.Errorf("error %v, status %d, problem %+v", err, answer.Code, p)
	}
	return p
}

// TestWrongParameterIsNamed, with what is wanted instead, and the Source is not asked.
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
		"/episodes?state=shut":                               {Parameter: "state", Value: "shut", Detail: `state is "shut": want value to be one of "open, ended"`},
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

// TestProblemsAreJSONWhateverIsAccepted: whoever wants a table can read why there is none.
func TestProblemsAreJSONWhateverIsAccepted(t *testing.T) {
	a := newAPI(t, madeup.New())
	for _, accept := range []string{"text/csv", "application/x-ndjson", "application/xml", "*/*", "a, b;;q=x"} {
		problemIn(t, get(a, "/anomalies?limit=0", "Accept", accept))
		problemIn(t, get(a, "/entity?key=nobody&format=csv", "Accept", accept))
	}
}

func TestOtherMethodsAndPathsAreProblems(t *testing.T) {
	a := newAPI(t, madeup.New())
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions, "BREW"} {
		for path := range whole {
			answer := ask(a, method, Root+path)
			if problemIn(t, answer); answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s is answered with %d and allows %q", method, path, answer.Code, answer.Header().Get("Allow"))
			}
		}
	}
	if p := problemIn(t, get(a, "/anomalys")); p.Status != http.StatusNotFound || p.Detail != `there is no "/api/v1/anomalys"; did you mean /api/v1/anomalies?` {
		t.Errorf("a path that is misspelt: %+v", p)
	}
	if p := problemIn(t, get(a, "/anomalies/a/b")); p.Status != http.StatusNotFound {
		t.Errorf("a path that is too long: %+v", p)
	}
}

// TestProblemsOfTheSourceAreToldAsTheyAre.
func TestProblemsOfTheSourceAreToldAsTheyAre(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		want  Problem
		retry string
	}{
		"its own": {&answers.Problem{Status: 503, Detail: "it is joining", Parameter: "detector", Value: 7, Similar: []string{"a"}, RetryAfter: 1500 * time.Millisecond},
			Problem{Status: 503, Detail: "it is joining", Parameter: "detector", Value: "7", Similar: []string{"a"}}, "2"},
		"wrapped":       {fmt.Errorf("ask: %w", &answers.Problem{Status: 404, Detail: "gone"}), Problem{Status: 404, Detail: "gone"}, ""},
		"of no status":  {&answers.Problem{Detail: "odd"}, Problem{Status: 500, Detail: "odd"}, ""},
		"late":          {fmt.Errorf("ask: %w", os.ErrDeadlineExceeded), Problem{Status: 500, Detail: "this is an error of the program; the log has it"}, ""},
		"of no kind":    {errors.New("secret"), Problem{Status: 500, Detail: "this is an error of the program; the log has it"}, ""},
		"of a deadline": {fmt.Errorf("ask: %w", contextDeadline), Problem{Status: 503, Detail: "there was no answer within 2s"}, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			source := madeup.New()
			source.Err = c.err
			a := newAPI(t, source)
			for path := range whole {
				if path == "/detectors" || strings.HasPrefix(path, "/anomalies/") { // which the made-up Source always answers
					continue
				}
				answer := get(a, path)
				c.want.Type, c.want.Title = "about:blank", http.StatusText(c.want.Status)
				if got := problemIn(t, answer); !reflect.DeepEqual(got, c.want) || answer.Header().Get("Retry-After") != c.retry {
					t.Errorf("%s: %+v, Retry-After %q", path, got, answer.Header().Get("Retry-After"))
				}
			}
		})
	}
}

func TestUnknownEntityNamesSimilarOnes(t *testing.T) {
	p := problemIn(t, get(newAPI(t, madeup.New()), "/entity?key=-1,64501"))
	if p.Status != 404 || p.Parameter != "key" || p.Value != "-1,64501" || !reflect.DeepEqual(p.Similar, []string{"-1,64510"}) {
		t.Errorf("it is %+v", p)
	}
}

// TestNodeThatIsAwayMakesAnswersPartial, also as a table.
func TestNodeThatIsAwayMakesAnswersPartial(t *testing.T) {
	source := madeup.New()
	source.Anomalous.Partial, source.Anomalous.Problems = true, []string{"node b did not answer\nat all"}
	a := newAPI(t, source)
	if got := get(a, "/anomalies").Body.String(); !strings.HasSuffix(got, `,"partial":true,"problems":["node b did not answer\nat all"]}`+"\n") {
		t.Errorf("the end is %s", got[len(got)-100:])
	}
	answer := get(a, "/anomalies?format=csv")
	if answer.Header().Get("Answer-Partial") != "true" || answer.Header().Get("Answer-Problem") != `"node b did not answer\nat all"` {
		t.Errorf("the headers are %v", answer.Header())
	}
}

func TestNobodyIsAskedBeforeTheDetectorsBeginOrWhileTooManyAsk(t *testing.T) {
	begun, some := newAPI(t, nil), newAPI(t, madeup.New())
	begun.config.Source = func() answers.Source { return nil }
	asking := 0
	some.config.Begin = func() (func(), bool) { asking++; return nil, false }
	for name, a := range map[string]*API{"the detectors have not begun": begun, "other questions are being answered": some} {
		for path := range whole {
			answer := get(a, path)
			if p := problemIn(t, answer); p.Status != http.StatusServiceUnavailable || p.Detail != name || answer.Header().Get("Retry-After") != "1" {
				t.Errorf("%s: %+v, Retry-After %q", path, p, answer.Header().Get("Retry-After"))
			}
		}
		if p := problemIn(t, get(a, "/stream")); p.Status != http.StatusServiceUnavailable || p.Detail != name {
			t.Errorf("/stream: %+v", p)
		}
	}
	if asking != len(whole)+1 {
		t.Errorf("%d questions wanted leave, want %d", asking, len(whole)+1)
	}
	if answer := get(begun, "/openapi.json"); answer.Code != http.StatusOK {
		t.Errorf("the document is answered with %d", answer.Code)
	}
}

// TestEachQuestionGivesItsLeaveBack, however it ends.
func TestEachQuestionGivesItsLeaveBack(t *testing.T) {
	a := newAPI(t, madeup.New())
	open := 0
	a.config.Begin = func() (func(), bool) { open++; return func() { open-- }, true }
	for _, path := range []string{"/status", "/anomalies?nothing=1", "/anomalies?asn=1", "/anomalies?detector=x&asn=1", "/entity?key=x", "/anomalies?format=csv"} {
		if get(a, path); open != 0 {
			t.Errorf("after %s there are %d", path, open)
		}
	}
}

// TestTables compares CSV and NDJSON with files.
func TestTables(t *testing.T) {
	source := madeup.New()
	source.Anomalous.Next = "a b"
	a := newAPI(t, source)
	for _, c := range []struct{ name, path, accept string }{
		{"anomalies.csv", "/anomalies?format=csv", ""}, {"anomalies.ndjson", "/anomalies", "application/x-ndjson"},
		{"episodes.csv", "/episodes", "text/csv;q=1, application/json"}, {"episodes.ndjson", "/episodes?format=ndjson", "text/csv"},
		{"entities.csv", "/entities?format=csv", ""}, {"entities.ndjson", "/entities?format=ndjson", ""},
		{"window.csv", "/entity?key=-1,64510&format=csv", ""}, {"window.ndjson", "/entity?key=-1,64510&format=ndjson", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := get(a, c.path, "Accept", c.accept)
			golden(t, filepath.Join("testdata", c.name), answer.Body.String())
			kind := map[string]string{".csv": "text/csv; charset=utf-8; header=present", ".ndjson": "application/x-ndjson"}[filepath.Ext(c.name)]
			if answer.Header().Get("Content-Type") != kind {
				t.Errorf("the type is %s, want %s", answer.Header().Get("Content-Type"), kind)
			}
		})
	}
	if link := get(a, "/anomalies?format=csv&limit=2").Header().Get("Link"); link != `</api/v1/anomalies?cursor=a+b&format=csv&limit=2>; rel="next"` {
		t.Errorf("the next page is at %s", link)
	}
	source.All.Detectors[0].KeyFields = source.All.Detectors[0].KeyFields[:1] // what the items have is shown, too
	if got := get(a, "/entities?format=csv").Body.String(); !strings.HasPrefix(got, "detector,key,partition,stored,key.scope,key.asn\r\nhegemony,\"-1,64510\",,false,-1,64510\r\n") {
		t.Errorf("the table is %s", got)
	}
	source.All.Detectors[0].KeyFields = madeup.New().All.Detectors[0].KeyFields
	source.Anomalous.Items = nil
	if got := get(a, "/anomalies?format=csv").Body.String(); !strings.HasSuffix(got, ",key.scope,key.asn\r\n") {
		t.Errorf("without items the table is %q", got)
	}
}

// TestSpreadsheetsTakeNoTextForAFormula, and numbers stay numbers.
func TestSpreadsheetsTakeNoTextForAFormula(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "a=1": "a=1", "=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0", "-cmd": "'-cmd", "\tx": "'\tx", "\rx": "'\rx",
		"-1": "-1", "-1,64510": "-1,64510", "+1.5": "+1.5", "-1,-2": "-1,-2", "Paris, FR": "Paris, FR", "-1+cmd|x": "'-1+cmd|x",
	} {
		if got := protected(text); got != want {
			t.Errorf("%q is written as %q, want %q", text, got, want)
		}
	}
}

// FuzzQuery asks with any query. Each is answered, or refused with a problem document;
// the number of both depends on it alone.
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

// FuzzMoment: what is read as a time can be written as one.
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
