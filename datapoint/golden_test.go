package datapoint

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryGoldenRecordIsAPoint(t *testing.T) {
	confs, err := filepath.Glob("../testdata/golden/*/detector.conf")
	if err != nil || len(confs) == 0 {
		t.Fatalf("no golden streams: %v", err)
	}
	for _, conf := range confs {
		t.Run(filepath.Base(filepath.Dir(conf)), func(t *testing.T) {
			valueField, keyFields := fieldsOf(t, conf)
			file, err := os.Open(filepath.Join(filepath.Dir(conf), "input.jsonl.gz"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			unzipped, err := gzip.NewReader(file)
			if err != nil {
				t.Fatal(err)
			}
			s, d := NewScanner(valueField, keyFields), NewDecoder(valueField, keyFields)
			records := 0
			for lines := bufio.NewScanner(unzipped); lines.Scan(); records++ {
				var line struct {
					Timestamp int64
					Value     []byte
				}
				if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
					t.Fatal(err)
				}
				point, bad := s.Scan(line.Timestamp, line.Value)
				key, value, wantBad := naiveScan(valueField, keyFields, line.Value)
				if bad != nil || wantBad != nil || string(point.Key) != key || point.Value != value {
					t.Fatalf("record %d: got %q %v %v, want %q %v %v", records, point.Key, point.Value, bad, key, value, wantBad)
				}
				anomaly, bad := d.Decode(line.Timestamp, AppendAnomaly(nil, line.Value, -6.5))
				if bad != nil || anomaly.Entity != key || strings.Join(anomaly.Fields, ",") != key || anomaly.Value != value || anomaly.Deviation != -6.5 {
					t.Fatalf("record %d as an anomaly: got %+v %v, want %q %v", records, anomaly, bad, key, value)
				}
			}
			if records == 0 {
				t.Error("no records")
			}
		})
	}
}

// fieldsOf reads the two settings the scanner needs from a .conf file.
func fieldsOf(t *testing.T, conf string) (valueField string, keyFields []string) {
	t.Helper()
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, "=")
		switch strings.TrimSpace(name) {
		case "value_field":
			valueField = strings.TrimSpace(value)
		case "key_field":
			keyFields = strings.Split(strings.TrimSpace(value), ",")
		}
	}
	return valueField, keyFields
}
