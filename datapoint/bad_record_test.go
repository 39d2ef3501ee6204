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
		"100 000 deep in a name":     {"\x81" + deep + "\xc0", NameNotString, ""},
		"one deeper than allowed":    {record("x", strings.Repeat("\x91", maxDepth)+"\xc0"), NotMsgpack, ""},
		"list deeper than allowed":   {strings.Repeat("\x91", maxDepth+1) + "\xc0", NotMsgpack, ""},
		"list as deep as allowed":    {strings.Repeat("\x91", maxDepth) + "\xc0", NotMap, ""},
		"list":                       {"\x91\xc0", NotMap, ""},
		"nil":                        {"\xc0", NotMap, ""},
		"int":                        {"\x05", NotMap, ""},
		"str":                        {"\xa4hege", NotMap, ""},
		"ext":                        {"\xd4\x01\x00", NotMap, ""},
		"list cut":                   {"\x92\xc0", Truncated, ""},
		"str not UTF-8":              {record("x", "\xa2\xff\xfe"), NotUTF8, ""},
		"str 8 not UTF-8":            {record("x", "\xd9\x02\xff\xfe"), NotUTF8, ""},
		"str 16 not UTF-8":           {record("x", "\xda\x00\x02a\xfe"), NotUTF8, ""},
		"str 32 not UTF-8":           {record("x", "\xdb\x00\x00\x00\x02a\xfe"), NotUTF8, ""},
		"str cut within a rune":      {record("x", "\xa2a\xc3"), NotUTF8, ""},
		"str with a surrogate":       {record("x", "\xa3\xed\xa0\x80"), NotUTF8, ""},
		"str written overlong":       {record("x", "\xa2\xc0\x80"), NotUTF8, ""},
		"str beyond Unicode":         {record("x", "\xa4\xf4\x90\x80\x80"), NotUTF8, ""},
		"str in a list not UTF-8":    {record("x", "\x92\x01\xa1\xff"), NotUTF8, ""},
		"str in a map not UTF-8":     {record("x", record("y", "\xa1\xff")), NotUTF8, ""},
		"key str not UTF-8":          {scope("\xa2\xff\xfe"), NotUTF8, ""},
		"value str not UTF-8":        {hege("\xa1\xff"), NotUTF8, ""},
		"name not UTF-8":             {record("\xff", "\xc0"), NotUTF8, ""},
		"name in a map not UTF-8":    {record("x", record("\xff", "\xc0")), NotUTF8, ""},
		"str alone, not UTF-8":       {"\xa1\xff", NotUTF8, ""},
		"name int":                   {"\x81\x01\x02", NameNotString, ""},
		"name nil":                   {"\x81\xc0\x02", NameNotString, ""},
		"name true":                  {"\x81\xc3\x02", NameNotString, ""},
		"name float":                 {"\x81" + half + "\x02", NameNotString, ""},
		"name ext":                   {"\x81\xd4\x05\x00\x02", NameNotString, ""},
		"name time":                  {"\x81\xd6\xff\x00\x00\x00\x01\x02", NameNotString, ""},
		"name list":                  {"\x81\x91\xa1a\x02", NameNotString, ""},
		"name map":                   {"\x81\x80\x02", NameNotString, ""},
		"name int in a map":          {record("x", "\x82\xa1y\x90\x01\x02"), NameNotString, ""},
		"name int in a map in lists": {record("x", "\x91\x92\x80\x81\x01\x02"), NameNotString, ""},
		"name after nested maps":     {record("x", "\x82\xa1y\x81\xa1z\x81\xa1z\x01\x07\x08"), NameNotString, ""},
		"name of 4 G nested":         {"\x81\xdf\xff\xff\xff\xff", NameNotString, ""},
		"time of 0 bytes":            {record("x", "\xc7\x00\xff"), InvalidTime, ""},
		"time of 1 byte":             {record("x", "\xd4\xff\x00"), InvalidTime, ""},
		"time of 2 bytes":            {record("x", "\xd5\xff\x00\x00"), InvalidTime, ""},
		"time of 5 bytes":            {record("x", "\xc7\x05\xff12345"), InvalidTime, ""},
		"time of 5 bytes, ext 16":    {record("x", "\xc8\x00\x05\xff12345"), InvalidTime, ""},
		"time of 5 bytes, ext 32":    {record("x", "\xc9\x00\x00\x00\x05\xff12345"), InvalidTime, ""},
		"time of 16 bytes":           {record("x", "\xd8\xff"+strings.Repeat("\x00", 16)), InvalidTime, ""},
		"time in a list":             {record("x", "\x91\xd4\xff\x00"), InvalidTime, ""},
		"time 64, nanoseconds 10^9":  {record("x", "\xd7\xff\xee\x6b\x28\x00\x00\x00\x00\x00"), InvalidTime, ""},
		"time 96, nanoseconds 10^9":  {record("x", "\xc7\x0c\xff\x3b\x9a\xca\x00"+strings.Repeat("\x00", 8)), InvalidTime, ""},
		"value time invalid":         {hege("\xd4\xff\x00"), InvalidTime, ""},
		"ext -2":                     {record("x", "\xd4\xfe\x00"), ReservedExt, ""},
		"ext -128":                   {record("x", "\xc7\x00\x80"), ReservedExt, ""},
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
	want := []string{"tombstone", "not_msgpack", "not_a_map", "truncated", "not_utf8", "name_type", "invalid_time", "reserved_ext", "field_missing",
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
