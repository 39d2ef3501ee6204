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
	files, err := filepath.Glob("../../actors/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var program strings.Builder
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		program.Write(content)
	}
	for _, line := range logged {
		if !strings.Contains(program.String(), line.source) {
			t.Errorf("no file of actors logs %s any more, which report.go counts", line.source)
		}
	}
}
