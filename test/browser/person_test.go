package browser

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// At the process at DEMO_URL, a person finds out in at most three clicks what is wrong, with which entity,
// why, since when, and which others. They can do everything else, too, on each screen. Nothing is made up.
func TestAPersonFindsOutWhatHappened(t *testing.T) {
	base := demo(t)
	for _, s := range screens {
		t.Run(s.name, func(t *testing.T) {
			b := open(t, base, s)
			b.run(chromedp.Navigate(base + "/?range=72h&kind=deviation"))
			b.until("an episode", `document.querySelector('[data-part=episodes] tbody th a')`)
			b.says("[data-part=strip]", "Live")

			// The first click leads to the entity: what, why, since when, which others.
			name := b.text("[data-part=episodes] tbody th a")
			b.click("[data-part=episodes] tbody th a")
			b.at("/entity?")
			asn := name[strings.LastIndex(name, " ")+1:]
			b.says("h1", asn)
			b.says("main", "deviations")
			b.says("[data-part=facts]", "usual level")
			b.says("[data-part=beside]", "at the same time")
			b.says("[data-part=own]", "from")

			b.until("the chart's script", `document.querySelector('[data-chart]')?.tabIndex === 0`)
			eval[int](b, `(document.querySelector('[data-chart]').focus(), 0)`)
			b.run(chromedp.KeyEvent(kb.End))
			b.until("the read-out", `document.querySelector('.chart .tip')?.textContent.includes('UTC')`)
			b.shoot("person-chart-" + s.name)
			b.back()
			b.at("range=72h")

			// Lanes by keys, to the episodes of a bin.
			b.until("the lanes' script", `document.querySelector('[data-lanes]')?.tabIndex === 0`)
			eval[int](b, `(document.querySelector('[data-lanes]').focus(), 0)`)
			b.run(chromedp.KeyEvent(kb.End))
			b.until("the lanes' read-out", `!document.querySelector('.plot .tip').hidden`)
			b.run(chromedp.KeyEvent(kb.Enter))
			b.at("from=")
			b.back()
			b.at("range=72h")

			// A search that the server understands.
			b.run(chromedp.Navigate(base + "/?q=" + asn + "+dev%3E5"))
			b.says("[data-part=matches]", asn)

			// Live: anomalies that are committed from now on appear by themselves.
			b.run(chromedp.Navigate(base + "/live"))
			first := `document.querySelector('main table tbody tr')?.textContent`
			before := eval[string](b, first+` ?? ''`)
			b.within(time.Minute, "another anomaly", first+` !== `+strconv.Quote(before))
			b.shoot("person-live-" + s.name)

			b.run(chromedp.Navigate(base + "/nodes"))
			b.says("main", "live, 3 of 3 partitions ready")
			b.run(chromedp.Navigate(base + "/api"))
			b.says("main", "/api/v1/anomalies")
		})
	}
}
