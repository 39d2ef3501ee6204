package browser

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"anomalydetector/web/page/sample"
)

// feature is a setting of the reader's browser.
func feature(name, value string) *emulation.MediaFeature {
	return &emulation.MediaFeature{Name: name, Value: value}
}

// A reader with dark colours prints on white paper. Forced colours remove backgrounds, so borders and letters
// must tell what backgrounds otherwise tell.
func TestPageIsFitForPaperAndForcedColours(t *testing.T) {
	dark := feature("prefers-color-scheme", "dark")
	for name, mode := range map[string]struct {
		media emulation.SetEmulatedMediaParams
		wants string
	}{
		"print": {emulation.SetEmulatedMediaParams{Media: "print", Features: []*emulation.MediaFeature{dark}},
			`getComputedStyle(document.body).color === 'rgb(27, 29, 31)' && !document.querySelector('#theme').checkVisibility() && getComputedStyle(document.querySelector('header')).position === 'static'`},
		"forced": {emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{feature("forced-colors", "active"), dark}},
			`[...document.querySelectorAll('.cell, .panel, .banner, .seg')].every(e => getComputedStyle(e).borderTopColor === getComputedStyle(document.body).color || e.querySelector('a'))`},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := start(t, sample.Killed, "/nodes")
			call(b, emulation.SetEmulatedMedia, mode.media)
			base := eval[string](b, `location.origin`)
			for view, path := range map[string]string{"nodes": "/nodes", "now": "/", "entity": entityPath("hegemony", fallen)} {
				b.run(chromedp.Navigate(base + path))
				b.settle()
				b.shoot("mode-" + view + "-" + name)
				if !eval[bool](b, mode.wants) {
					t.Errorf("%s is not fit for %s", path, name)
				}
			}
		})
	}
}
