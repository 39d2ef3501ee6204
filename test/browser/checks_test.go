package browser

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A check that cannot fail proves nothing. This page has each fault once.
func TestChecksFindEachFault(t *testing.T) {
	const faulty = `<!doctype html><html lang="en"><head><title>x</title><style>.grey { color: #999 } .sr { position: absolute }</style></head><body>
<header><nav aria-label="a"></nav></header><main><h1>One</h1><h1>Two</h1><h3>Three</h3><p class="grey">faint</p><p style="width: 3000px; margin: 0">wide</p>
<button></button><input aria-label="field" style="border: 1px solid #eee"><table><tr><td>x</td></tr></table><i id="a"></i><i id="a"></i><b aria-labelledby="none">x</b><a href="/" tabindex="3">x</a><small style="font-size: 9px">tiny</small></main><footer>x</footer></body></html>`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(faulty))
	}))
	defer server.Close()
	b := open(t, server.URL, screens[0])
	b.expect("favicon")
	b.run(chromedp.Navigate(server.URL + "/"))
	found := eval[[]string](b, checks)
	for _, want := range []string{"2 h1", "h3 after h1", "contrast 2.", "px wide", "no name: <button>", "a field whose border", "a table without heads", "an id twice", "names nothing", "tabindex above 0", "text of 9px", "an inline style", "an inline script or style"} {
		if !slices.ContainsFunc(found, func(fault string) bool { return strings.Contains(fault, want) }) {
			t.Errorf("%q is not found; only %q", want, found)
		}
	}
}
