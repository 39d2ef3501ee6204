package bootstrap

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"anomalydetector/actors"
	"anomalydetector/configs"
	"anomalydetector/messages"
	"anomalydetector/stream"
	"anomalydetector/synthetic"
	"anomalydetector/web"
)

// TestDemoThatGoesOnFindsItsEvents in ten parts of the stream, by the oracle.
func TestDemoThatGoesOnFindsItsEvents(t *testing.T) {
	config, err := configs.Load(demoConf, func(string) string { return "" })
	must(t, err)
	for seed := range uint64(3) {
		d := &demo{options: synthetic.Default(), config: config}
		d.options.Seed, d.options.Kinds = seed+1, demoKinds
		source, err := synthetic.New(d.options)
		must(t, err)
		d.show = newDemoPage(io.Discard, source)
		oracle := newDemoOracle(config)
		feed := func(source *synthetic.Stream, from int) {
			for i := from; i < source.Bins(); i++ {
				points := source.Bin(i)
				oracle.expect(points)
				for _, point := range points {
					if _, anomalous := oracle.expected[demoPlace{point.Entity, point.At}]; anomalous {
						d.show.committed([]messages.Finding{{Entity: point.Entity, At: time.UnixMilli(point.At)}})
					}
				}
			}
		}
		feed(source, 0)
		for part := range 10 {
			from := d.options.HistoryBins + d.options.LiveBins + part*moreBins
			source, err := synthetic.New(d.more(from))
			must(t, err)
			d.show.expect(source)
			feed(source, from)
		}
		var out strings.Builder
		d.show.out = &out
		d.show.end(1<<62, 0)
		const want = "\nFound 287 of 287 injected events; "
		if text := out.String(); !strings.HasPrefix(text, want) || !strings.HasSuffix(text, " 0 of them outside any event.\n") {
			t.Errorf("seed %d: it says %q, want %q", seed+1, text, want)
		}
	}
}

// TestDemoOnATerminalGoesOnUntilCtrlC. One is enough, and nothing is left behind.
func TestDemoOnATerminalGoesOnUntilCtrlC(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	o := newOutside(t, map[string]string{"DETECTOR_HTTP": freeAddress(t)})
	o.Terminal = true
	exit := o.run("demo", "--duration", "1s", "--entities", "60", "--seed", "3")
	until(t, "the live part is over", func() bool {
		return strings.HasSuffix(o.output.String(), "The stream goes on, a bin each second: Ctrl-C ends it.\n\n")
	})
	first, _, _ := strings.Cut(o.output.String(), "\n")
	url, found := strings.CutPrefix(first, "The page is at ")
	records := func() float64 {
		_, metrics := fetch(url + "metrics")
		return sample(metrics, `anomalydetector_records_total{detector="hegemonydetector"}`)
	}
	for kind, outcome := range map[string]string{"absence": "returned", "gap": "filled"} {
		until(t, kind+" on the page", func() bool {
			_, episodes := fetch(url + "api/v1/episodes?kind=" + kind)
			return strings.Contains(episodes, `"outcome":"`+outcome+`"`)
		})
		_, metrics := fetch(url + "metrics")
		if sample(metrics, `anomalydetector_episodes_total{detector="hegemonydetector",event="opened",kind="`+kind+`"}`) == 0 {
			t.Errorf("the metrics count no %s", kind)
		}
	}
	before := records()
	until(t, "the stream goes on", func() bool { return records() > before })
	if status, _ := fetch(url + "readyz"); !found || status != http.StatusOK {
		t.Errorf("the first line is %q, and the page answers %d", first, status)
	}
	o.signals <- syscall.SIGINT
	if code := exits(t, exit, o); code != exitClean {
		t.Errorf("exit code %d", code)
	}
	if !regexp.MustCompile(`\nFound (\d+) of \d+ injected events; \d+ anomalies in all, 0 of them outside any event.\n$`).MatchString(o.output.String()) {
		t.Errorf("it printed\n%s", o.output)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v (%v)", left, err)
	}
}

// TestDemoWithNodesLosesNothing when one of them is killed.
func TestDemoWithNodesLosesNothing(t *testing.T) {
	dir := t.TempDir()
	p := startProcess(t, dir, nil, "demo", "--duration", "3s", "--entities", "60", "--seed", "3", "--nodes", "3", "--kill")
	text, err := io.ReadAll(p.stdout)
	must(t, err)
	p.exits(t, exitClean)
	alone(t, dir)
	for _, want := range []string{`^The page is off: DETECTOR_HTTP=127.0.0.1:8080 turns it on.\n`, `inside this process, and 3 processes\nof the real detector on `,
		`--- node 3 was killed; the others notice after 6s and take over ---\n`, `\nFound (\d+) of \d+ injected events; \d+ anomalies in all, 0 of them outside any event.\n`,
		`\nNode 3 of 3 was killed. Of \d\d+ anomalies that a single detector finds, 0 are lost, 0 came twice, 0 are wrong.\n$`} {
		if !regexp.MustCompile(want).Match(text) {
			t.Errorf("it does not print %s:\n%s", want, text)
		}
	}
	if p.stderr.String() != "" {
		t.Errorf("stderr is %q", p.stderr.String())
	}
}

func TestOracleOfTheDemoTellsWhatIsLost(t *testing.T) {
	place := func(at int64) demoPlace { return demoPlace{"e", at} }
	came := func(at int64, deviation float64) demoFinding {
		return demoFinding{Entity: "e", At: time.UnixMilli(at), Deviation: deviation}
	}
	for want, found := range map[string][]demoFinding{
		"Of 2 anomalies that a single detector finds, 0 are lost, 0 came twice, 0 are wrong.": {came(1, 6), came(2, 7)},
		"Of 2 anomalies that a single detector finds, 1 are lost, 0 came twice, 0 are wrong.": {came(2, 7)},
		"Of 2 anomalies that a single detector finds, 0 are lost, 1 came twice, 0 are wrong.": {came(1, 6), came(2, 7), came(2, 7)},
		"Of 2 anomalies that a single detector finds, 0 are lost, 0 came twice, 2 are wrong.": {came(1, 6), came(2, 8), came(3, 7)},
	} {
		o := &demoOracle{expected: map[demoPlace]float64{place(1): 6, place(2): 7}, came: make(map[demoPlace]int)}
		for _, f := range found {
			o.got(f)
		}
		if text, err := o.result(); text != want || (err == nil) != strings.Contains(want, "0 are lost, 0 came twice, 0 are wrong") {
			t.Errorf("it says %q, error %v; want %q", text, err, want)
		}
	}
}

func TestSyntheticStreamIsMarked(t *testing.T) {
	for _, synthetic := range []bool{false, true} {
		b := &built{config: &actors.Config{Name: "d"}}
		b.show(&site{Site: web.New(web.Config{Now: time.Now})}, &stream.Config{Observer: stream.NewObserver("t", time.Now)}, 15, synthetic)
		if b.shown.Synthetic != synthetic {
			t.Errorf("synthetic: %v, shown as %v", synthetic, b.shown.Synthetic)
		}
	}
}
