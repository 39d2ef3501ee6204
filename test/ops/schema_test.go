package ops

import (
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// By the schema that Grafana publishes, no field is unknown, missing or of another type.
func TestDashboardFitsGrafanasSchema(t *testing.T) {
	known := cog.NewRuntime()
	known.RegisterPanelcfgVariant(heatmap.VariantConfig())
	known.RegisterPanelcfgVariant(stat.VariantConfig())
	known.RegisterPanelcfgVariant(table.VariantConfig())
	known.RegisterPanelcfgVariant(timeseries.VariantConfig())
	known.RegisterDataqueryVariant(prometheus.VariantConfig())
	var d dashboard.Dashboard
	for _, err := range []error{d.UnmarshalJSONStrict([]byte(content(t, dashboardFile))), d.Validate()} {
		if err != nil && err.Error() != "" { // an empty list of errors is none
			t.Error(err)
		}
	}
	if len(d.Panels) < 40 {
		t.Errorf("it has %d panels", len(d.Panels))
	}
}
