// Package ops checks the folder ops/: what its files say, and what promtool and a real Prometheus make of
// them. It is a module of its own, because nothing else needs Prometheus's parser.
package ops

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v2"
)

const (
	rulesFile     = "../../ops/alerts.yml"
	rulesTestFile = "../../ops/alerts_test.yml"
	configFile    = "../../ops/prometheus.yml"
	dashboardFile = "../../ops/grafana/anomalydetector.json"
	metricsPage   = "../../docs/metrics.md"
	runbooksPage  = "../../docs/runbooks.md"
)

func content(t *testing.T, path string) string {
	t.Helper()
	read, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(read)
}

// metric is a line of docs/metrics.md, which a test in web/ compares with the program.
type metric struct {
	name, kind string
	labels     []string
}

func metrics(t *testing.T) map[string]metric {
	t.Helper()
	all := make(map[string]metric)
	for line := range strings.Lines(content(t, metricsPage)) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.HasPrefix(cells[1], " `anomalydetector_") {
			continue
		}
		m := metric{name: strings.Trim(cells[1], " `"), kind: strings.TrimSpace(cells[2])}
		for label := range strings.SplitSeq(cells[3], ",") {
			m.labels = append(m.labels, strings.TrimSpace(label))
		}
		all[m.name] = m
	}
	if len(all) < 40 {
		t.Fatalf("%s has %d metrics, want 40 at least", metricsPage, len(all))
	}
	return all
}

// rule is one of the rules in alerts.yml.
type rule struct {
	Alert, Record, Expr, For string
	Labels, Annotations      map[string]string
}

func rules(t *testing.T) (all []rule) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal([]byte(content(t, rulesFile)), &file); err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	return all
}

// board is the part of Grafana's file that the tests look at.
type board struct {
	UID, Title    string
	SchemaVersion int
	Panels        []panel
	Templating    struct {
		List []struct {
			Name, Type, Definition string
			Datasource             source
		}
	}
	Annotations struct {
		List []struct {
			Name, Expr string
			Datasource source
		}
	}
}

type source struct{ Type, UID string }

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               source
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct {
		RefID, Expr, LegendFormat string
		Datasource                source
	}
	FieldConfig struct{ Defaults struct{ Unit string } }
}

func readDashboard(t *testing.T) (d board) {
	t.Helper()
	if err := json.Unmarshal([]byte(content(t, dashboardFile)), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// query is a query of the dashboard or of the rules.
type query struct {
	where, expr, legend string
}

// grafana replaces Grafana's variables by values for these tests.
var grafana = strings.NewReplacer("$__rate_interval", "30s", "$__range", "1h", "$detector", ".*", "$instance", ".*")

var legendLabel = regexp.MustCompile(`\{\{(\w+)\}\}`)

func dashboardQueries(t *testing.T) (all []query) {
	d := readDashboard(t)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, query{p.Title + " " + target.RefID, grafana.Replace(target.Expr), target.LegendFormat})
		}
	}
	for _, a := range d.Annotations.List {
		if a.Expr != "" {
			all = append(all, query{"annotation " + a.Name, grafana.Replace(a.Expr), ""})
		}
	}
	values := regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		parts := values.FindStringSubmatch(v.Definition)
		if parts == nil {
			t.Errorf("variable %s: %q, want label_values(metric, label)", v.Name, v.Definition)
			continue
		}
		all = append(all, query{"variable " + v.Name, "count by (" + parts[2] + ") (" + parts[1] + ")", ""})
	}
	return all
}

func ruleQueries(t *testing.T) (all []query) {
	for _, r := range rules(t) {
		var legend strings.Builder // texts that name labels
		for _, text := range r.Annotations {
			for _, label := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(text, -1) {
				legend.WriteString("{{" + label[1] + "}}")
			}
		}
		all = append(all, query{"rule " + r.Alert + r.Record, r.Expr, legend.String()})
	}
	return all
}

// sorted are the keys of a map.
func sorted[V any](of map[string]V) (keys []string) {
	for key := range of {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
