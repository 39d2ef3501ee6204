package page_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"anomalydetector/web/page/sample"
)

// BenchmarkViews shows what a view costs, without the answers themselves.
func BenchmarkViews(b *testing.B) {
	handler := sample.Handler(sample.New(sample.Busy))
	for name, path := range map[string]string{"now": "/", "entity": entityPath("hegemony", "-1,64524"), "live": "/live", "nodes": "/nodes"} {
		b.Run(name, func(b *testing.B) {
			size := 0
			for b.Loop() {
				recorder := httptest.NewRecorder()
				handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
				size = recorder.Body.Len()
			}
			b.ReportMetric(float64(size), "B/view")
		})
	}
}
