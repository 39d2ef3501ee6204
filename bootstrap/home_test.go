package bootstrap

import (
	"strings"
	"syscall"
	"testing"

	"anomalydetector/persistence"
)

// TestSignalEndsTheOpeningOfTheState: it can take long, and nothing else looks at signals
// meanwhile.
func TestSignalEndsTheOpeningOfTheState(t *testing.T) {
	o := newOutside(t, map[string]string{"DETECTOR_DATA_DIR": t.TempDir(), "KAFKA_HOST": "127.0.0.1:1"})
	confs, err := loadAll([]string{"hegemonydetector.conf"}, &o.World)
	must(t, err)
	o.Container = "so that the log goes to standard output"
	opened := false
	err = Run(&o.World, confs, Options{Store: func(options *persistence.Options) {
		options.Free = func() (uint64, error) { // the opening asks for it
			if !opened {
				opened = true
				o.signals <- syscall.SIGTERM
			}
			<-options.Interrupted
			return 1 << 40, nil
		}
	}})
	if err != nil || !opened || !strings.Contains(o.output.String(), "stopped before anything was read") {
		t.Errorf("it ended with %v, opened: %v; it said\n%s", err, opened, o.output)
	}
}
