package api

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"anomalydetector/web/answers"
)

// The parameters of each endpoint.
type (
	anyQuery struct {
		About
	}
	tableQuery struct {
		About
		Table
	}
	anomaliesQuery struct {
		About
		Narrow
		Page
		Table
	}
	anomalyQuery struct {
		About
		Of
		ID string `path:"id" maxLength:"128" pattern:"^[A-Za-z0-9._~-]+$" doc:"As answers give it" example:"0123456789abcdef0123456789abcdef"`
	}
	episodesQuery struct {
		About
		Narrow
		State string `query:"state" enum:"open,ended,silent" doc:"Only episodes in this state. silent: those that say that an entity is silent, which are open absences, and an entity's latest episode if it ended because no more points came; only a detector that publishes episodes can tell"`
		Kind  string `query:"kind" enum:"deviation,absence,gap" doc:"Only episodes of this kind"`
		Page
		Table
	}
	lanesQuery struct {
		About
		Narrow
		By  string `query:"by" maxLength:"200" doc:"The key field that makes a row, or entity; without it the first key field" example:"scope"`
		Bin string `query:"bin" maxLength:"20" doc:"Length of a time bin, such as 15m or 1h; without it, the shortest that makes at most 96 bins" example:"1h"`
		Page
		Table
	}
	entityQuery struct {
		About
		Of
		Key string `query:"key" required:"true" maxLength:"4096" doc:"The whole key, as answers give it" example:"-1,64510"`
		Table
	}
	entitiesQuery struct {
		About
		Of
		Text string `query:"q" maxLength:"200" doc:"A part of the key, in any case"`
		Page
		Table
	}
)

// withFields describes endpoints that take key fields as parameters.
const withFields = "Any key field of the detector is a parameter, too: `asn=64510`, or `field.asn=64510` " +
	"if a field is called like another parameter."

// endpoints serves everything except the stream.
func (a *API) endpoints() {
	serve(a, endpoint{path: "/status", summary: "How all is, at a glance"},
		func(ctx context.Context, s answers.Source, _ *anyQuery, _ map[string]string) (answers.Status, error) {
			return s.Status(ctx)
		})
	serve(a, endpoint{path: "/detectors", summary: "The detectors and their settings, over all nodes", table: true},
		func(ctx context.Context, s answers.Source, _ *tableQuery, _ map[string]string) (answers.List[answers.Detector], error) {
			return s.Detectors(ctx)
		})
	serve(a, endpoint{path: "/nodes", summary: "The nodes and their partitions", table: true},
		func(ctx context.Context, s answers.Source, _ *tableQuery, _ map[string]string) (answers.List[answers.Node], error) {
			return s.Nodes(ctx)
		})
	serve(a, endpoint{path: "/anomalies", summary: "Committed anomalies, the latest first", fields: true, table: true},
		func(ctx context.Context, s answers.Source, q *anomaliesQuery, fields map[string]string) (list answers.List[answers.Anomaly], err error) {
			f, err := q.filter(ctx, s, fields, a.config.Now())
			if err != nil {
				return list, err
			}
			return s.Anomalies(ctx, answers.AnomaliesQuery{Filter: f, Limit: q.Limit, Cursor: q.Cursor})
		})
	serve(a, endpoint{path: "/anomalies/{id}", summary: "One anomaly: its permalink"},
		func(ctx context.Context, s answers.Source, q *anomalyQuery, _ map[string]string) (answers.Anomaly, error) {
			return s.Anomaly(ctx, q.Detector, q.ID)
		})
	serve(a, endpoint{path: "/episodes", summary: "Runs of anomalies of an entity, absences and gaps: open ones first, then the latest first", fields: true, table: true},
		func(ctx context.Context, s answers.Source, q *episodesQuery, fields map[string]string) (list answers.List[answers.Episode], err error) {
			f, err := q.filter(ctx, s, fields, a.config.Now())
			if err != nil {
				return list, err
			}
			return s.Episodes(ctx, answers.EpisodesQuery{Filter: f, State: answers.EpisodeState(q.State), Kind: answers.EpisodeKind(q.Kind), Limit: q.Limit, Cursor: q.Cursor})
		})
	serve(a, endpoint{path: "/lanes", summary: "Counts and worst deviations by time bin and row, the row with the largest deviation first; as CSV or NDJSON the cells", fields: true, table: true},
		func(ctx context.Context, s answers.Source, q *lanesQuery, fields map[string]string) (lanes answers.Lanes, err error) {
			f, err := q.filter(ctx, s, fields, a.config.Now())
			if err != nil {
				return lanes, err
			}
			var bin time.Duration
			if q.Bin != "" {
				var ok bool
				if bin, ok = span(q.Bin); !ok {
					return lanes, wrong("bin", q.Bin, "bin is %.50q, want a duration such as 15m, 1h or 1d", q.Bin)
				}
			}
			return s.Lanes(ctx, answers.LanesQuery{Filter: f, By: q.By, Bin: bin, Limit: q.Limit, Cursor: q.Cursor})
		})
	serve(a, endpoint{path: "/entity", summary: "All that is known of an entity; as CSV or NDJSON the points of its window", table: true},
		func(ctx context.Context, s answers.Source, q *entityQuery, _ map[string]string) (answers.Entity, error) {
			return s.Entity(ctx, q.Detector, q.Key)
		})
	serve(a, endpoint{path: "/entities", summary: "Entities in the order of their keys", fields: true, table: true},
		func(ctx context.Context, s answers.Source, q *entitiesQuery, fields map[string]string) (answers.List[answers.EntityRef], error) {
			return s.Entities(ctx, answers.EntitiesQuery{Detector: q.Detector, Text: q.Text, Fields: fields, Limit: q.Limit, Cursor: q.Cursor})
		})
}

// endpoint is what distinguishes an endpoint.
type endpoint struct {
	path, summary string
	fields        bool // key fields are parameters
	table         bool // it also answers as CSV and NDJSON
}

// question is what all queries can do because they embed About.
type question[I any] interface {
	*I
	about() *About
}

// serve answers questions at a path with what ask returns.
func serve[I any, Q question[I], T any](a *API, e endpoint, ask func(context.Context, answers.Source, Q, map[string]string) (T, error)) {
	op := e.operation()
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
	content := map[string]*huma.MediaType{jsonType: {Schema: schema}}
	if e.table {
		content[csvType] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
		content[ndjsonType] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	}
	op.Responses = map[string]*huma.Response{"200": {Description: "The answer", Content: content}}
	var known []string
	huma.Register(a.huma, op, func(ctx context.Context, input *I) (*huma.StreamResponse, error) {
		query := Q(input)
		timeout, err := query.about().timeout()
		if err != nil {
			return nil, a.problem(err, 0)
		}
		source := a.config.Source()
		if source == nil {
			return nil, notBegun().complete()
		}
		done, free := a.config.Begin()
		if !free {
			return nil, busy("other questions are being answered").complete()
		}
		defer done()
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		asked := query.about().asked
		fields, err := fields(ctx, source, asked, known, e.fields)
		if err != nil {
			return nil, a.problem(err, timeout)
		}
		answer, err := ask(ctx, source, query, fields)
		if err != nil {
			return nil, a.problem(err, timeout)
		}
		var keys []string
		format := jsonFormat
		if table, ok := any(query).(interface{ format() string }); ok {
			format = table.format()
		}
		if e.table && format != jsonFormat {
			keys, _ = keyFields(ctx, source, asked.Get("detector")) // if they are not known, the items' own keys serve
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			r, w := humago.Unwrap(ctx)
			if format == "" {
				format = accepted(r.Header.Get("Accept"))
			}
			respond(w, r, answer, format, keys)
		}}, nil
	})
	known = a.parameters(op.Path)
	a.paths = append(a.paths, e.path)
}

// operation describes the endpoint to huma, which adds the parameters.
func (e endpoint) operation() huma.Operation {
	op := huma.Operation{Method: http.MethodGet, Path: Root + e.path, Summary: e.summary, Errors: []int{400, 404, 503}}
	op.OperationID = "get" + strings.ReplaceAll(strings.TrimSuffix(e.path, "/{id}"), "/", "-")
	if e.path == "/anomalies/{id}" {
		op.OperationID = "get-anomaly"
	}
	if e.fields {
		op.Description = withFields
	}
	return op
}

// parameters are the names of an endpoint's parameters.
func (a *API) parameters(path string) (names []string) {
	for _, p := range a.huma.OpenAPI().Paths[path].Get.Parameters {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	return names
}
