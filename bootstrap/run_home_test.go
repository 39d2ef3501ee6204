package bootstrap

import (
	"strings"
	"syscall"
	"testing"

	"anomalydetector/persistence"
)

// TestSignalEndsALongOpening: nothing else reads signals meanwhile.
func TestSignalEndsALongOpening(t *testing.T) {
	o := newOutside(t, map[string]string{"DETECTOR_DATA_DIR": t.TempDir(), "KAFKA_HOST": "127.0.0.1:1"})
	confs, err := loadAll([]string{"hegemonydetector.conf"}, &o.World)
	must(t, err)
	o.Container = "so that the log goes to standard output"
	long := false
	err = Run(&o.World, confs, Options{Store: func(options *persistence.Options) {
		begin := options.Long
		options.Free = func() (uint64, error) { // called while the directory is opened
			if !long {
				long = true
				o.signals <- syscall.SIGTERM
				<-begin()
			}
			return 1 << 40, nil
		}
	}})
	if err != nil || !strings.Contains(o.output.String(), "stopped before anything was read") {
		t.Errorf("it ended with %v; it said\n%s", err, o.output)
	}
}
