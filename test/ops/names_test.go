package ops

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// scraped are the labels that Prometheus adds to everything that it scrapes.
var scraped = []string{"job", "instance"}

// foreign are the metrics of other programs that queries may name, with their labels. The test with a real
// Prometheus finds those that do not exist.
var foreign = map[string][]string{
	"up": nil, "ALERTS": {"alertname", "alertstate", "severity"},
	"process_start_time_seconds": nil, "process_cpu_seconds_total": nil, "process_resident_memory_bytes": nil, "process_open_fds": nil,
	"go_memstats_heap_inuse_bytes": nil, "go_gc_duration_seconds": {"quantile"}, "go_goroutines": nil,
}

// names are all metrics that exist.
type names struct {
	exported map[string]metric
	recorded map[string]bool
}

// labelsOf are the labels of the metric that a selector names. It is an error if there is no such metric.
func (n names) labelsOf(name string) ([]string, error) {
	if m, ok := n.exported[name]; ok {
		return m.labels, nil
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if m, ok := n.exported[strings.TrimSuffix(name, suffix)]; ok && m.kind == "histogram" {
			return append([]string{"le"}, m.labels...), nil
		}
	}
	if own, ok := foreign[name]; ok {
		return own, nil
	}
	if n.recorded[name] {
		return []string{"detector"}, nil
	}
	return nil, fmt.Errorf("there is no metric %s", name)
}

// wrong are the names in a query that do not exist.
func (n names) wrong(q query) (problems []string) {
	expr, err := parser.ParseExpr(q.expr)
	if err != nil {
		return []string{err.Error()}
	}
	known := labelsIn(n, expr)
	check := func(what string, labels ...string) {
		for _, label := range labels {
			if !slices.Contains(known, label) {
				problems = append(problems, fmt.Sprintf("%s has the label %s, which nothing in the query has", what, label))
			}
		}
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch e := node.(type) {
		case *parser.VectorSelector:
			own, err := n.labelsOf(e.Name)
			if err != nil {
				problems = append(problems, err.Error())
			}
			for _, m := range e.LabelMatchers {
				if m.Name != labels.MetricName && err == nil && !slices.Contains(slices.Concat(own, scraped), m.Name) {
					problems = append(problems, fmt.Sprintf("%s has no label %s", e.Name, m.Name))
				}
			}
		case *parser.AggregateExpr:
			check("by (...)", e.Grouping...)
			inside := labelsIn(n, e.Expr)
			for _, label := range e.Grouping {
				if !slices.Contains(inside, label) {
					problems = append(problems, fmt.Sprintf("%s aggregates by %s, which it does not have", e, label))
				}
			}
		case *parser.BinaryExpr:
			if e.VectorMatching != nil {
				check("on (...)", e.VectorMatching.MatchingLabels...)
				check("group_left (...)", e.VectorMatching.Include...)
			}
		}
		return nil
	})
	for _, label := range legendLabel.FindAllStringSubmatch(q.legend, -1) {
		check("the legend or text", label[1])
	}
	return problems
}

// labelsIn are the labels of all selectors within an expression.
func labelsIn(n names, expr parser.Expr) []string {
	all := slices.Clone(scraped)
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok {
			own, _ := n.labelsOf(selector.Name)
			all = append(all, own...)
		}
		return nil
	})
	return all
}

func allNames(t *testing.T) names {
	n := names{exported: metrics(t), recorded: make(map[string]bool)}
	for _, r := range rules(t) {
		if r.Record != "" {
			n.recorded[r.Record] = true
		}
	}
	return n
}

// The metrics and labels of rules and dashboard exist.
func TestEachQueryNamesExportedMetrics(t *testing.T) {
	n := allNames(t)
	for _, q := range append(ruleQueries(t), dashboardQueries(t)...) {
		for _, problem := range n.wrong(q) {
			t.Errorf("%s: %s\n%s", q.where, problem, q.expr)
		}
	}
}

func TestWrongNamesAreFound(t *testing.T) {
	n := allNames(t)
	for _, expr := range []string{
		"anomalydetector_lag", "anomalydetector_records_total_bucket", `anomalydetector_lag_records{reason="x"}`,
		"sum by (state) (anomalydetector_records_total)", "sum(", "anomalydetector_entities * on (partitions) anomalydetector_entities",
		"sum by (partition) (sum by (detector) (anomalydetector_entities)) + sum by (role) (anomalydetector_lag_records)",
	} {
		if len(n.wrong(query{expr: expr})) == 0 {
			t.Errorf("nothing wrong is found in %s", expr)
		}
	}
	if len(n.wrong(query{expr: "sum(anomalydetector_records_total)", legend: "{{topic}}"})) == 0 {
		t.Error("nothing wrong is found in a legend")
	}
}

// A metric that is worth exporting is worth a look.
func TestEachMetricIsOnTheDashboard(t *testing.T) {
	var shown strings.Builder
	for _, q := range dashboardQueries(t) {
		shown.WriteString(q.expr)
	}
	apart := []string{"anomalydetector_last_report_timestamp_seconds"} // an alert uses it
	for _, name := range sorted(metrics(t)) {
		if !strings.Contains(shown.String(), name) && !strings.HasPrefix(name, "anomalydetector_kafka_") && !slices.Contains(apart, name) {
			t.Errorf("no panel shows %s", name)
		}
	}
}
