package browser

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The reports are about the samples of backtest/report/sample. A program of that module writes them, because what a backtest
// needs besides is not for this module.
var samples = []string{"grid", "one", "eight", "calm", "nothing", "partial", "hostile", "years", "many", "big"}

var reportsIn string // the directory of the reports, once a test needs them

var reports = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "reports")
	if err != nil {
		return "", err
	}
	reportsIn = dir
	command := exec.Command("go", "run", "./backtest/report/sample/write", dir)
	command.Dir = "../.."
	if out, err := command.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("%w: %s", err, out)
	}
	return dir, nil
})

func removeReports() {
	if reportsIn != "" {
		_ = os.RemoveAll(reportsIn) // it is only a temporary directory
	}
}

// written is the address of a report as a file, as a reader opens it.
func written(t *testing.T, name string) string {
	t.Helper()
	dir, err := reports()
	must(t, err)
	path := filepath.Join(dir, name+".html")
	_, err = os.Stat(path)
	must(t, err)
	return "file://" + path
}

// Each report, on each screen, passes what a machine can check. The console is silent, so the policy of the page fits its
// style and its script.
func TestEveryReportIsFitToBeSeen(t *testing.T) {
	all := map[string][]string{"wide-light": samples, "narrow-dark": samples[:len(samples)-1]} // the last one takes long
	for _, s := range append(slices.Clone(screens), screen{"widest-light", 1600, 900, false}) {
		t.Run(s.name, func(t *testing.T) {
			some := all[s.name]
			if some == nil {
				some = []string{"grid", "eight"}
			}
			for _, scenario := range some {
				t.Run(scenario, func(t *testing.T) {
					address := written(t, scenario)
					b := open(t, address, s)
					b.run(chromedp.Navigate(address))
					for _, fault := range eval[[]string](b, checks) {
						t.Error(fault)
					}
					b.shoot("report-" + scenario + "-" + s.name)
				})
			}
		})
	}
}

// read opens a report on a wide screen.
func read(t *testing.T, name string, scripts bool) *tab {
	t.Helper()
	address := written(t, name)
	b := open(t, address, screens[0])
	if !scripts {
		call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	}
	b.run(chromedp.Navigate(address))
	return b
}

// shown are the settings whose band, anomalies and counts of the first entity are displayed.
const shown = `[...document.querySelectorAll('#entity-1 .at')].filter(e => getComputedStyle(e).display !== 'none').map(e => e.getAttribute('class').match(/at-\d/)[0]).join(' ')`

func TestTheSwitchNeedsNoScript(t *testing.T) {
	b := read(t, "grid", false)
	for _, want := range []string{"at-0 at-0 at-0", "at-2 at-2 at-2"} {
		if got := eval[string](b, shown); got != want {
			t.Errorf("shows %q, want %q", got, want)
		}
		b.click("label:has(#at-2)")
	}
	b.click("#entity-1 summary")
	b.says("#entity-1 details[open]", "9 Nov 2026 13:000.00270.7156▼ −34.7▼ −34.7▼ −38.6")
	b.click(`[href="#definitions"]`)
	b.until("the definitions", `document.querySelector('#definitions').getBoundingClientRect().top < innerHeight`)
	b.shoot("report-without-scripts")
}

// The read-out tells what the setting says that is chosen.
func TestTheReadOutFollowsTheSwitch(t *testing.T) {
	b := read(t, "grid", true)
	b.until("the scripts", `document.querySelector('.chart').tabIndex === 0`)
	b.click("label:has(#at-1)")
	b.run(chromedp.KeyEvent(kb.ArrowLeft)) // radio buttons are one stop, and arrows choose
	b.until("the first setting", `document.querySelector('#at-0').checked`)
	eval[int](b, `(document.querySelector('#entity-4 .chart').focus(), 0)`)
	b.run(chromedp.KeyEvent(kb.ArrowUp))
	b.says("#entity-4 .tip", "10 Nov 2026 23:45 UTC") // no anomaly to jump to
	b.click("label:has(#at-1)")
	eval[int](b, `(document.querySelector('#entity-4 .chart').focus(), 0)`)
	b.run(chromedp.KeyEvent(kb.ArrowUp))
	b.says("#entity-4 .tip", "▲ +3.")
	b.says("#entity-4 .tip", "deviations from 0.3")
	b.shoot("report-read-out")
	eval[int](b, `(document.querySelector('[data-lanes]').focus(), 0)`)
	b.run(chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.Enter))
	b.says("[data-lanes] .tip", "labelled spike")
}

func TestTheFocusFollowsTheReport(t *testing.T) {
	b := read(t, "grid", true)
	b.until("the scripts", `document.querySelector('.chart').tabIndex === 0`)
	b.focusOrder()
}

func TestReportIsFitForPaper(t *testing.T) {
	b := read(t, "grid", true)
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print", Features: []*emulation.MediaFeature{feature("prefers-color-scheme", "dark")}})
	b.shoot("report-print")
	if !eval[bool](b, `getComputedStyle(document.body).color === 'rgb(27, 29, 31)' && getComputedStyle(document.querySelector('header')).position === 'static' && !document.querySelector('label:has(#at-1)').checkVisibility() && document.querySelector('.chart').checkVisibility()`) {
		t.Error("it is not fit for paper")
	}
}
