package bootstrap

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"anomalydetector/configs"
)

// TestDeniedDirectoryNamesUserAndRemedy, and other errors stay as they are.
func TestDeniedDirectoryNamesUserAndRemedy(t *testing.T) {
	denied := &fs.PathError{Op: "open", Path: "/data/LOCK", Err: syscall.EACCES}
	chown := fmt.Sprintf("chown -R %d:%d /data", os.Getuid(), os.Getgid())
	for name, c := range map[string]struct {
		world World
		err   error
		want  []string
		not   string
	}{
		"permission":            {World{}, denied, []string{chown, "open /data/LOCK: permission denied"}, "mounted"},
		"permission, container": {World{Container: "a mark"}, denied, []string{chown, "mounted there", "fsGroup"}, "\n"},
		"read-only":             {World{Container: "a mark"}, syscall.EROFS, []string{"DETECTOR_DATA_DIR", "mount a volume"}, "chown"},
		"another":               {World{}, syscall.ENOSPC, []string{syscall.ENOSPC.Error()}, "chown"},
	} {
		text := dirDenied(fmt.Errorf("create data directory: %w", c.err), "/data", &c.world).Error()
		for _, want := range c.want {
			if !strings.Contains(text, want) || strings.Contains(text, c.not) {
				t.Errorf("%s: %q, want %q in it and not %q", name, text, want, c.not)
			}
		}
	}
	config := &configs.Config{Log: configs.Log{Place: configs.LogToFile}}
	if text := fileDenied(syscall.EROFS, config, &World{}).Error(); !strings.Contains(text, "DETECTOR_LOG=stdout") {
		t.Errorf("a log file on a read-only file system: %q, want DETECTOR_LOG=stdout in it", text)
	}
}
