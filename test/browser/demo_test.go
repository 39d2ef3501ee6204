package browser

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func itoa(n int) string { return strconv.Itoa(n) }

// demo is the address of the running process; without one the test is skipped.
func demo(t *testing.T) string {
	t.Helper()
	base := strings.TrimSuffix(os.Getenv("DEMO_URL"), "/")
	if base == "" {
		t.Skip("DEMO_URL is not set")
	}
	return base
}

// The views of the process at DEMO_URL pass the same checks as those over made-up answers.
func TestARunningProcessPassesTheChecks(t *testing.T) {
	base := demo(t)
	for _, s := range screens {
		t.Run(s.name, func(t *testing.T) {
			b := open(t, base, s)
			b.run(chromedp.Navigate(base + "/"))
			paths := []string{"/", "/?range=24h&by=entity", "/live", "/nodes", "/api"}
			if entity := eval[string](b, `document.querySelector('[data-part=episodes] tbody th a')?.getAttribute('href') ?? ''`); entity != "" {
				paths = append(paths, entity)
			}
			for _, path := range paths {
				b.run(chromedp.Navigate(base + path))
				b.settle()
				name := strings.Trim(strings.NewReplacer("/", "", "?", "-", "&", "-", "=", "-").Replace(strings.SplitN(path, "?", 2)[0]), "-")
				if name == "" {
					name = "now" + strings.ReplaceAll(strings.TrimPrefix(path, "/"), "?", "-")
				}
				b.shoot("demo-" + name + "-" + s.name)
				for _, fault := range eval[[]string](b, checks) {
					t.Errorf("%s: %s", path, fault)
				}
				b.focusOrder()
			}
		})
	}
}
