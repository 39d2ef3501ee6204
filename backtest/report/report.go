package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/url"
	"strings"

	"anomalydetector/backtest"
	"anomalydetector/web/look"
)

//go:embed assets templates
var files embed.FS

// About says how a report was made.
type About struct {
	Command string // the command line
	Version string // of the program
	Made    string // when, as people read it; "" leaves it out
}

var templates = template.Must(look.Add(template.New("")).Funcs(template.FuncMap{
	"group":   func(n int64) string { return look.Group(n) },
	"several": func(n int) bool { return n > 1 },
}).ParseFS(files, "templates/*.html"))

// Write writes a page about what a backtest found. It returns the error of the writer.
func Write(w io.Writer, result *backtest.Result, about About) error {
	var page bytes.Buffer
	if err := templates.ExecuteTemplate(&page, "report", viewOf(result, about)); err != nil {
		return fmt.Errorf("render the report: %w", err)
	}
	if _, err := page.WriteTo(w); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// inline is all that a page on the live site loads from beside it. The policy names the exact style and script, so that
// nothing else can run in the page, whatever the names of entities hold.
type inline struct {
	Policy string
	Style  template.CSS
	Script template.JS
	Icon   template.URL
}

func inlined(settings int) inline {
	var css strings.Builder
	css.Write(read(look.Assets(), "page.css"))
	css.Write(read(files, "assets/report.css"))
	css.WriteString(switches(settings))
	style, script := css.String(), look.Script()
	return inline{
		Policy: "default-src 'none'; style-src '" + digest(style) + "'; script-src '" + digest(script) + "'; img-src data:; base-uri 'none'; form-action 'none'",
		Style:  template.CSS(style), Script: template.JS(script),
		Icon: template.URL("data:image/svg+xml," + url.PathEscape(string(read(look.Assets(), "icon.svg")))),
	}
}

// switches shows what belongs to the setting that is chosen, and hides what belongs to others. It works without scripts.
func switches(settings int) string {
	css := "@supports not selector(:has(*)) { .at:not(.at-0) { display: none } }\n"
	for i := range settings {
		css += fmt.Sprintf("body:has(#at-%d:checked) .at:not(.at-%d) { display: none }\n", i, i)
	}
	return css
}

func read(from fs.FS, name string) []byte {
	content, err := fs.ReadFile(from, name)
	if err != nil {
		panic(err) // it is within the binary
	}
	return content
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
