package bootstrap

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"anomalydetector/configs"
)

// The episodes topic keeps the state of one detector.
func TestTwoDetectorsDoNotShareAnEpisodesTopic(t *testing.T) {
	content, err := os.ReadFile("../configs/hegemonydetector.conf")
	must(t, err)
	folder := t.TempDir()
	var paths []string
	for _, name := range []string{"one", "two"} {
		path := filepath.Join(folder, name+".conf")
		must(t, os.WriteFile(path, []byte(strings.Replace(string(content), "[episodes]\n", "[episodes]\noutput_topic = life\n", 1)), 0o644))
		paths = append(paths, path)
	}
	world := &World{Env: func(string) string { return "" }}
	_, err = loadAll(paths, world)
	var wrong *configs.Error
	if !errors.As(err, &wrong) || wrong.Section != "episodes" || !strings.Contains(err.Error(), "one has the same topic") {
		t.Errorf("two detectors with one topic: %v", err)
	}
	all, err := loadAll(paths[:1], world)
	must(t, err)
	if all[0].Episodes.OutputTopic != "life" {
		t.Errorf("%+v", all[0].Episodes)
	}
}
