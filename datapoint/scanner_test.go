package datapoint

import (
	"math"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// entry appends one entry of a map: its name and the bytes of its value.
func entry(dst []byte, name, value string) []byte {
	return append(msgp.AppendString(dst, name), value...)
}

// record returns the map of names and raw values, given alternately.
func record(namesAndValues ...string) string {
	b := msgp.AppendMapHeader(nil, uint32(len(namesAndValues)/2))
	for i := 0; i < len(namesAndValues); i += 2 {
		b = entry(b, namesAndValues[i], namesAndValues[i+1])
	}
	return string(b)
}

const (
	half = "\xca\x3f\x00\x00\x00" // 0.5 as a float32
	a1   = "\xa21a"               // the str "1a"
)

func scope(value string) string { return record("scope", value, "asn", "\x07", "hege", half) }
func hege(value string) string  { return record("scope", a1, "asn", "\x07", "hege", value) }

// everyType is a list with a value of each leading byte except c1. Each has the shortest length that its
// layout allows, 0 for its children and "" for its names.
func everyType() string {
	list := []byte{0xdc, 0, 255}
	for lead := range 256 {
		if lead == 0xc1 {
			continue
		}
		size, children := header(append([]byte{byte(lead)}, make([]byte, 32)...))
		list = append(list, byte(lead))
		list = append(list, make([]byte, size-1)...)
		for i := range children {
			if beginsMap(byte(lead)) && i%2 == 0 {
				list = append(list, 0xa0)
			} else {
				list = append(list, 0)
			}
		}
	}
	return string(list)
}

func TestScanTakesThePoint(t *testing.T) {
	long := strings.Repeat("long ", 14000)
	for name, c := range map[string]struct {
		payload string
		key     string
		value   float64
	}{
		"fields in any order":           {record("hege", half, "x", "\xc0", "asn", "\x07", "scope", a1), "1a,7", 0.5},
		"nested values skipped":         {record("x", "\x92\x81\xa4hege\x01\x90", "hege", half, "asn", "\x07", "scope", a1), "1a,7", 0.5},
		"names of other types skipped":  {"\x86" + scope(a1)[1:] + "\xc4\x04hege\x02" + "\xc5\x00\x04hege\x02" + "\xc6\x00\x00\x00\x04\xff\xffge\x02", "1a,7", 0.5},
		"values of all types skipped":   {record("x", everyType(), "hege", half, "asn", "\x07", "scope", a1), "1a,7", 0.5},
		"a later value replaces":        {record("hege", "\xc0", "scope", a1, "asn", "\x07", "scope", "\xa1b", "hege", half), "b,7", 0.5},
		"a name as bin is another":      {"\x84" + hege(half)[1:] + "\xc4\x04hege\x01", "1a,7", 0.5},
		"a name as str 8":               {"\x83" + "\xd9\x04hege\x01" + "\xda\x00\x05scope\xa1s" + "\xdb\x00\x00\x00\x03asn\x02", "s,2", 1},
		"map 16":                        {"\xde\x00\x03" + hege(half)[1:], "1a,7", 0.5},
		"map 32":                        {"\xdf\x00\x00\x00\x03" + hege(half)[1:], "1a,7", 0.5},
		"value float64":                 {hege("\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a"), "1a,7", 0.1},
		"value float32 widened":         {hege("\xca\x3d\xcc\xcc\xcd"), "1a,7", float64(float32(0.1))},
		"value positive fixint":         {hege("\x7f"), "1a,7", 127},
		"value negative fixint":         {hege("\xe0"), "1a,7", -32},
		"value int8":                    {hege("\xd0\x80"), "1a,7", -128},
		"value int16":                   {hege("\xd1\x80\x00"), "1a,7", -32768},
		"value int32":                   {hege("\xd2\x80\x00\x00\x00"), "1a,7", math.MinInt32},
		"value int64":                   {hege("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), "1a,7", math.MinInt64},
		"value uint8":                   {hege("\xcc\xff"), "1a,7", 255},
		"value uint16":                  {hege("\xcd\xff\xff"), "1a,7", 65535},
		"value uint32":                  {hege("\xce\xff\xff\xff\xff"), "1a,7", math.MaxUint32},
		"value uint64":                  {hege("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "1a,7", 1 << 64},
		"value 2^53+1 rounds to even":   {hege("\xcf\x00\x20\x00\x00\x00\x00\x00\x01"), "1a,7", 1 << 53},
		"value 2^53+3 rounds to even":   {hege("\xcf\x00\x20\x00\x00\x00\x00\x00\x03"), "1a,7", 1<<53 + 4},
		"value -(2^53+1) rounds so too": {hege("\xd3\xff\xdf\xff\xff\xff\xff\xff\xff"), "1a,7", -(1 << 53)},
		"key empty":                     {scope("\xa0"), ",7", 0.5},
		"key str beyond ASCII":          {scope("\xa8\xc3\xa9\xef\xbf\xbf\xe2\x82\xac"), "é\uffff€,7", 0.5},
		"key str of the last rune":      {scope("\xa4\xf4\x8f\xbf\xbf"), "\U0010ffff,7", 0.5},
		"key str with a zero byte":      {scope("\xa1\x00"), "\x00,7", 0.5},
		"bin with any bytes":            {record("x", "\xc4\x02\xff\xfe", "hege", half, "asn", "\x07", "scope", a1), "1a,7", 0.5},
		"ext 127 with any bytes":        {record("x", "\xd4\x7f\xff", "hege", half, "asn", "\x07", "scope", a1), "1a,7", 0.5},
		"time 32":                       {record("x", "\xd6\xff\xff\xff\xff\xff", "hege", half, "asn", "\x07", "scope", a1), "1a,7", 0.5},
		"time 64 of most nanoseconds":   {record("x", "\xd7\xff\xee\x6b\x27\xff\xff\xff\xff\xff", "hege", half, "asn", "\x07", "scope", a1), "1a,7", 0.5},
		"time 96 of most nanoseconds":   {record("x", "\xc7\x0c\xff\x3b\x9a\xc9\xff\x80\x00\x00\x00\x00\x00\x00\x00", "hege", half, "asn", "\x07", "scope", a1), "1a,7", 0.5},
		"time 32 written as ext 32":     {record("x", "\xc9\x00\x00\x00\x04\xff\x00\x00\x00\x01", "hege", half, "asn", "\x07", "scope", a1), "1a,7", 0.5},
		"key str 8":                     {scope("\xd9\x02ab"), "ab,7", 0.5},
		"key str 16":                    {scope("\xda\x00\x02ab"), "ab,7", 0.5},
		"key str 32":                    {scope(string(msgp.AppendString(nil, long))), long + ",7", 0.5},
		"key with a comma":              {scope("\xa3a,b"), "a,b,7", 0.5},
		"key negative":                  {scope("\xff"), "-1,7", 0.5},
		"key the least int64":           {scope("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), "-9223372036854775808,7", 0.5},
		"key the greatest uint64":       {scope("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615,7", 0.5},
		"key float64":                   {scope("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"), "1.0,7", 0.5},
		"key float32 widened":           {scope("\xca\x3d\xcc\xcc\xcd"), "0.10000000149011612,7", 0.5},
		"key infinite":                  {scope("\xca\xff\x80\x00\x00"), "-inf,7", 0.5},
		"key NaN":                       {scope("\xca\x7f\xc0\x00\x00"), "nan,7", 0.5},
		"nested as deep as allowed":     {record("x", strings.Repeat("\x91", maxDepth-1)+"\xc0", "hege", half, "asn", "\x07", "scope", a1), "1a,7", 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			point, bad := NewScanner("hege", []string{"scope", "asn"}).Scan(0, []byte(c.payload))
			if bad != nil {
				t.Fatal(bad)
			}
			if string(point.Key) != c.key || point.Value != c.value {
				t.Errorf("got %.40q %v, want %.40q %v", point.Key, point.Value, c.key, c.value)
			}
		})
	}
}

func TestFieldsMayBeSharedRepeatedOrNone(t *testing.T) {
	payload := []byte(record("hege", "\x05", "scope", a1))
	for name, c := range map[string]struct {
		keys []string
		want string
	}{
		"the value in the key": {[]string{"hege", "scope"}, "5,1a"},
		"a key field twice":    {[]string{"scope", "hege", "scope"}, "1a,5,1a"},
		"no key fields":        {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			point, bad := NewScanner("hege", c.keys).Scan(0, payload)
			if bad != nil || string(point.Key) != c.want || point.Value != 5 {
				t.Errorf("got %q %v %v, want %q", point.Key, point.Value, bad, c.want)
			}
		})
	}
}

func TestScanForgetsTheRecordBefore(t *testing.T) {
	s := NewScanner("hege", []string{"scope", "asn"})
	if _, bad := s.Scan(0, []byte(scope("\xa5first"))); bad != nil {
		t.Fatal(bad)
	}
	if _, bad := s.Scan(0, []byte(record("hege", half, "asn", "\x07"))); bad == nil || *bad != (BadRecord{FieldMissing, "scope"}) {
		t.Errorf("got %v, want scope missing", bad)
	}
	if point, bad := s.Scan(0, []byte(scope("\xa1s"))); bad != nil || string(point.Key) != "s,7" {
		t.Errorf("got %q %v after a bad record", point.Key, bad)
	}
}

func TestScanAllocatesNothing(t *testing.T) {
	s := NewScanner("hege", []string{"scope", "asn"})
	for name, payload := range map[string]string{
		"good record":         record("timestamp", "\xce\x5f\x5e\x10\xc8", "scope", a1, "asn", "\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a", "hege", half, "nb_peers", "\x50"),
		"nested":              record("x", "\x92\x81\xa1a\x01\x90", "hege", half, "asn", "\x07", "scope", a1),
		"not msgpack":         "hello",
		"value not a number":  hege("\xa30.5"),
		"key of another type": scope("\xc0"),
		"field missing":       record("hege", half),
	} {
		t.Run(name, func(t *testing.T) {
			bytes := []byte(payload)
			if n := testing.AllocsPerRun(100, func() { s.Scan(0, bytes) }); n != 0 {
				t.Errorf("%v allocations a record", n)
			}
		})
	}
}

func BenchmarkScan(b *testing.B) {
	payload := []byte(record("timestamp", "\xce\x5f\x5e\x10\xc8", "scope", "\xa46939", "asn", "\xa51299x", "hege", "\xcb\x3f\xa2\x3e\x69\x0c\xb0\x73\x32", "nb_peers", "\x50"))
	s := NewScanner("hege", []string{"scope", "asn"})
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, bad := s.Scan(0, payload); bad != nil {
			b.Fatal(bad)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "points/s")
}

// Names are remembered from record to record, so each record is followed by one that is similar, but not the
// same.
func TestScanDoesNotDependOnThePreviousRecord(t *testing.T) {
	payloads := []string{
		record("hege", half, "scope", a1, "asn", "\x07"),
		record("hege", half, "scope", a1, "asnx", "\x07"),
		record("scope", a1, "asn", "\x07", "hege", half),
		record("hege", half, "scope", a1),
		record("hege", half, "scopf", a1, "asn", "\x07"),
		record("hege", half, "scope", a1, "asn", "\x07", "asn", "\x08"),
		record("hege", half, "scope", a1, "asn", "\x07")[:12],
		record("hege", "\xcb\x3f", "scope", a1, "asn", "\x07"),
	}
	long := "\xde\x00\x40" // 64 entries, the wanted ones last
	for range 61 {
		long += "\xa1x\x01"
	}
	payloads = append(payloads, long+record("hege", half, "scope", a1, "asn", "\x07")[1:], long+record("scope", a1, "asn", "\x07", "hege", half)[1:])
	reused := NewScanner("hege", []string{"scope", "asn"})
	for i, first := range payloads {
		for j, second := range payloads {
			reused.Scan(0, []byte(first))
			got, bad := reused.Scan(0, []byte(second))
			want, wantBad := NewScanner("hege", []string{"scope", "asn"}).Scan(0, []byte(second))
			if string(got.Key) != string(want.Key) || got.Value != want.Value || (bad == nil) != (wantBad == nil) || bad != nil && *bad != *wantBad {
				t.Errorf("record %d after %d: %q %v %v, alone: %q %v %v", j, i, got.Key, got.Value, bad, want.Key, want.Value, wantBad)
			}
		}
	}
}
