// Package look is how pages of the program look: the stylesheet, the charts, the lanes, the scripts that let readers
// point into them, and the words for numbers and entities.
//
// The live page and the report of a backtest both use it. It knows no request and no clock. It imports web/answers for
// the fields of an entity.
package look

import (
	"embed"
	"html/template"
	"io/fs"
	"regexp"
)

//go:embed assets templates
var files embed.FS

// Assets has page.css, icon.svg and the modules chart.js and lanes.js.
func Assets() fs.FS {
	sub, err := fs.Sub(files, "assets")
	if err != nil {
		panic(err) // it is within the binary
	}
	return sub
}

// Add adds the templates of the parts that pages share: time, chart, chart-key, lanes-plot, lanes-table.
func Add(to *template.Template) *template.Template {
	return template.Must(to.ParseFS(files, "templates/*.html"))
}

var (
	imported = regexp.MustCompile(`(?m)^import .*\n`)
	exported = regexp.MustCompile(`(?m)^export `)
)

// Script is the modules chart.js and lanes.js as one module without imports, for a page that is a single file. It makes
// the charts and lanes of the page react.
func Script() string {
	script := ""
	for _, name := range []string{"lanes.js", "chart.js"} {
		module, err := files.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // it is within the binary
		}
		script += string(exported.ReplaceAll(imported.ReplaceAll(module, nil), nil))
	}
	return script + "lanes()\ncharts()\n"
}
