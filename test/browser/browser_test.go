// Package browser opens the page in a real Chromium: over made-up answers in every state, or, if DEMO_URL is
// set, the page of a running process. If SCREENSHOTS is a directory, a picture of each view is kept there.
package browser

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"anomalydetector/web/page/sample"
)

// patience is how long a browser may take for one test.
const patience = time.Minute

var chromium context.Context // the browser that all tests share

func TestMain(m *testing.M) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("hide-scrollbars", false))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	var end context.CancelFunc
	chromium, end = chromedp.NewContext(allocator)
	if err := chromedp.Do(chromium); err != nil {
		fmt.Fprintln(os.Stderr, "start chromium:", err)
		os.Exit(1)
	}
	code := m.Run()
	removeReports()
	end()
	stop()
	os.Exit(code)
}

// screen is how a reader looks at the page.
type screen struct {
	name          string
	width, height int64
	dark          bool
}

var screens = []screen{
	{"wide-light", 1440, 900, false}, {"wide-dark", 1440, 900, true},
	{"narrow-light", 390, 844, false}, {"narrow-dark", 390, 844, true},
}

// tab is a tab of the browser, and everything that went wrong in it.
type tab struct {
	t    *testing.T
	ctx  context.Context
	host string

	mu       sync.Mutex
	wrong    []string
	expected []string // parts of complaints that are no faults
}

// open opens a tab. A complaint of the console or the network fails the test at its end.
func open(t *testing.T, base string, s screen) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(chromium)
	ctx, cancel := context.WithTimeout(ctx, patience)
	t.Cleanup(func() { cancel(); end() })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	b := &tab{t: t, ctx: ctx, host: u.Host}
	must(t, chromedp.Listen(ctx, b.heard))
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	call(b, runtime.Enable, cdp.Empty{})
	b.as(s)
	t.Cleanup(b.complain)
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// call runs a command of the browser's own protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], with P) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, command, with)
	must(b.t, err)
}

func (b *tab) as(s screen) {
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: s.width, Height: s.height,
		ScreenWidth: s.width, ScreenHeight: s.height, DeviceScaleFactor: 1, Mobile: s.width < 500})
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
}

func (b *tab) heard(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			b.note(fmt.Sprintf("console: %s", e.Args[0].Value))
		}
	case *runtime.EventExceptionThrown:
		b.note("exception: " + e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			b.note("log: " + e.Entry.Text + " " + e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		if err != nil || u.Host != b.host && u.Scheme != "data" && u.Scheme != "about" {
			b.note("request to another host: " + e.Request.URL)
		}
	}
}

func (b *tab) note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong = append(b.wrong, text)
}

func (b *tab) complain() {
	b.mu.Lock()
	defer b.mu.Unlock()
complaints:
	for _, text := range b.wrong {
		for _, part := range b.expected {
			if strings.Contains(text, part) {
				continue complaints
			}
		}
		b.t.Error(text)
	}
}

// expect says that complaints with this part are no faults.
func (b *tab) expect(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = append(b.expected, part)
}

func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	must(b.t, chromedp.Do(b.ctx, actions...))
}

// eval runs a script and returns its value.
func eval[T any](b *tab, script string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%.80s: %v", script, err)
	}
	return value
}

// until waits for a condition, even across a navigation.
func (b *tab) until(what, condition string) {
	b.t.Helper()
	b.within(15*time.Second, what, condition)
}

// within is until with another patience.
func (b *tab) within(patience time.Duration, what, condition string) {
	b.t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var ok bool
		if ok, err = chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+condition+")")); ok && err == nil {
			return
		}
	}
	b.t.Fatalf("waited for %s: %v", what, err)
}

// shoot keeps a picture of the whole view.
func (b *tab) shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	must(b.t, err)
	must(b.t, os.MkdirAll(dir, 0o755))
	must(b.t, os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644))
}

// serve serves the page over made-up answers.
func serve(t *testing.T, scenario sample.Scenario) (*httptest.Server, *sample.Source) {
	t.Helper()
	source := sample.New(scenario)
	server := httptest.NewServer(sample.Handler(source))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server, source
}
