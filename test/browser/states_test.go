package browser

import (
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"

	"anomalydetector/web/page/sample"
)

const (
	fallen = "-1,64524"
	delay  = "CT4Singapore, Central Singapore, SG,AS64501v4"
)

// view is a page in one state.
type view struct {
	name     string
	scenario sample.Scenario
	path     string
	refused  bool // it must be answered with an error status
}

func entityPath(detector, key string) string {
	return "/entity?" + url.Values{"detector": {detector}, "key": {key}}.Encode()
}

var views = []view{
	{"now", sample.Busy, "/", false},
	{"now-by-entity", sample.Busy, "/?by=entity&range=24h", false},
	{"now-six-hours", sample.Busy, "/?range=6h&rows=all", false},
	{"now-searched", sample.Busy, "/?q=AS64524+dev%3E20+foo%3Abar", false},
	{"now-filtered", sample.Busy, "/?field.scope=64500&from=2026-11-24T20:30:00Z&to=2026-11-24T20:45:00Z&direction=up", false},
	{"now-nothing-found", sample.Busy, "/?q=nowhere", false},
	{"now-atlas", sample.Busy, "/?detector=atlas+delay", false},
	{"now-replaying", sample.Replaying, "/", false},
	{"now-calm", sample.Calm, "/", false},
	{"now-partial", sample.Partial, "/", false},
	{"now-old", sample.Old, "/", false},
	{"now-demo", sample.Demo, "/", false},
	{"now-waiting", sample.Waiting, "/", false},
	{"now-away", sample.Away, "/", false},
	{"now-killed", sample.Killed, "/", false},
	{"now-published", sample.Published, "/", false},
	{"now-published-entities", sample.Published, "/?by=entity&range=24h", false},
	{"now-silent", sample.Published, "/?state=silent", false},
	{"now-silent-none", sample.Published, "/?state=silent&detector=atlas+delay", false},
	{"now-gaps", sample.Published, "/?kind=gap", false},
	{"entity-absent", sample.Published, entityPath("hegemony", "-1,65020"), false},
	{"entity-returned", sample.Published, entityPath("hegemony", "64512,65021"), false},
	{"entity-flapping", sample.Published, entityPath("hegemony", "64513,65022"), false},
	{"now-habit", sample.Habit, "/", false},
	{"now-habit-entities", sample.Habit, "/?by=entity&range=24h", false},
	{"live-habit", sample.Habit, "/live", false},
	{"entity-habit-fell", sample.Habit, entityPath("hegemony", fallen), false},
	{"entity-habit-fell-day", sample.Habit, entityPath("hegemony", fallen) + "&range=24h", false},
	{"entity-habit-slow", sample.Habit, entityPath("hegemony", "-1,64530"), false},
	{"entity-habit-gap", sample.Habit, entityPath("hegemony", "-1,64540"), false},
	{"entity-habit-usual", sample.Habit, entityPath("hegemony", "-1,64550"), false},
	{"entity-habit-short", sample.Habit, entityPath("hegemony", "-1,64560"), false},
	{"entity-habit-marked", sample.Habit, "/anomaly/hegemony-1-1000", false},
	{"nodes-killed", sample.Killed, "/nodes", false},
	{"not-begun", sample.NotBegun, "/", true},
	{"down", sample.Down, "/", true},
	{"entity", sample.Busy, entityPath("hegemony", fallen), false},
	{"entity-day", sample.Busy, entityPath("hegemony", fallen) + "&range=24h", false},
	{"entity-marked", sample.Busy, "/anomaly/hegemony-0-0", false},
	{"entity-atlas", sample.Busy, entityPath("atlas delay", delay), false},
	{"entity-usual", sample.Busy, entityPath("hegemony", "-1,3356"), false},
	{"entity-short", sample.Busy, entityPath("hegemony", "64533,65010"), false},
	{"entity-silent", sample.Busy, entityPath("hegemony", "64534,65011"), false},
	{"entity-partial", sample.Partial, entityPath("hegemony", "64500,64545"), false},
	{"entity-old", sample.Old, entityPath("hegemony", fallen), false},
	{"now-foreign", sample.Busy, "/?detector=hegemony+v6&by=entity", false},
	{"entity-foreign", sample.Busy, entityPath("hegemony v6", `<script>alert(1)</script>,"><img src=x onerror=alert(1)>`), false},
	{"entity-unknown", sample.Busy, entityPath("hegemony", "1,64524"), true},
	{"detector-unknown", sample.Busy, "/?detector=hegemon", true},
	{"live", sample.Busy, "/live", false},
	{"live-calm", sample.Calm, "/live", false},
	{"nodes", sample.Busy, "/nodes", false},
	{"nodes-partial", sample.Partial, "/nodes", false},
	{"nodes-one", sample.Demo, "/nodes", false},
	{"api", sample.Busy, "/api", false},
}

// Each view, on each screen, passes what a machine can check: see checks.js.
func TestEveryStateIsFitToBeSeen(t *testing.T) {
	for _, s := range screens {
		t.Run(s.name, func(t *testing.T) {
			for _, v := range views {
				t.Run(v.name, func(t *testing.T) {
					server, _ := serve(t, v.scenario)
					b := open(t, server.URL, s)
					if v.refused {
						b.expect("the server responded with a status of")
					}
					b.run(chromedp.Navigate(server.URL + v.path))
					b.settle()
					b.shoot(v.name + "-" + s.name)
					for _, fault := range eval[[]string](b, checks) {
						t.Error(fault)
					}
					b.focusOrder()
				})
			}
		})
	}
}

// settle waits until the small pictures in view are drawn.
func (b *tab) settle() {
	b.t.Helper()
	b.until("the page", `document.readyState === 'complete'`)
	eval[int](b, `(async () => { for (let y = 0; y < document.body.scrollHeight; y += innerHeight / 2) { scrollTo(0, y); await new Promise(done => requestAnimationFrame(() => setTimeout(done, 20))) } scrollTo(0, 0); return 0 })()`)
	b.until("the small pictures", `[...document.querySelectorAll('svg[data-spark]')].every(s => s.childElementCount || s.getAttribute('aria-label').includes('not known') || !s.getBoundingClientRect().width)`)
}
