package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"anomalydetector/web/answers"
)

const aboutTheAPI = "The API tells which anomalies the detectors have found, and how the detectors are. It only reads: the methods are GET and HEAD. " +
	"Times are RFC 3339 in UTC with milliseconds. Numbers are exact: the shortest text that gives the same float64. A number that is infinite, not a number or not known is null. " +
	"An entity has its fields beside its key, which joins them with commas and cannot be split. " +
	"A list has `items`, `next` (the cursor of the next page), and `partial` with `problems` if something is missing. " +
	"Errors are problem documents (RFC 9457) that name the parameter. The status is 503, with Retry-After, while the detectors begin, or while too many questions are being answered. " +
	"CSV (RFC 4180) and NDJSON hold only the items: the header Link has the next page, Answer-Partial and Answer-Problem say what is missing. " +
	"In CSV an apostrophe precedes text that a spreadsheet would take for a formula; numbers, and keys of numbers, stay as they are."

// description is the document that huma begins with: no pages of its own, no links to schemas.
func description(version string) huma.Config {
	format := huma.Format{
		Marshal:   func(w io.Writer, v any) error { _, err := w.Write(Encode(v)); return err },
		Unmarshal: json.Unmarshal,
	}
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			Info:       &huma.Info{Title: "Anomaly detector", Version: version, Description: aboutTheAPI},
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)},
		},
		Formats:       map[string]huma.Format{jsonType: format, jsonFormat: format},
		DefaultFormat: jsonType,
	}
	config.AllowAdditionalPropertiesByDefault = true // later versions may add properties
	return config
}

// describe serves the document, which is made when it is first asked for.
func (a *API) describe() {
	document := a.huma.OpenAPI()
	for _, item := range document.Paths {
		for _, never := range []string{"422", "500"} { // huma adds these; a wrong parameter is 400
			delete(item.Get.Responses, never)
		}
	}
	orNull(document.Components.Schemas)
	a.document = sync.OnceValues(func() ([]byte, error) { return json.MarshalIndent(document, "", "  ") })
	for path, of := range map[string]struct {
		kind string
		text func() ([]byte, error)
	}{"/openapi.json": {"application/openapi+json", a.document}, "/openapi.yaml": {"application/openapi+yaml", sync.OnceValues(document.YAML)}} {
		a.mux.HandleFunc("GET "+Root+path, func(w http.ResponseWriter, _ *http.Request) {
			text, err := of.text()
			if err != nil {
				write(w, a.problem(fmt.Errorf("write the OpenAPI document: %w", err), 0))
				return
			}
			w.Header().Set("Content-Type", of.kind)
			_, _ = w.Write(text) // the client may have gone
		})
		a.paths = append(a.paths, path)
	}
}

// orNull declares that pointers to structs may be null, which huma does not.
func orNull(registry huma.Registry) {
	for _, t := range []reflect.Type{reflect.TypeFor[answers.Anomaly](), reflect.TypeFor[answers.Entity](), reflect.TypeFor[answers.Detector]()} {
		schema := registry.SchemaFromRef(registry.Schema(t, true, "").Ref)
		for _, p := range propertiesOf(t) {
			of := t.FieldByIndex(p.index).Type
			if of.Kind() != reflect.Pointer || of.Elem().Kind() != reflect.Struct || of.Elem() == reflect.TypeFor[time.Time]() {
				continue
			}
			old := schema.Properties[p.name]
			schema.Properties[p.name] = &huma.Schema{Description: old.Description, AnyOf: []*huma.Schema{{Ref: old.Ref}, {Type: "null"}}}
		}
	}
}
