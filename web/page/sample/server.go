package sample

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"anomalydetector/web/answers"
	"anomalydetector/web/page"
)

// headers are those that the program's own server sends.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	"X-Content-Type-Options":  "nosniff",
	"Referrer-Policy":         "no-referrer",
}

// Handler serves the page over a source, and the part of the API that the page's scripts use.
func Handler(s *Source) http.Handler {
	mux := http.NewServeMux()
	page.Mount(mux, func() answers.Source {
		if s.scenario == NotBegun {
			return nil
		}
		return s
	}, page.Config{Version: "1.0.0", Names: []string{"hegemony", "hegemony v6", "atlas delay"}, Now: func() time.Time { return Clock }, OpenAPI: func() []byte { return []byte(openAPI) }})
	mux.HandleFunc("GET /api/v1/entity", func(w http.ResponseWriter, r *http.Request) {
		e, err := s.Entity(r.Context(), r.FormValue("detector"), r.FormValue("key"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(e)
	})
	mux.HandleFunc("GET /api/v1/stream", s.stream)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		mux.ServeHTTP(w, r)
	})
}

func (s *Source) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(w)
	_ = control.Flush()
	_ = s.Follow(r.Context(), answers.FollowQuery{Filter: answers.Filter{Detector: r.FormValue("detector")}, Cursor: r.FormValue("cursor")}, func(e answers.Event) error {
		text, err := json.Marshal(e.Anomaly)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "id: %s\nevent: anomaly\ndata: %s\n\n", e.ID, text); err != nil {
			return err
		}
		return control.Flush()
	})
}

const openAPI = `{"openapi":"3.1.0","info":{"title":"anomalydetector","version":"1","description":"What the detectors have found."},
"paths":{"/api/v1/anomalies":{"get":{"operationId":"anomalies","summary":"Anomalies, the latest first","parameters":[
{"name":"detector","in":"query","description":"Name of a detector; the first if there is none","schema":{"type":"string"}},
{"name":"min_deviation","in":"query","description":"Only those this far from usual","schema":{"type":"number"}},
{"name":"direction","in":"query","description":"To which side","schema":{"type":"string","enum":["up","down"]}}],
"responses":{"200":{"description":"OK","content":{"application/json":{"schema":{"$ref":"#/components/schemas/ListAnomaly"}}}},"400":{"description":"A parameter is wrong"}}}},
"/api/v1/anomalies/{id}":{"get":{"operationId":"anomaly","summary":"One anomaly","parameters":[{"name":"id","in":"path","required":true,"description":"Of the anomaly","schema":{"type":"string"}}],"responses":{"200":{"description":"OK"},"404":{"description":"It is not held"}}}},
"/api/v1/status":{"get":{"operationId":"status","summary":"How all is, at a glance","responses":{"200":{"description":"OK"}}}}},
"components":{"schemas":{"ListAnomaly":{"type":"object","required":["items"],"properties":{"items":{"type":"array","items":{"$ref":"#/components/schemas/Anomaly"},"description":"In the order that the endpoint names"},"next":{"type":"string","description":"Cursor of the next page"}}},
"Anomaly":{"type":"object","properties":{"time":{"type":"string","format":"date-time","description":"Of the datapoint"},"value":{"type":["number","null"]}}}}}}`
