package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"anomalydetector/backtest/report"
	"anomalydetector/backtest/report/sample"
)

// written is a report as a file, as a reader opens it.
func written(t *testing.T, s sample.Scenario) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	file, err := os.Create(path)
	must(t, err)
	must(t, report.Write(file, sample.New(s), report.About{
		Command: "anomalydetector backtest hegemonydetector.conf 'hegemony-*.jsonl.gz' --set detection.threshold=5,3 --set detection.dev_metric=mean,median --labels labels.csv --report report.html",
		Version: "1.0.0", Made: "Thu 26 Nov 2026 15:30 UTC",
	}))
	must(t, file.Close())
	return "file://" + path
}

// Each report, on each screen, passes what a machine can check. The console is silent, so the policy of the page fits its
// style and its script.
func TestEveryReportIsFitToBeSeen(t *testing.T) {
	for _, s := range append(screens, screen{"widest-light", 1600, 900, false}) {
		t.Run(s.name, func(t *testing.T) {
			for _, scenario := range sample.All() {
				t.Run(string(scenario), func(t *testing.T) {
					address := written(t, scenario)
					b := open(t, address, s)
					b.run(chromedp.Navigate(address))
					for _, fault := range eval[[]string](b, checks) {
						t.Error(fault)
					}
					b.shoot("report-" + string(scenario) + "-" + s.name)
				})
			}
		})
	}
}
