package api

import (
	"path/filepath"
	"strings"
	"testing"

	"anomalydetector/web/answers/madeup"
)

// The CSV and NDJSON of all lists are compared with files.
func TestTablesEqualTheCommittedOnes(t *testing.T) {
	source := madeup.New()
	source.Anomalous.Next = "a b"
	a := newAPI(t, source)
	for _, c := range []struct{ name, path, accept string }{
		{"anomalies.csv", "/anomalies?format=csv", ""}, {"anomalies.ndjson", "/anomalies", "application/x-ndjson"},
		{"episodes.csv", "/episodes", "text/csv;q=1, application/json"}, {"episodes.ndjson", "/episodes?format=ndjson", "text/csv"},
		{"entities.csv", "/entities?format=csv", ""}, {"entities.ndjson", "/entities?format=ndjson", ""},
		{"detectors.csv", "/detectors?format=csv", ""}, {"detectors.ndjson", "/detectors", "application/x-ndjson"},
		{"nodes.csv", "/nodes?format=csv", ""}, {"nodes.ndjson", "/nodes?format=ndjson", ""},
		{"lanes.csv", "/lanes?by=scope", "text/csv"}, {"lanes.ndjson", "/lanes?format=ndjson", ""},
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
	source.All.Detectors[0].KeyFields = source.All.Detectors[0].KeyFields[:1] // fields that only the items have are shown, too
	if got := get(a, "/entities?format=csv").Body.String(); !strings.HasPrefix(got, "detector,key,partition,stored,key.scope,key.asn\r\nhegemony,\"-1,64510\",,false,-1,64510\r\n") {
		t.Errorf("the table is %s", got)
	}
	source.All.Detectors[0].KeyFields = madeup.New().All.Detectors[0].KeyFields
	source.Anomalous.Items = nil
	if got := get(a, "/anomalies?format=csv").Body.String(); !strings.HasSuffix(got, ",key.scope,key.asn\r\n") {
		t.Errorf("without items the table is %q", got)
	}
}

// Numbers stay numbers.
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
