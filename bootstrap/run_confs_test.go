package bootstrap

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/configs"
	"anomalydetector/stream"
)

// TestOldCommandLinesStartAndRead built-in configurations by name, and one by path. As in the original, the
// log goes to the file that the configuration names.
func TestOldCommandLinesStartAndRead(t *testing.T) {
	custom, err := os.ReadFile("../configs/hegemonydetector.conf")
	must(t, err)
	for _, name := range append(configs.BuiltIn(), "path/to/customdetector.conf") {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if folder := filepath.Dir(name); folder != "." {
				must(t, os.MkdirAll(folder, 0o755))
				must(t, os.WriteFile(name, custom, 0o644))
			}
			config, err := configs.Load(name, func(string) string { return "" })
			must(t, err)
			cluster, err := stream.Embedded()
			must(t, err)
			defer cluster.Close()
			must(t, cluster.CreateTopic(config.IO.InputTopic, 1, nil))
			client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic(config.IO.InputTopic))
			must(t, err)
			defer client.Close()
			must(t, client.ProduceSync(t.Context(), kgo.StringRecord("no datapoint")).FirstErr())

			address := freeAddress(t)
			o := newOutside(t, map[string]string{"KAFKA_HOST": strings.Join(cluster.ListenAddrs(), ","), "DETECTOR_HTTP": address})
			exit := o.run(name)
			until(t, "the record is read", func() bool {
				status, metrics := fetch("http://" + address + "/metrics")
				return status == 200 && sample(metrics, `anomalydetector_records_total{detector="`+config.Name+`"}`) == 1
			})
			o.signals <- syscall.SIGTERM
			if code := exits(t, exit, o); code != exitClean {
				t.Errorf("it exits with %d: %s", code, o.output)
			}
			if log, err := os.ReadFile(config.Log.File); err != nil || !strings.Contains(string(log), "detector starts") {
				t.Errorf("the log file %s: %v, %q", config.Log.File, err, log)
			}
		})
	}
}
