package page

import "html/template"

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"group": func(n int) string { return group(n) },
	"kind":  stateKind,
	"title": titled,
	"last":  func(i, n int) bool { return i == n-1 },
	"pair":  func(a, b any) [2]any { return [2]any{a, b} },
}).ParseFS(files, "templates/*.html"))
