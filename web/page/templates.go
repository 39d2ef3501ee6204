package page

import (
	"html/template"

	"anomalydetector/web/look"
)

var templates = template.Must(look.Add(template.New("").Funcs(template.FuncMap{
	"group": func(n int) string { return look.Group(n) },
	"kind":  stateKind,
	"title": titled,
	"last":  func(i, n int) bool { return i == n-1 },
	"pair":  func(a, b any) [2]any { return [2]any{a, b} },
})).ParseFS(files, "templates/*.html"))
