package api

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"anomalydetector/web/answers"
	"anomalydetector/web/answers/madeup"
)

// BenchmarkEncode writes a page of 1,000 anomalies.
func BenchmarkEncode(b *testing.B) {
	var list answers.List[answers.Anomaly]
	for range 500 {
		list.Items = append(list.Items, madeup.New().Anomalous.Items...)
	}
	b.ReportAllocs()
	for b.Loop() {
		Encode(list)
	}
}

// FuzzEncode holds that text and numbers are written as encoding/json does, except for its escapes for HTML.
func FuzzEncode(f *testing.F) {
	f.Add("a\x00\"\\</script>\u2028\xff\U0001f600", 1e21, int64(-5), true)
	f.Add("Paris, 1", 0.1, int64(7), false)
	f.Fuzz(func(t *testing.T, text string, x float64, n int64, yes bool) {
		type all struct {
			Text  string             `json:"text"`
			X     float64            `json:"x"`
			N     int64              `json:"n"`
			Yes   bool               `json:"yes"`
			Texts []string           `json:"texts"`
			P     *float64           `json:"p"`
			Small *answers.Direction `json:"small,omitempty"`
		}
		value := all{text, x, n, yes, []string{text, text}, &x, (*answers.Direction)(&text)}
		want, err := json.Marshal(value)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			if got := string(Encode(value)); err == nil || !strings.Contains(got, `"x":null`) || !strings.Contains(got, `"p":null`) {
				t.Errorf("%s, error %v", got, err)
			}
			return
		}
		if got := string(Encode(value)); err != nil || got != string(want)+"\n" {
			t.Errorf("%swant\n%s, error %v", got, want, err)
		}
	})
}
