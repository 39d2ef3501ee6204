package page

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// apiView is the API's description, for people.
type apiView struct {
	Title, Text string
	Operations  []operation
	Schemas     []schema
	None        bool
}

type operation struct {
	ID, Method, Path, Summary, Text string
	Parameters                      []parameter
	Answers                         []answerLine
	Try                             string // an address that can be opened; empty: it needs values
	Returns                         string // name of a schema
}

type parameter struct {
	Name, In, Type, Text string
	Required             bool
}

type answerLine struct{ Status, Text string }

type schema struct {
	Name   string
	Fields []parameter
}

// openAPI is what is read of an OpenAPI 3.1 document.
type openAPI struct {
	Info       struct{ Title, Description string }
	Paths      map[string]map[string]json.RawMessage
	Components struct{ Schemas map[string]apiSchema }
}

type apiOperation struct {
	OperationID, Summary, Description string
	Parameters                        []struct {
		Name, In, Description string
		Required              bool
		Schema                apiSchema
	}
	Responses map[string]struct {
		Description string
		Content     map[string]struct{ Schema apiSchema }
	}
}

type apiSchema struct {
	Ref         string `json:"$ref"`
	Type        any
	Format      string
	Description string
	Enum        []any
	Items       *apiSchema
	Properties  map[string]apiSchema
	Required    []string
}

func api(_ context.Context, s *shell) error {
	v := &apiView{None: true}
	s.Title, s.Body = "API", v
	s.Ranges = nil
	if s.Config.OpenAPI == nil {
		return nil
	}
	var document openAPI
	if err := json.Unmarshal(s.Config.OpenAPI(), &document); err != nil {
		return fmt.Errorf("the description of the API cannot be read: %w", err)
	}
	v.None, v.Title, v.Text = false, document.Info.Title, document.Info.Description
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(document.Paths[path])) {
			var o apiOperation
			if json.Unmarshal(document.Paths[path][method], &o) == nil && o.Responses != nil {
				v.Operations = append(v.Operations, describe(path, method, o))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(document.Components.Schemas)) {
		if x := document.Components.Schemas[name]; len(x.Properties) > 0 {
			v.Schemas = append(v.Schemas, schema{name, fieldsOf(x)})
		}
	}
	return nil
}

func describe(path, method string, o apiOperation) operation {
	d := operation{ID: o.OperationID, Method: strings.ToUpper(method), Path: path, Summary: o.Summary, Text: o.Description}
	if d.ID == "" {
		d.ID = strings.Trim(strings.NewReplacer("/", "-", "{", "", "}", "").Replace(path), "-")
	}
	if d.Text == d.Summary {
		d.Text = ""
	}
	needs := strings.Contains(path, "{")
	for _, p := range o.Parameters {
		d.Parameters = append(d.Parameters, parameter{p.Name, p.In, typeOf(p.Schema), p.Description, p.Required})
		needs = needs || p.Required
	}
	if !needs && d.Method == "GET" {
		d.Try = path
	}
	for _, status := range slices.Sorted(maps.Keys(o.Responses)) {
		d.Answers = append(d.Answers, answerLine{status, o.Responses[status].Description})
		for _, content := range o.Responses[status].Content {
			if name := refName(content.Schema.Ref); name != "" && status == "200" {
				d.Returns = name
			}
		}
	}
	return d
}

func fieldsOf(x apiSchema) []parameter {
	var all []parameter
	for _, name := range slices.Sorted(maps.Keys(x.Properties)) {
		field := x.Properties[name]
		all = append(all, parameter{Name: name, Type: typeOf(field), Text: field.Description, Required: slices.Contains(x.Required, name)})
	}
	return all
}

func refName(ref string) string {
	return ref[strings.LastIndex(ref, "/")+1:]
}

// typeOf is a schema's type in a few words.
func typeOf(x apiSchema) string {
	if x.Ref != "" {
		return refName(x.Ref)
	}
	if len(x.Enum) > 0 {
		var words []string
		for _, v := range x.Enum {
			words = append(words, fmt.Sprint(v))
		}
		return strings.Join(words, " | ")
	}
	name := ""
	switch t := x.Type.(type) {
	case string:
		name = t
	case []any:
		var words []string
		for _, v := range t {
			words = append(words, fmt.Sprint(v))
		}
		name = strings.Join(words, " or ")
	}
	if x.Items != nil {
		return strings.Replace(name, "array", "list of "+typeOf(*x.Items), 1)
	}
	if x.Format == "date-time" {
		return strings.Replace(name, "string", "time", 1)
	}
	return name
}
