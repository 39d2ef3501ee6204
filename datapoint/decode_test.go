package datapoint

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

func TestDecodeReadsWhatAppendAnomalyWrote(t *testing.T) {
	point := []byte(record("hege", half, "x", "\x92\x01\xc0", "asn", "\x07", "scope", "\xa6a, b,c"))
	d := NewDecoder("hege", []string{"scope", "asn"})
	for name, payload := range map[string][]byte{
		"plain":         AppendAnomaly(nil, point, -7.25),
		"explained":     explained(point, -7.25, &explanation),
		"other order":   []byte(record("deviation", "\xcb\xc0\x1d\x00\x00\x00\x00\x00\x00", "datapoint", string(point))),
		"a later value": []byte(record("deviation", "\x01", "datapoint", "\x80", "datapoint", string(point), "deviation", "\xcb\xc0\x1d\x00\x00\x00\x00\x00\x00")),
	} {
		got, bad := d.Decode(5, payload)
		if bad != nil || got.Entity != "a, b,c,7" || !slices.Equal(got.Fields, []string{"a, b,c", "7"}) || got.Value != 0.5 || got.Deviation != -7.25 {
			t.Errorf("%s: %+v, %v", name, got, bad)
		}
	}
	if got, bad := d.Decode(5, AppendAnomaly(nil, point, math.Inf(1))); bad != nil || !math.IsInf(got.Deviation, 1) {
		t.Errorf("infinite: %+v, %v", got, bad)
	}
	if got, bad := NewDecoder("hege", nil).Decode(5, AppendAnomaly(nil, point, 6)); bad != nil || got.Entity != "" || len(got.Fields) != 0 {
		t.Errorf("without key fields: %+v, %v", got, bad)
	}
	if got, bad := NewDecoder("hege", []string{"deviation"}).Decode(5, AppendAnomaly(nil, []byte(record("hege", half, "deviation", a1)), 6)); bad != nil || got.Entity != "1a" {
		t.Errorf("a key field of that name: %+v, %v", got, bad)
	}
}

func TestDecodeNamesWhatIsWrong(t *testing.T) {
	point := record("hege", half, "asn", "\x07", "scope", a1)
	for name, c := range map[string]struct {
		payload string
		want    BadRecord
	}{
		"not msgpack":           {"\xc1", BadRecord{NotMsgpack, ""}},
		"empty":                 {"", BadRecord{Truncated, ""}},
		"not a map":             {"\x90", BadRecord{NotMap, ""}},
		"no deviation":          {record("datapoint", point), BadRecord{FieldMissing, "deviation"}},
		"no datapoint":          {record("deviation", "\x01"), BadRecord{FieldMissing, "datapoint"}},
		"deviation a text":      {record("deviation", a1, "datapoint", point), BadRecord{ValueNotNumber, "deviation"}},
		"deviation not a one":   {record("deviation", "\xca\x7f\xc0\x00\x00", "datapoint", point), BadRecord{ValueNotFinite, "deviation"}},
		"datapoint not a map":   {record("deviation", "\x01", "datapoint", "\x05"), BadRecord{NotMap, ""}},
		"another's datapoint":   {record("deviation", "\x01", "datapoint", record("hege", half, "scope", a1)), BadRecord{FieldMissing, "asn"}},
		"value not finite":      {record("deviation", "\x01", "datapoint", record("hege", "\xca\x7f\xc0\x00\x00", "asn", "\x07", "scope", a1)), BadRecord{ValueNotFinite, "hege"}},
		"truncated":             {record("deviation", "\x01", "datapoint", point[:len(point)-1]), BadRecord{Truncated, ""}},
		"bytes after it":        {record("deviation", "\x01", "datapoint", point) + "\x01", BadRecord{NotMsgpack, ""}},
		"the input's own point": {point, BadRecord{FieldMissing, "deviation"}},
	} {
		if got, bad := NewDecoder("hege", []string{"scope", "asn"}).Decode(5, []byte(c.payload)); bad == nil || *bad != c.want {
			t.Errorf("%s: %+v, %v, want %v", name, got, bad, c.want)
		}
	}
	if _, bad := NewDecoder("hege", nil).Decode(5, nil); bad == nil || bad.Reason != Tombstone {
		t.Errorf("a tombstone: %v", bad)
	}
	if _, bad := NewDecoder("hege", nil).Decode(-1, AppendAnomaly(nil, []byte(point), 6)); bad == nil || bad.Reason != NegativeTimestamp {
		t.Errorf("without a timestamp: %v", bad)
	}
}

// FuzzDecode holds that no bytes make Decode panic, that a Decoder gives what a new one gives, that the
// Scanner takes what a Decoder takes, and that the fields joined are the key.
func FuzzDecode(f *testing.F) {
	point := record("hege", half, "asn", "\x07", "scope", a1)
	f.Add(AppendAnomaly(nil, []byte(point), 6))
	f.Add(explained([]byte(point), 6, &explanation))
	f.Add([]byte(record("deviation", "\x01", "datapoint", "\x80")))
	reused := NewDecoder("hege", []string{"scope", "asn"})
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, bad := reused.Decode(5, payload)
		want, wantBad := NewDecoder("hege", []string{"scope", "asn"}).Decode(5, payload)
		if (bad == nil) != (wantBad == nil) || bad != nil && *bad != *wantBad || got.Entity != want.Entity || got.Value != want.Value && bad == nil {
			t.Fatalf("%+v %v, a new one gives %+v %v", got, bad, want, wantBad)
		}
		if bad != nil {
			return
		}
		if strings.Join(got.Fields, ",") != got.Entity || math.IsNaN(got.Deviation) {
			t.Errorf("%+v", got)
		}
		if _, err := msgp.Skip(payload); err != nil {
			t.Errorf("msgp refuses it: %v", err)
		}
	})
}
