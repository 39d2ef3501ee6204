package datapoint

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestScanNamesWhatIsWrong(t *testing.T) {
	deep := strings.Repeat("\x91", 100_000) + "\xc0"
	deepMaps := strings.Repeat("\x81\xa0", 100_000) + "\xc0"
	for name, c := range map[string]struct {
		payload string
		reason  Reason
		field   string
	}{
		"empty":                      {"", Truncated, ""},
		"map header alone":           {"\x83", Truncated, ""},
		"map 16 header cut":          {"\xde\x00", Truncated, ""},
		"map of 4 G entries":         {"\xdf\xff\xff\xff\xff\xa0\xc0", Truncated, ""},
		"list of 4 G items":          {record("x", "\xdd\xff\xff\xff\xff"), Truncated, ""},
		"map of 4 G nested":          {record("x", "\xdf\xff\xff\xff\xff"), Truncated, ""},
		"4 G in each of many":        {"\x91" + strings.Repeat("\xdd\xff\xff\xff\xff", maxDepth-1), Truncated, ""},
		"str of 4 G bytes":           {record("x", "\xdb\xff\xff\xff\xff"), Truncated, ""},
		"bin of 4 G bytes":           {record("x", "\xc6\xff\xff\xff\xff"), Truncated, ""},
		"ext of 4 G bytes":           {record("x", "\xc9\xff\xff\xff\xff\x01"), Truncated, ""},
		"name of 4 G bytes":          {"\x81\xdb\xff\xff\xff\xff", Truncated, ""},
		"cut in the last value":      {hege(half[:4]), Truncated, ""},
		"cut after the fields":       {"\x84" + hege(half)[1:], Truncated, ""},
		"reserved byte":              {"\xc1", NotMsgpack, ""},
		"reserved byte as a value":   {record("x", "\xc1"), NotMsgpack, ""},
		"reserved byte in a list":    {record("x", "\x91\xc1"), NotMsgpack, ""},
		"trailing byte":              {hege(half) + "\xc0", NotMsgpack, ""},
		"two maps":                   {hege(half) + hege(half), NotMsgpack, ""},
		"JSON":                       {`{"hege": 0.5}`, NotMsgpack, ""},
		"lists 100 000 deep":         {deep, NotMsgpack, ""},
		"maps 100 000 deep":          {deepMaps, NotMsgpack, ""},
		"lists 100 000 deep inside":  {record("x", deep), NotMsgpack, ""},
		"maps 100 000 deep inside":   {record("x", deepMaps), NotMsgpack, ""},
		"100 000 deep in a name":     {"\x81" + deep + "\xc0", NotMsgpack, ""},
		"one deeper than allowed":    {record("x", strings.Repeat("\x91", maxDepth)+"\xc0"), NotMsgpack, ""},
		"list deeper than allowed":   {strings.Repeat("\x91", maxDepth+1) + "\xc0", NotMsgpack, ""},
		"list as deep as allowed":    {strings.Repeat("\x91", maxDepth) + "\xc0", NotMap, ""},
		"list":                       {"\x91\xc0", NotMap, ""},
		"nil":                        {"\xc0", NotMap, ""},
		"int":                        {"\x05", NotMap, ""},
		"str":                        {"\xa4hege", NotMap, ""},
		"ext":                        {"\xd4\x01\x00", NotMap, ""},
		"list cut":                   {"\x92\xc0", Truncated, ""},
		"no fields":                  {"\x80", FieldMissing, "hege"},
		"value missing":              {record("scope", a1, "asn", "\x07"), FieldMissing, "hege"},
		"value only nested":          {record("scope", a1, "asn", "\x07", "x", record("hege", half)), FieldMissing, "hege"},
		"second key field missing":   {record("scope", a1, "hege", half), FieldMissing, "asn"},
		"name in another case":       {record("scope", a1, "asn", "\x07", "Hege", half), FieldMissing, "hege"},
		"name only begins so":        {record("scope", a1, "asn", "\x07", "heg", half), FieldMissing, "hege"},
		"value str":                  {hege("\xa30.5"), ValueNotNumber, "hege"},
		"value nil":                  {hege("\xc0"), ValueNotNumber, "hege"},
		"value true":                 {hege("\xc3"), ValueNotNumber, "hege"},
		"value false":                {hege("\xc2"), ValueNotNumber, "hege"},
		"value list":                 {hege("\x91\x01"), ValueNotNumber, "hege"},
		"value map":                  {hege("\x80"), ValueNotNumber, "hege"},
		"value bin":                  {hege("\xc4\x01\x01"), ValueNotNumber, "hege"},
		"value ext":                  {hege("\xd4\x05\x01"), ValueNotNumber, "hege"},
		"value time":                 {hege("\xd6\xff\x00\x00\x00\x01"), ValueNotNumber, "hege"},
		"value complex":              {hege("\xd7\x03\x00\x00\x00\x01\x00\x00\x00\x01"), ValueNotNumber, "hege"},
		"value float64 NaN":          {hege("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), ValueNotFinite, "hege"},
		"value float32 NaN":          {hege("\xca\x7f\xc0\x00\x00"), ValueNotFinite, "hege"},
		"value infinite":             {hege("\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"), ValueNotFinite, "hege"},
		"value -infinite":            {hege("\xca\xff\x80\x00\x00"), ValueNotFinite, "hege"},
		"key nil":                    {scope("\xc0"), KeyNotScalar, "scope"},
		"key true":                   {scope("\xc3"), KeyNotScalar, "scope"},
		"key list":                   {scope("\x90"), KeyNotScalar, "scope"},
		"key map":                    {scope("\x80"), KeyNotScalar, "scope"},
		"key bin":                    {scope("\xc4\x021a"), KeyNotScalar, "scope"},
		"key ext":                    {scope("\xd4\x05\x01"), KeyNotScalar, "scope"},
		"key time":                   {scope("\xd6\xff\x00\x00\x00\x01"), KeyNotScalar, "scope"},
		"the later value bad":        {record("hege", half, "scope", a1, "asn", "\x07", "hege", "\xc0"), ValueNotNumber, "hege"},
		"structure before fields":    {record("x", "\x91\xc1"), NotMsgpack, ""},
		"first fault in the bytes":   {"\x91\xc1\x92", NotMsgpack, ""},
		"missing before value":       {record("scope", a1, "hege", "\xc0"), FieldMissing, "asn"},
		"value before key fields":    {record("scope", "\xc0", "hege", "\xc0", "asn", "\xc0"), ValueNotNumber, "hege"},
		"first key field of two bad": {record("asn", "\xc0", "hege", half, "scope", "\xc0"), KeyNotScalar, "scope"},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			point, bad := NewScanner("hege", []string{"scope", "asn"}).Scan(0, []byte(c.payload))
			if bad == nil || *bad != (BadRecord{c.reason, c.field}) {
				t.Errorf("got %q %v %+v, want %v %q", point.Key, point.Value, bad, c.reason, c.field)
			}
			if point.Key != nil || point.Value != 0 {
				t.Errorf("a bad record came with the point %q %v", point.Key, point.Value)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestTimestampThenTombstoneComeFirst(t *testing.T) {
	s := NewScanner("hege", []string{"scope"})
	for name, c := range map[string]struct {
		timestamp int64
		payload   []byte
		reason    Reason
	}{
		"negative timestamp":        {-1, []byte(hege(half)), NegativeTimestamp},
		"negative, and a tombstone": {-1, nil, NegativeTimestamp},
		"tombstone":                 {0, nil, Tombstone},
		"empty, but there":          {0, []byte{}, Truncated},
	} {
		t.Run(name, func(t *testing.T) {
			if _, bad := s.Scan(c.timestamp, c.payload); bad == nil || *bad != (BadRecord{Reason: c.reason}) {
				t.Errorf("got %+v, want %v", bad, c.reason)
			}
		})
	}
}

func TestEachReasonHasAWordAndAMessage(t *testing.T) {
	want := []string{"tombstone", "not_msgpack", "not_a_map", "truncated", "field_missing",
		"value_not_a_number", "value_not_finite", "key_type", "negative_timestamp"}
	var words []string
	for i, r := range Reasons() {
		if int(r) != i {
			t.Errorf("reason %v is number %d, want %d", r, r, i)
		}
		words = append(words, r.String())
		bad := BadRecord{r, ""}
		switch r {
		case FieldMissing, ValueNotNumber, ValueNotFinite, KeyNotScalar:
			bad.Field = "hege"
		}
		message := bad.Error()
		if !strings.Contains(message, "expected") || !strings.Contains(message, bad.Field) {
			t.Errorf("%v: %q does not say what was expected, or of which field", r, message)
		}
	}
	if !slices.Equal(words, want) {
		t.Errorf("words %v, want %v", words, want)
	}
	if Reason(200).String() != "reason_200" {
		t.Errorf("an unknown reason is %q", Reason(200))
	}
}
