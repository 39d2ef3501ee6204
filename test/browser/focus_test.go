package browser

import (
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focusOrder walks the first stops of the tab key. They must follow the document, and the focus must be
// visible on each.
func (b *tab) focusOrder() {
	b.t.Helper()
	eval[int](b, `document.activeElement?.blur(); window.stops = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')].filter(e => e.tabIndex >= 0 && (e.type !== 'radio' || e.checked) && e.checkVisibility({visibilityProperty: true}) && !e.closest('details:not([open]) > :not(summary)')); 0`)
	last := -1
	for range 14 {
		b.run(chromedp.KeyEvent(kb.Tab))
		at := eval[struct {
			Index int
			Seen  bool
			Says  string
		}](b, `(() => { const e = document.activeElement, s = getComputedStyle(e); return { Index: stops.indexOf(e), Says: e.outerHTML.slice(0, 120), Seen: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 } })()`)
		if at.Index < 0 {
			return // after the last stop comes the browser itself
		}
		if at.Index != last+1 {
			b.t.Errorf("the focus goes from stop %d to %d: %s", last, at.Index, at.Says)
		}
		if !at.Seen {
			b.t.Errorf("it cannot be seen that this has the focus: %s", at.Says)
		}
		last = at.Index
	}
}
