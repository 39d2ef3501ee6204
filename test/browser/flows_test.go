package browser

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"anomalydetector/loopback"
	"anomalydetector/web/page/sample"
)

// start opens a view on a wide screen.
func start(t *testing.T, scenario sample.Scenario, path string) (*tab, *sample.Source) {
	t.Helper()
	server, source := serve(t, scenario)
	b := open(t, server.URL, screens[0])
	b.run(chromedp.Navigate(server.URL + path))
	b.until("the scripts", `document.querySelector('#theme').hidden === false && (!document.querySelector('#flow') || document.body.dataset.page === 'api' || !document.querySelector('#flow').hidden)`)
	return b, source
}

// click presses the mouse in the middle of an element, which nothing may cover.
func (b *tab) click(selector string) {
	b.t.Helper()
	at := eval[[]float64](b, `(() => { const e = document.querySelector(`+"`"+selector+"`"+`); e.scrollIntoView({ block: 'center' }); const r = e.getClientRects()[0], x = r.x + r.width / 2, y = r.y + r.height / 2; return e.contains(document.elementFromPoint(x, y)) ? [x, y] : [] })()`)
	if len(at) == 0 {
		b.t.Fatalf("%s is covered by something else", selector)
	}
	b.run(chromedp.MouseClickXY(at[0], at[1]))
}

// back goes back as a reader does. The browser may have kept the page instead of loading it again.
func (b *tab) back() {
	b.t.Helper()
	eval[int](b, `(history.back(), 0)`)
}

func (b *tab) text(selector string) string {
	b.t.Helper()
	return eval[string](b, `document.querySelector(`+"`"+selector+"`"+`)?.textContent.replace(/\s+/g, ' ').trim() ?? 'nothing'`)
}

// says fails unless a part of the page holds a text.
func (b *tab) says(selector, want string) {
	b.t.Helper()
	if text := b.text(selector); !strings.Contains(text, want) {
		b.t.Errorf("%s says %q, want %q", selector, text, want)
	}
}

func (b *tab) at(path string) {
	b.t.Helper()
	b.until("the address "+path, `(location.pathname + location.search).includes(`+"`"+path+"`"+`) && document.readyState === 'complete'`)
}

// From "something is wrong" to "this entity, why, since when, which others" it is one click.
func TestTheLargestEpisodeIsOneClickAway(t *testing.T) {
	b, _ := start(t, sample.Busy, "/")
	b.click(".headline a")
	b.at("/entity?")
	b.says("h1", "AS64530 in the global graph rose from 0.041 to 0.61")
	b.says(".headline p", "since 20:45 UTC")
	b.says("[data-part=beside]", "▼ fell from 0.72 to 0its part may have been taken over")
	b.back()
	b.at("/")
	b.says("h1", "40 episodes are open")
}

func TestSlashSearchesAndBackReturns(t *testing.T) {
	b, _ := start(t, sample.Busy, "/?range=24h")
	// chromedp types a key's character even if the page has taken the key, so only the key is sent
	if !eval[bool](b, `!document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '/', bubbles: true, cancelable: true })) && document.activeElement.id === 'q'`) {
		t.Error("the key / does not lead to the search")
	}
	b.run(chromedp.KeyEvent("AS64524 dev>20"), chromedp.KeyEvent(kb.Enter))
	b.at("q=AS64524")
	if address := eval[string](b, "location.search"); !strings.Contains(address, "range=24h") {
		t.Errorf("the search forgets the range: %s", address)
	}
	b.says("[data-part=matches]", "global · AS64524")
	b.says("[data-part=episodes]", "−26.2")
	b.click("[data-part=matches] a")
	b.at("/entity?")
	b.back()
	b.at("q=AS64524")
	if value := eval[string](b, "document.querySelector('#q').value"); value != "AS64524 dev>20" {
		t.Errorf("the search field holds %q", value)
	}
	b.click(".filters .chip")
	b.at("/?range=24h")
	if text := eval[string](b, "location.search"); strings.Contains(text, "q=") {
		t.Error("the search is still there")
	}
}

func TestLanesAnswerPointerAndKeys(t *testing.T) {
	b, _ := start(t, sample.Busy, "/")
	// the pointer is near the last cell of the first row
	point := eval[[]float64](b, `(() => { const all = [...document.querySelectorAll('g[data-name] rect')], r = all[0].parentNode.parentNode.lastElementChild.getBoundingClientRect(); return [r.x + 2, r.y + 4] })()`)
	b.run(chromedp.MouseEvent("mouseMoved", point[0], point[1]))
	b.until("the read-out", `!document.querySelector('.plot .tip').hidden`)
	b.says(".plot .tip", "All, Tue 24 Nov 21:")
	b.shoot("flow-lanes")
	b.run(chromedp.MouseEvent("mouseMoved", 5, 5))
	b.until("no read-out", `document.querySelector('.plot .tip').hidden`)

	eval[int](b, `(document.querySelector('[data-lanes]').focus(), 0)`)
	b.run(chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.End), chromedp.KeyEvent(kb.ArrowDown))
	b.says(".plot .tip", "the global graph, Tue 24 Nov 21:")
	b.run(chromedp.KeyEvent(kb.Enter))
	b.at("from=2026-11-24T21")
	b.says(".filters", "the global graph")
	b.says("[data-part=episodes]", "global · AS64524")
	if eval[int](b, `document.querySelectorAll('.window').length`) != 1 {
		t.Error("the chosen time is not marked")
	}
	b.back()
	b.at("/")
	b.says("h1", "40 episodes are open")
}

// TestTheChartOfHabitTellsWhatWasExpected of each point: exactly, about, or not at all.
func TestTheChartOfHabitTellsWhatWasExpected(t *testing.T) {
	b, _ := start(t, sample.Habit, entityPath("hegemony", fallen))
	eval[int](b, `(document.querySelector('[data-chart]').focus(), 0)`)
	b.run(chromedp.KeyEvent(kb.End))
	b.says(".chart .tip", "0.244 · ▼ −33.1 deviations from 0.7441")
	b.says(".chart .tip", "0.7441 expected, 0.6685 to 0.8197 usual")
	if value := eval[string](b, `document.querySelector('[data-chart]').getAttribute('aria-valuetext')`); !strings.Contains(value, "deviations from 0.7441, 0.7441 expected") {
		t.Errorf("a screen reader hears %q", value)
	}
	for range 4 {
		b.run(chromedp.KeyEvent(kb.PageDown), chromedp.KeyEvent(kb.PageUp), chromedp.KeyEvent(kb.PageUp)) // 12 points back
	}
	b.says(".chart .tip", "about ")
	b.run(chromedp.KeyEvent(kb.Home))
	if tip := eval[string](b, `document.querySelector('.chart .tip').textContent`); strings.Contains(tip, "expected") {
		t.Errorf("of the first point it says %q", tip)
	}
}

func TestTheChartAnswersPointerAndKeys(t *testing.T) {
	b, _ := start(t, sample.Busy, entityPath("hegemony", fallen))
	eval[int](b, `(document.querySelector('[data-chart]').focus(), 0)`)
	b.run(chromedp.KeyEvent(kb.End))
	b.says(".chart .tip", "▼ −26.2 deviations from 0.7152")
	b.says(".chart .tip", "Tue 24 Nov 21:30 UTC")
	for range 4 {
		b.run(chromedp.KeyEvent(kb.ArrowUp)) // to the anomaly before
	}
	b.says(".chart .tip", "0.8632 · ▲ +5.4 deviations")
	if value := eval[string](b, `document.querySelector('[data-chart]').getAttribute('aria-valuetext')`); !strings.Contains(value, "Sun 22 Nov 22:00 UTC, 0.8632") {
		t.Errorf("a screen reader hears %q", value)
	}
	b.shoot("flow-chart")
	b.run(chromedp.KeyEvent(kb.Escape))
	point := eval[[]float64](b, `(() => { const r = document.querySelector('[data-chart]').getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()`)
	b.run(chromedp.MouseEvent("mouseMoved", point[0], point[1]))
	b.says(".chart .tip", "usual 0.7152, normal 0.5788 to 0.8516")
	b.click(".seg a")
	b.at("range=24h")
	b.says("[data-part=chart] h2", "last 24 hours")
}

func TestEvidenceIsCopiedOrShown(t *testing.T) {
	b, _ := start(t, sample.Busy, entityPath("hegemony", fallen))
	eval[int](b, `(Object.defineProperty(navigator, 'clipboard', { configurable: true, value: { writeText: async text => { window.copied = text } } }), 0)`)
	b.click("[data-copy]")
	b.until("the copy", `window.copied && document.querySelector('[data-copy]').textContent === 'Copied'`)
	if link := eval[string](b, `JSON.parse(copied).permalink`); !strings.HasPrefix(link, "http://127.0.0.1") {
		t.Errorf("the permalink cannot be handed on: %s", link)
	}
	eval[int](b, `(Object.defineProperty(navigator, 'clipboard', { configurable: true, value: undefined }), 0)`)
	b.click("[data-copy]")
	b.until("the text", `!document.querySelector('#evidence').hidden && document.activeElement.selectionEnd > 1000`)
	b.shoot("flow-evidence")
}

func TestLivePausesCountsAndCatchesUp(t *testing.T) {
	b, source := start(t, sample.Busy, "/live")
	source.Add(3)
	b.until("three rows", `document.querySelectorAll('tr[data-id^=new]').length === 3`)
	b.click("#flow")
	source.Add(5)
	b.until("the count", `document.querySelector('#flow').textContent.includes('Paused, 5 new')`)
	if n := eval[int](b, `document.querySelectorAll('tr[data-id^=new]').length`); n != 3 {
		t.Errorf("%d rows while it is paused", n)
	}
	b.shoot("flow-paused")
	b.click("#flow")
	b.until("all rows", `document.querySelectorAll('tr[data-id^=new]').length === 8`)
	if eval[bool](b, `new Set([...document.querySelectorAll('tr[data-id]')].map(r => r.dataset.id)).size !== document.querySelectorAll('tr[data-id]').length`) {
		t.Error("a row is there twice")
	}
	for at := 8; at < 330; at += 80 {
		source.Add(80)
		b.until("a row of the last ones", `[...document.querySelectorAll('tr[data-id^=new]')].some(r => +r.dataset.id.slice(4) >= `+itoa(at+79)+`)`)
	}
	if n := eval[int](b, `document.querySelectorAll('tr[data-id]').length`); n != 300 {
		t.Errorf("%d rows are kept, want 300", n)
	}
}

func TestALostConnectionIsToldAndCaughtUp(t *testing.T) {
	source := sample.New(sample.Busy)
	address, err := loopback.FreeAddress()
	must(t, err)
	serve := func() *httptest.Server {
		listener, err := net.Listen("tcp", address)
		must(t, err)
		s := &httptest.Server{Listener: listener, Config: &http.Server{Handler: sample.Handler(source)}}
		s.Start()
		return s
	}
	server := serve()
	b := open(t, server.URL, screens[0])
	b.expect("net::ERR")
	b.run(chromedp.Navigate(server.URL + "/live"))
	b.until("the stream", `!document.querySelector('#flow').hidden`)
	source.Add(1)
	b.until("a row", `document.querySelector('tr[data-id=new-0]')`)
	server.CloseClientConnections()
	server.Close()
	b.until("the banner", `!document.querySelector('#lost').hidden && document.body.classList.contains('stale')`)
	b.says("#lost", "Connection lost. This view is")
	b.shoot("flow-lost")
	source.Add(4)
	server = serve()
	defer func() { server.CloseClientConnections(); server.Close() }()
	b.until("what was missed", `document.querySelector('#lost').hidden && !document.body.classList.contains('stale') && document.querySelectorAll('tr[data-id^=new]').length === 5`)
	b.run(chromedp.Navigate("about:blank"))
}

func TestRefreshKeepsFocusAndWhatIsOpen(t *testing.T) {
	b, source := start(t, sample.Busy, "/")
	b.click("#lanes-table summary")
	eval[int](b, `(document.querySelector('[data-part=episodes] tbody tr:nth-child(3) th a').focus(), window.part = document.querySelector('[data-part=lanes]'), document.querySelectorAll('[data-part=lanes], [data-part=episodes]').forEach(p => { p.server = 'differs' }), 0)`)
	source.Add(1)
	b.until("the swap", `document.querySelector('[data-part=lanes]') !== window.part`)
	if !eval[bool](b, `document.querySelector('#lanes-table').open`) {
		t.Error("the table is closed again")
	}
	if !eval[bool](b, `document.activeElement === document.querySelector('[data-part=episodes] tbody tr:nth-child(3) th a')`) {
		t.Error("the focus is lost")
	}
	b.until("the small pictures", `document.querySelector('svg[data-spark]').childElementCount > 0`)
}

func TestColoursAreChosenAndStay(t *testing.T) {
	b, _ := start(t, sample.Busy, "/")
	light := eval[string](b, `getComputedStyle(document.body).backgroundColor`)
	b.click("#theme")
	b.click("#theme")
	dark := eval[string](b, `getComputedStyle(document.body).backgroundColor`)
	if light == dark {
		t.Error("the colours are the same")
	}
	b.run(chromedp.Reload())
	if again := eval[string](b, `getComputedStyle(document.body).backgroundColor`); again != dark {
		t.Error("the choice is forgotten")
	}
	b.click("#theme")
	if eval[string](b, `document.documentElement.dataset.theme ?? ''`) != "" {
		t.Error("there is no way back to the system's colours")
	}
}

func TestTheFirstViewNeedsNoScript(t *testing.T) {
	server, _ := serve(t, sample.Busy)
	b := open(t, server.URL, screens[0])
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.run(chromedp.Navigate(server.URL + "/"))
	b.shoot("flow-no-script")
	b.run(chromedp.SendKeys(chromedp.CSS("#q"), "scope:64500 up"+kb.Enter), chromedp.WaitVisible(chromedp.CSS(".filters .chip")))
	b.run(chromedp.Click(chromedp.CSS("[data-part=episodes] tbody th a")), chromedp.WaitVisible(chromedp.CSS(".chart .hit")))
	address, err := chromedp.Run(b.ctx, chromedp.Location())
	must(t, err)
	if !strings.Contains(address, "/entity?") {
		t.Errorf("at %s", address)
	}
	b.run(chromedp.Navigate(server.URL+"/live"), chromedp.SendKeys(chromedp.CSS("[name=min_deviation]"), "20"), chromedp.Click(chromedp.CSS(".filter button")), chromedp.WaitVisible(chromedp.CSS(".filters .chip")))
}

func TestAStartingProcessIsShownOnceItHasBegun(t *testing.T) {
	server, _ := serve(t, sample.Busy)
	ready := false
	handler := server.Config.Handler
	notBegun := sample.Handler(sample.New(sample.NotBegun))
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ready && r.URL.Path == "/" {
			ready = true
			notBegun.ServeHTTP(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	})
	b := open(t, server.URL, screens[0])
	b.expect("status of 503")
	b.run(chromedp.Navigate(server.URL + "/"))
	b.says("h1", "have not begun")
	b.until("the detectors", `document.querySelector('h1')?.textContent === '40 episodes are open.'`)
}

// Views may be refused while the stream stays up. Then the view that is shown is old all the same.
func TestRefusedViewsAreShownAsOld(t *testing.T) {
	server, source := serve(t, sample.Busy)
	var refuse atomic.Int32
	handler := server.Config.Handler
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := int(refuse.Load()); status != 0 && strings.Contains(r.Header.Get("Accept"), "text/html") {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`<main id="main"><h1>It is as it is.</h1></main>`))
			return
		}
		handler.ServeHTTP(w, r)
	})
	b := open(t, server.URL, screens[0])
	b.expect("the server responded with a status of")
	b.run(chromedp.Navigate(server.URL + "/live"))
	source.Add(1)
	b.until("a row", `document.querySelector('tr[data-id=new-0]')`)
	refuse.Store(503)
	source.Add(1)
	b.until("the banner", `!document.querySelector('#lost').hidden && document.body.classList.contains('stale')`)
	b.says("#lost", "The server answers with an error, 503. This view is")
	b.says("#flow", "Not updating")
	b.shoot("flow-refused")
	refuse.Store(0)
	b.until("what was missed", `document.querySelector('#lost').hidden && document.querySelector('#flow').textContent.trim() === 'Updating' && document.querySelector('tr[data-id=new-1]')`)
	refuse.Store(404)
	source.Add(1)
	b.until("why there is no view", `document.querySelector('h1').textContent === 'It is as it is.' && document.querySelector('#lost').hidden`)
	refuse.Store(0)
	source.Add(1)
	b.until("the view again", `document.querySelector('tr[data-id=new-3]')`)
}
