package simulation

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCountedLogLinesExist notices when the program words a line differently that the
// report counts: the count would be 0 from then on.
func TestCountedLogLinesExist(t *testing.T) {
	for _, line := range append(logged, loggedLine{words: `"standby", standby)`, file: "actors/detector_partitions.go"}) {
		source, err := os.ReadFile(filepath.Join("../..", line.file))
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(string(source), line.words) {
			t.Errorf("%s does not log %q any more", line.file, line.words)
		}
	}
}
