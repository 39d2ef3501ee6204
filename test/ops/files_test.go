package ops

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v2"
)

// An alert has a severity, texts for people, and a section in the runbooks. The runbooks have no other
// sections.
func TestEachAlertSaysWhatToDo(t *testing.T) {
	var sections []string
	for _, heading := range regexp.MustCompile(`(?m)^## (\w+)$`).FindAllStringSubmatch(content(t, runbooksPage), -1) {
		sections = append(sections, heading[1])
	}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		if !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) {
			t.Errorf("%s has the severity %q", r.Alert, r.Labels["severity"])
		}
		if want := "docs/runbooks.md#" + strings.ToLower(r.Alert); r.Annotations["runbook"] != want || !slices.Contains(sections, r.Alert) {
			t.Errorf("%s has the runbook %q, want %q, and that section", r.Alert, r.Annotations["runbook"], want)
		}
		sections = slices.DeleteFunc(sections, func(s string) bool { return s == r.Alert })
		named := "$labels.detector"
		if r.Alert == "AnomalyDetectorDown" {
			named = "$labels.instance"
		}
		for _, text := range []string{r.Annotations["summary"], r.Annotations["description"]} {
			if !strings.Contains(text, named) {
				t.Errorf("a text of %s does not name %s: %q", r.Alert, named, text)
			}
		}
	}
	if len(sections) > 0 {
		t.Errorf("runbooks without an alert: %v", sections)
	}
}

func TestEachRunbookTellsMeaningLookAndDo(t *testing.T) {
	for section := range strings.SplitSeq(content(t, runbooksPage), "\n## ") {
		if name, text, _ := strings.Cut(section, "\n"); strings.HasPrefix(name, "AnomalyDetector") {
			for _, part := range []string{"**Meaning.**", "**Look at.**", "**Do.**"} {
				if strings.Count(text, part) != 1 {
					t.Errorf("%s has %d parts %s", name, strings.Count(text, part), part)
				}
			}
		}
	}
}

// The test looks at all words that begin like a metric.
func TestRunbooksNameExistingMetrics(t *testing.T) {
	all := metrics(t)
	for _, page := range []string{runbooksPage, "../../ops/README.md"} {
		for _, name := range regexp.MustCompile(`anomalydetector_\w+`).FindAllString(content(t, page), -1) {
			if _, there := all[name]; !there {
				t.Errorf("%s names %s, which is not exported", page, name)
			}
		}
	}
}

// The test counts the cases that promtool runs.
func TestEachAlertHasACaseThatFiresAndOneThatDoesNot(t *testing.T) {
	var file struct {
		Tests []struct {
			Name  string
			Exprs []struct {
				Samples []struct{ Labels string } `yaml:"exp_samples"`
			} `yaml:"promql_expr_test"`
		}
	}
	if err := yaml.Unmarshal([]byte(content(t, rulesTestFile)), &file); err != nil {
		t.Fatal(err)
	}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		fires, quiet := false, false
		for _, c := range file.Tests {
			any := false
			for _, expr := range c.Exprs {
				for _, sample := range expr.Samples {
					any = any || strings.Contains(sample.Labels, `alertname="`+r.Alert+`"`)
				}
			}
			fires = fires || any
			quiet = quiet || !any && strings.HasPrefix(c.Name, strings.TrimPrefix(r.Alert, "AnomalyDetector")+" is quiet")
		}
		if !fires || !quiet {
			t.Errorf("%s: a case that fires: %t; one that is quiet: %t", r.Alert, fires, quiet)
		}
	}
}

func TestPromtoolAgrees(t *testing.T) {
	for _, arguments := range [][]string{
		{"check", "rules", rulesFile}, {"check", "config", configFile}, {"test", "rules", rulesTestFile},
	} {
		if said, err := exec.Command(need(t, "promtool"), arguments...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", arguments, err, said)
		}
	}
}

// need is the path of a program of Prometheus.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is missing: apt-get install prometheus", program)
	}
	return path
}

// The dashboard has nothing that Grafana would silently repair or show wrongly.
func TestDashboardIsComplete(t *testing.T) {
	d := readDashboard(t)
	if d.UID == "" || d.Title == "" || d.SchemaVersion < 38 {
		t.Errorf("uid %q, title %q, schema %d", d.UID, d.Title, d.SchemaVersion)
	}
	ids, titles, rows := make(map[int]bool), make(map[string]bool), []string{}
	taken := make(map[[2]int]string)
	ours := source{"prometheus", "${datasource}"}
	for _, p := range d.Panels {
		if ids[p.ID] || titles[p.Title] || p.Title == "" {
			t.Errorf("panel %d %q: its id or title is there twice, or empty", p.ID, p.Title)
		}
		ids[p.ID], titles[p.Title] = true, true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if at := [2]int{x, y}; taken[at] != "" || x >= 24 {
					t.Errorf("%q lies on %q, or beyond the edge", p.Title, taken[at])
				} else {
					taken[at] = p.Title
				}
			}
		}
		if p.Type == "row" {
			rows = append(rows, p.Title)
			continue
		}
		if p.Datasource != ours || len(p.Targets) == 0 || p.FieldConfig.Defaults.Unit == "" {
			t.Errorf("%q: data source %v, %d queries, unit %q", p.Title, p.Datasource, len(p.Targets), p.FieldConfig.Defaults.Unit)
		}
		references := make(map[string]bool)
		for _, target := range p.Targets {
			if references[target.RefID] || target.Datasource != ours {
				t.Errorf("%q: query %s is there twice, or has another data source", p.Title, target.RefID)
			}
			references[target.RefID] = true
		}
	}
	want := []string{"Health", "Throughput", "Lag and latency", "Anomalies", "Transactions and checkpoints", "Disk", "Process and Go", "HTTP", "Configuration and log", "Alerts of episodes"}
	if !slices.Equal(rows, want) {
		t.Errorf("rows %v, want %v", rows, want)
	}
	var variables []string
	for _, v := range d.Templating.List {
		variables = append(variables, v.Name)
	}
	if !slices.Equal(variables, []string{"datasource", "detector", "instance"}) {
		t.Errorf("variables %v", variables)
	}
}
