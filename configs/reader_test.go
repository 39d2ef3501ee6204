package configs

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// pythonReading is the result of configparser for a case, as generate.py writes it.
type pythonReading struct {
	Error    string // the exception's class, "" if the file was read
	Sections []struct {
		Name string
		Keys map[string]string // with those of [DEFAULT]
	}
}

func TestFilesAreReadAsPythonsConfigparserReadsThem(t *testing.T) {
	folder := filepath.Join("testdata", "configparser")
	content, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]pythonReading
	if err := json.Unmarshal(content, &expected); err != nil {
		t.Fatal(err)
	}
	cases, err := filepath.Glob(filepath.Join(folder, "*.ini"))
	if err != nil || len(cases) != len(expected) {
		t.Fatalf("%d cases but %d expectations (%v): run generate.py", len(cases), len(expected), err)
	}
	for _, path := range cases {
		t.Run(filepath.Base(path), func(t *testing.T) {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := parse(path, content)
			want := expected[filepath.Base(path)]
			if want.Error != "" || err != nil {
				var wrong *Error
				if err != nil && !errors.As(err, &wrong) {
					t.Errorf("refused with a %T, want an *Error", err)
				}
				if (want.Error != "") != (err != nil) {
					t.Fatalf("got error %v, Python says %q", err, want.Error)
				}
				return
			}
			if len(doc.names) != len(want.Sections) {
				t.Fatalf("got sections %q, Python has %v", doc.names, want.Sections)
			}
			for i, section := range want.Sections {
				if doc.names[i] != section.Name {
					t.Errorf("got section %q, Python has %q", doc.names[i], section.Name)
				}
				if got := doc.sections[section.Name]; !reflect.DeepEqual(got, section.Keys) {
					t.Errorf("[%s]: got %q, Python has %q", section.Name, got, section.Keys)
				}
			}
		})
	}
}
