package configs

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// TestFilesAreReadAsConfigparserReadsThem compares with what Python made of the
// same files (testdata/configparser/generate.py).
func TestFilesAreReadAsConfigparserReadsThem(t *testing.T) {
	dir := filepath.Join("testdata", "configparser")
	content, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]any
	if err := json.Unmarshal(content, &expected); err != nil {
		t.Fatal(err)
	}
	for name, want := range expected {
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			doc, err := parse(name, content)
			sections, readable := want.(map[string]any)
			if !readable {
				var wrong *Error
				if !errors.As(err, &wrong) {
					t.Errorf("accepted, or refused with %v; Python raises %v", err, want)
				}
				return
			}
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			if len(doc.sections) != len(sections) {
				t.Errorf("has %d sections, Python %d", len(doc.sections), len(sections))
			}
			for section, keys := range sections {
				wanted := make(map[string]string)
				for key, value := range keys.(map[string]any) {
					wanted[key] = value.(string)
				}
				if !maps.Equal(doc.sections[section], wanted) {
					t.Errorf("[%s] is %q, Python has %q", section, doc.sections[section], wanted)
				}
			}
		})
	}
}
