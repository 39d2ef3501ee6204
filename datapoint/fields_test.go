package datapoint

import (
	"slices"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

func TestFieldEndsTakeAKeyApartThatHoldsCommas(t *testing.T) {
	payload := msgp.AppendMapHeader(nil, 4)
	payload = msgp.AppendString(msgp.AppendString(payload, "place"), "CT4Singapore, Central Singapore, SG")
	payload = msgp.AppendInt64(msgp.AppendString(payload, "asn"), -7)
	payload = msgp.AppendFloat64(msgp.AppendString(payload, "value"), 1.5)
	payload = msgp.AppendString(msgp.AppendString(payload, "empty"), "")
	for _, c := range []struct{ fields, want []string }{
		{[]string{"place"}, []string{"CT4Singapore, Central Singapore, SG"}},
		{[]string{"place", "asn"}, []string{"CT4Singapore, Central Singapore, SG", "-7"}},
		{[]string{"asn", "empty", "place", "value"}, []string{"-7", "", "CT4Singapore, Central Singapore, SG", "1.5"}},
	} {
		s := NewScanner("value", c.fields)
		point, bad := s.Scan(0, payload)
		if bad != nil {
			t.Fatal(bad)
		}
		key := slices.Clone(point.Key)
		for _, other := range [][]byte{nil, {}, {0x80}, append([]byte{0x85, 0xa1, 'x', 0xda, 0, 200}, make([]byte, 200)...)} {
			s.Scan(0, other) // a partition scans a group of records before it asks
		}
		var got []string
		begin := 0
		for _, end := range s.FieldEnds(nil, payload) {
			got, begin = append(got, string(key[begin:end])), end+1
		}
		if got = append(got, string(key[begin:])); !slices.Equal(got, c.want) {
			t.Errorf("%q is taken apart to %q, want %q", key, got, c.want)
		}
	}
}
