package browser

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestPicture keeps the view of the process at DEMO_URL in the file PICTURE, as soon as it shows enough: many
// ended episodes and one that is open.
func TestPicture(t *testing.T) {
	base, file := strings.TrimSuffix(os.Getenv("DEMO_URL"), "/"), os.Getenv("PICTURE")
	if base == "" || file == "" {
		t.Skip("DEMO_URL or PICTURE is not set")
	}
	const much = `[...document.querySelectorAll('[data-part=episodes] .seg a')].map(a => +a.textContent.split(' ')[1]).every((n, i) => n >= [11, 1, 10][i])`
	b := open(t, base, screen{"picture", 1440, 986, false})
	call(b, emulation.SetScrollbarsHidden, emulation.SetScrollbarsHiddenParams{Hidden: true})
	for {
		b.run(chromedp.Navigate(base + "/?range=24h"))
		if !eval[bool](b, much) {
			time.Sleep(time.Second) // the stream goes on
			continue
		}
		b.until("the small pictures in view", `[...document.querySelectorAll('svg[data-spark]')].slice(0, 3).every(s => s.childElementCount)`)
		if eval[bool](b, much) {
			break
		}
	}
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	must(t, err)
	must(t, os.WriteFile(file, picture, 0o644))
}
