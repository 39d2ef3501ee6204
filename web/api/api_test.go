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

// A change of the API shows in the diff.
func TestOpenAPIDocumentIsTheCommittedOne(t *testing.T) {
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

// whole are the endpoints with one item or list as their answer.
var whole = map[string]string{
	"/status": "Status", "/detectors": "ListDetector", "/nodes": "ListNode", "/anomalies": "ListAnomaly", "/anomalies/aa00": "Anomaly", "/episodes": "ListEpisode",
	"/lanes": "Lanes", "/entity?key=-1,64510": "Entity", "/entities": "ListEntityRef",
}

// The answers include null.
func TestAnswersMatchTheOpenAPIDocument(t *testing.T) {
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

// The numbers are those of the made-up Source.
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

// A client that wants a table can read why there is none.
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

func TestProblemsOfTheSourceReachTheClient(t *testing.T) {
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

// A table says so, too.
func TestNodeThatDoesNotAnswerMakesAnswersPartial(t *testing.T) {
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

func TestSourceIsNotAskedBeforeTheDetectorsBeginOrWhileTooManyAsk(t *testing.T) {
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

// The place is released however the question ends.
func TestEachQuestionReleasesItsPlace(t *testing.T) {
	a := newAPI(t, madeup.New())
	open := 0
	a.config.Begin = func() (func(), bool) { open++; return func() { open-- }, true }
	for _, path := range []string{"/status", "/anomalies?nothing=1", "/anomalies?asn=1", "/anomalies?detector=x&asn=1", "/entity?key=x", "/anomalies?format=csv"} {
		if get(a, path); open != 0 {
			t.Errorf("after %s there are %d", path, open)
		}
	}
}
