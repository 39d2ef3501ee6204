package page_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"anomalydetector/web/page/sample"
)

// get answers a request as the program does.
func get(t *testing.T, scenario sample.Scenario, path string) (*http.Response, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	sample.Handler(sample.New(scenario)).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	answer := recorder.Result()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func entityPath(detector, key string) string {
	return "/entity?" + url.Values{"detector": {detector}, "key": {key}}.Encode()
}

// plain is the text of a page, without tags.
func plain(body string) string {
	body = regexp.MustCompile(`(?s)<script.*?</script>|<[^>]*>`).ReplaceAllString(body, " ")
	return strings.Join(strings.Fields(body), " ")
}

func TestEachStateSaysWhatItIs(t *testing.T) {
	tests := []struct {
		name, scenario, path string
		status               int
		says                 []string
	}{
		{"busy", "busy", "/", 200, []string{"40 episodes are open.", "37 entities of scope AS64500 changed in the same quarter of an hour", "AS64530 in the global graph rose from 0.041 to 0.61", "ended in these 72 hours", "412,806", "33 more of scope AS64500"}},
		{"calm", "calm", "/", 200, []string{"No anomalies since 10:00 UTC.", "4,000 entities scored, last point 2 min ago."}},
		{"replaying", "replaying", "/", 200, []string{"The history is being replayed.", "31,904,552 records to go at 198,000 a second", "ready in about 2 min", "4 of 10 partitions are ready"}},
		{"partial", "partial", "/", 200, []string{"1 of 3 nodes does not answer. node-3 (10.0.0.3:7070) did not answer within 2 s", "2 of 3 nodes answer"}},
		{"old", "old", "/", 200, []string{"The data is old. The stream is 4 years behind the clock.", "40 episodes are open."}},
		{"demo", "demo", "/", 200, []string{"Demo. This stream is made up."}},
		{"not begun", "notbegun", "/", 503, []string{"The detectors have not begun yet.", "hegemony v6"}},
		{"no point yet", "waiting", "/", 200, []string{"No data has come yet.", "waits for the first point of ihr_hegemony"}},
		{"no broker", "away", "/", 200, []string{"Not connected to Kafka yet. The detector waits for its consumer group ihr_hegemony_detection. The reason is given above.", "no partitions yet", "Times are shown here once"}},
		{"a partition without a node", "killed", "/", 200, []string{"8 of 10 partitions ready, 1 without a node"}},
		{"a node was killed", "killed", "/nodes", 200, []string{"is not in the consumer group any more last answer 40 s ago", "! no node has it", "importing its windows from another node"}},
		{"a node does not answer", "partial", "/nodes", 200, []string{"last answer 12 s ago", "this node has the partition"}},
		{"no answer", "down", "/", 503, []string{"No answer at the moment.", "joining its consumer group", "Try again"}},
		{"entity", "busy", entityPath("hegemony", "-1,64524"), 200, []string{"AS64524 in the global graph fell from 0.72 to 0 .", "The episode is open since 20:45 UTC, 4 anomalies so far.", "286 of 288 points", "it may have taken over", "The same AS in other scopes"}},
		{"too little history", "busy", entityPath("hegemony", "64533,65010"), 200, []string{"has too little history", "41 of 173 points needed"}},
		{"silent", "busy", entityPath("hegemony", "64534,65011"), 200, []string{"is silent", "Its last point came at"}},
		{"usual", "busy", entityPath("hegemony", "-1,3356"), 200, []string{"AS3356 in the global graph is as usual, at 0.3", "AS3356 elsewhere IHR bgp.tools"}},
		{"habit", "habit", "/", 200, []string{"3 episodes are open.", "AS64524 in the global graph fell from 0.74 to 0.24 , 33.2 deviations below what was expected", "lower by up to 0.035 on average than expected; up to 0.017 is usual", "0.67 to 0.82 was usual then", "last 48 h"}},
		{"habit, entity", "habit", entityPath("hegemony", "-1,64524"), 200, []string{"fell from 0.74 to 0.24 .", "0.74 expected at this time of day, 0.67 to 0.82 usual; it is 0.24.", "192 of 192 points of the last 48 hours", "hege, last 48 hours", "usual at that time",
			"expected at 21:45 0.7423", "compared with this time of other days"}},
		{"habit, slow test", "habit", entityPath("hegemony", "-1,64530"), 200, []string{"AS64530 in the global graph is lower than expected, by up to 0.035 on average .", "the last 24 values lie 0.034 below expectation on average; up to 0.017 is usual.", "193 of 193 points"}},
		{"habit, an anomaly", "habit", "/anomaly/hegemony-1-1010", 302, nil},
		{"habit, few points", "habit", entityPath("hegemony", "-1,64560"), 200, []string{"has too little history", "is not scored: 18 of 58 points needed were known"}},
		{"habit, live", "habit", "/live", 200, []string{"lower by 0.0335 on average", "fell to 0.244"}},
		{"unknown entity", "busy", entityPath("hegemony", "1,64524"), 404, []string{"Not found.", "is not known", "Similar ones", "64500,64524"}},
		{"unknown detector", "busy", "/?detector=hegemon", 404, []string{"There is no detector", "hegemony v6"}},
		{"no key", "busy", "/entity", 400, []string{"An entity's page needs its key"}},
		{"live", "busy", "/live", 200, []string{"Anomalies as they are committed", "global · AS64524"}},
		{"nodes", "busy", "/nodes", 200, []string{"3 of 3 answering", "10 of 10 partitions ready", "importing its windows from another node", "records still to replay", "18,204,113 records to go at 214,000 a second",
			"10.0.0.1:7070 live, polling", "10.0.0.2:7070 live, scoring"}},
		{"api", "busy", "/api", 200, []string{"GET /api/v1/anomalies", "min_deviation", "up | down", "list of Anomaly"}},
		{"api before all has begun", "notbegun", "/api", 200, []string{"GET /api/v1/anomalies"}},
		{"keys with commas", "busy", entityPath("atlas delay", "CT4Singapore, Central Singapore, SG,CT4São Paulo, São Paulo, BR"), 200, []string{"CT4Singapore, Central Singapore, SG · CT4São Paulo, São Paulo, BR rose from"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer, body := get(t, sample.Scenario(test.scenario), test.path)
			if answer.StatusCode != test.status {
				t.Errorf("answered with %d, want %d", answer.StatusCode, test.status)
			}
			text := strings.ReplaceAll(plain(body), "&#39;", "'")
			for _, want := range test.says {
				if !strings.Contains(text, want) {
					t.Errorf("does not say %q in: %.900s", want, text)
				}
			}
		})
	}
}

// TestHabitIsNotSaidToBeAMedian of the window, nor its band to be that of now.
func TestHabitIsNotSaidToBeAMedian(t *testing.T) {
	for _, path := range []string{"/", "/live", entityPath("hegemony", "-1,64524"), entityPath("hegemony", "-1,64530"), entityPath("hegemony", "-1,64560"), entityPath("hegemony", "-1,64530") + "&anomaly=hegemony-1-1010"} {
		_, body := get(t, sample.Habit, path)
		text := plain(body)
		for _, wrong := range []string{"median", "usual level", "normal now", "spread by", "last 72 h ", "last 72 hours"} {
			if strings.Contains(text, wrong) {
				t.Errorf("%s says %q", path, wrong)
			}
		}
	}
}

// TestChartOfHabitHasABandThatMoves, and tells of each point what was expected: about, where that is not known exactly.
func TestChartOfHabitHasABandThatMoves(t *testing.T) {
	for key, pieces := range map[string]int{"-1,64524": 1, "-1,64540": 2, "-1,64560": 0} {
		_, body := get(t, sample.Habit, entityPath("hegemony", key))
		bands := regexp.MustCompile(`<path class="band" d="([^"]*)"`).FindAllStringSubmatch(body, -1)
		if got := strings.Count(strings.Join(slices.Concat(bands...), ""), `Z`); (len(bands) > 0) != (pieces > 0) || got != 2*pieces { // each match is there with and without its mark
			t.Errorf("the band of %s has %d pieces, want %d", key, got/2, pieces)
		}
		if about, exact := strings.Contains(body, `"band":"about 0.`), strings.Contains(body, `"band":"0.`); about != (pieces > 0) || exact != (pieces > 0) {
			t.Errorf("the read-out of %s says about what was expected: %t, and exactly: %t", key, about, exact)
		}
		if strings.Contains(body, `<rect class="band" width="100%"`) || strings.Contains(body, `<line class="usual" x2="100%"`) {
			t.Errorf("the chart of %s has the band of now", key)
		}
	}
}

func TestForeignTextIsOnlyText(t *testing.T) {
	const scope, asn = `<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`
	paths := []string{"/?detector=hegemony+v6", "/?detector=hegemony+v6&by=entity", entityPath("hegemony v6", scope+","+asn), "/live?detector=hegemony+v6&q=img",
		"/?q=" + url.QueryEscape(scope+asn), "/?field.scope=" + url.QueryEscape(asn), "/?detector=" + url.QueryEscape(scope), "/?from=" + url.QueryEscape(asn),
		entityPath("hegemony", scope+asn), "/anomaly/" + url.PathEscape(scope), "/live?min_deviation=" + url.QueryEscape(asn), "/?by=" + url.QueryEscape(scope), "/?state=" + url.QueryEscape(scope)}
	for _, path := range paths {
		_, body := get(t, sample.Busy, path)
		if strings.Contains(body, "<script>alert") || strings.Contains(body, "<img") || strings.Contains(body, `javascript:`) {
			t.Errorf("%s: foreign text became a mark", path)
		}
		if !strings.Contains(body, "alert(1)") {
			t.Errorf("%s does not show the foreign text at all", path)
		}
	}
}

func TestNothingIsInlineOrFromElsewhere(t *testing.T) {
	inline := regexp.MustCompile(`(?i)\sstyle=|<style|\son\w+=|<script>|<script type="module">`)
	source := regexp.MustCompile(`(?:src|action)="([^"]*)"|<link [^>]*href="([^"]*)"`)
	for _, path := range []string{"/", entityPath("hegemony", "-1,64524"), "/live", "/nodes", "/api", "/?q=nothing"} {
		_, body := get(t, sample.Busy, path)
		if found := inline.FindString(body); found != "" {
			t.Errorf("%s has %q", path, found)
		}
		for _, match := range source.FindAllStringSubmatch(body, -1) {
			if from := match[1] + match[2]; !strings.HasPrefix(from, "/") || strings.HasPrefix(from, "//") {
				t.Errorf("%s loads %q", path, from)
			}
		}
	}
}

func TestAssetsMayBeCachedAndOldOnesAreRefused(t *testing.T) {
	_, body := get(t, sample.Busy, "/")
	for _, name := range []string{"page.css", "page.js", "theme.js", "icon.svg"} {
		path := regexp.MustCompile(`/assets/[0-9a-f]{12}/` + regexp.QuoteMeta(name)).FindString(body)
		answer, content := get(t, sample.Busy, path)
		if answer.StatusCode != 200 || content == "" || !strings.Contains(answer.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %q, %d bytes", path, answer.StatusCode, answer.Header.Get("Cache-Control"), len(content))
		}
	}
	for _, path := range []string{"/assets/000000000000/page.css", "/assets/", "/assets/page.css", "/assets/../page.go"} {
		if answer, _ := get(t, sample.Busy, path); answer.StatusCode == 200 || strings.Contains(answer.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s is answered with %d", path, answer.StatusCode)
		}
	}
}

func TestPermalinksForwardToTheirEntity(t *testing.T) {
	answer, _ := get(t, sample.Busy, "/?by=entity")
	if answer.StatusCode != 200 {
		t.Fatal(answer.StatusCode)
	}
	for _, path := range []string{"/anomaly/hegemony-0-0", "/anomaly/hegemony-0-0?detector=hegemony"} {
		answer, _ = get(t, sample.Busy, path)
		to, err := url.Parse(answer.Header.Get("Location"))
		if err != nil || answer.StatusCode != http.StatusFound || to.Path != "/entity" || to.Query().Get("anomaly") != "hegemony-0-0" {
			t.Errorf("%s: %d, %s", path, answer.StatusCode, to)
		}
	}
	_, body := get(t, sample.Busy, "/entity?detector=hegemony&key=-1,64524&anomaly=hegemony-0-0")
	if text := plain(body); !strings.Contains(text, "lay 5.4 deviations above the usual level of then") {
		t.Errorf("the anomaly is not told of: %.600s", text)
	}
	if answer, _ = get(t, sample.Busy, "/anomaly/none"); answer.StatusCode != 404 {
		t.Errorf("an unknown anomaly is answered with %d", answer.StatusCode)
	}
}

// Filters are in the URL alone: each link of a view keeps those that it does not change.
func TestFiltersStayInTheLinks(t *testing.T) {
	asked := url.Values{"detector": {"hegemony"}, "q": {"645"}, "field.scope": {"64500"}, "direction": {"down"}, "min_deviation": {"6"}, "from": {"2026-11-24T20:30:00Z"}, "to": {"2026-11-24T20:45:00Z"}, "range": {"24h"}, "state": {"open"}}
	_, body := get(t, sample.Busy, "/?"+asked.Encode())
	text := plain(body)
	for _, want := range []string{"645 ×", "scope AS64500 ×", "down only ×", "at least 6 deviations ×", "Tue 24 Nov 20:30 to 20:45 UTC ×"} {
		if !strings.Contains(text, want) {
			t.Errorf("the filter is not shown: %s", want)
		}
	}
	hrefs := regexp.MustCompile(`href="(/\?[^"]*)"`).FindAllStringSubmatch(body, -1)
	changes := map[string]bool{}
	for _, match := range hrefs {
		u, err := url.Parse(strings.ReplaceAll(match[1], "&amp;", "&"))
		if err != nil {
			t.Fatal(err)
		}
		kept := u.Query()
		different := ""
		for name, value := range asked {
			if kept.Get(name) != value[0] {
				different += name + " "
			}
		}
		changes[different] = true
	}
	for _, want := range []string{"q ", "field.scope ", "direction ", "min_deviation ", "range ", "state ", ""} {
		if !changes[want] {
			t.Errorf("no link changes only %q", want)
		}
	}
	for _, link := range regexp.MustCompile(`href="(/api/v1/episodes[^"]*)"`).FindAllStringSubmatch(body, -1) {
		u, _ := url.Parse(strings.ReplaceAll(link[1], "&amp;", "&"))
		for _, name := range []string{"detector", "q", "field.scope", "direction", "min_deviation", "from", "to", "state"} {
			if u.Query().Get(name) != asked.Get(name) {
				t.Errorf("%s lacks %s", u, name)
			}
		}
	}
}

func TestWrongParametersAreReportedAndLeftOut(t *testing.T) {
	for path, want := range map[string]string{
		"/?min_deviation=x":   "min_deviation=x: it is a number",
		"/?min_deviation=NaN": "min_deviation=NaN",
		"/?direction=left":    "direction=left: it is up or down",
		"/?from=yesterday":    "from=yesterday: it is a time such as",
		"/?range=5h":          "range=5h: it is 6h, 24h or 72h",
		"/?state=both":        "state=both: it is open or ended",
		"/?by=colour":         "by=colour: this detector has no such field",
		"/?field.colour=red":  "field.colour: this detector has no such field",
		"/?q=foo:bar":         "foo:bar: the fields are scope, asn",
		"/?q=dev%3Cx":         "write dev&gt;20",
	} {
		answer, body := get(t, sample.Busy, path)
		if text := plain(body); answer.StatusCode != 200 || !strings.Contains(text, "Not understood, and left out:") || !strings.Contains(text, want) {
			t.Errorf("%s: %d, %.400s", path, answer.StatusCode, text)
		}
	}
}

func TestEvidenceIsCompleteAndReadable(t *testing.T) {
	_, body := get(t, sample.Busy, entityPath("hegemony", "-1,64524"))
	match := regexp.MustCompile(`(?s)id="evidence-json">(.*?)</script>`).FindStringSubmatch(body)
	if match == nil {
		t.Fatal("there is no evidence")
	}
	var evidence struct {
		Permalink string
		Entity    struct {
			Key    string
			Median float64
			Window []struct{ Value float64 }
		}
		Detector struct{ Threshold float64 }
	}
	if err := json.Unmarshal([]byte(match[1]), &evidence); err != nil {
		t.Fatal(err)
	}
	if evidence.Entity.Key != "-1,64524" || evidence.Entity.Median != 0.7152 || len(evidence.Entity.Window) != 286 || evidence.Detector.Threshold != 5 || !strings.HasPrefix(evidence.Permalink, "/anomaly/") {
		t.Errorf("%+v", evidence)
	}
}

// One cause is shown once, though the status, the list of anomalies and the lanes all name it.
func TestOneCauseIsOneBanner(t *testing.T) {
	for _, test := range []struct {
		scenario sample.Scenario
		want     int
	}{{sample.Away, 1}, {sample.Partial, 1}, {sample.Calm, 0}} {
		for _, path := range []string{"/", "/live", "/nodes"} {
			if _, body := get(t, test.scenario, path); strings.Count(body, `class="banner partial"`) != test.want {
				t.Errorf("%s %s: want %d banners: %.500s", test.scenario, path, test.want, plain(body))
			}
		}
	}
	if _, body := get(t, sample.Away, "/"); strings.Contains(body, "data-lanes") || strings.Contains(body, "1970") {
		t.Error("lanes of no time are shown")
	}
}

// A partition that a node has does not show as one without a node, even if others are without one.
func TestOnlyPartitionsWithoutANodeAreShownAsSuch(t *testing.T) {
	_, body := get(t, sample.Killed, "/nodes")
	if found := strings.Count(body, ">no node has it<"); found != 2 { // one cell, and the legend
		t.Errorf("the page says %d times that no node has a partition, want one cell and the legend", found)
	}
}
