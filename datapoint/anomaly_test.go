package datapoint

import (
	"encoding/hex"
	"math"
	"reflect"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// The bytes are those of Python's msgpack 1.2:
//
//	d = {'timestamp': 1700000000, 'scope': 'AS2497', 'asn': 'AS4657',
//	     'hege': 0.25, 'nb_peers': 12, 'tags': [1, None, {'a': True}]}
//	msgpack.packb(d).hex()
//	msgpack.packb({'datapoint': d, 'deviation': -7.5}).hex()
const (
	pythonDatapoint = "86a974696d657374616d70ce6553f100a573636f7065a6415332343937a361736ea6415334363537" +
		"a468656765cb3fd0000000000000a86e625f70656572730ca4746167739301c081a161c3"
	pythonAnomaly = "82a964617461706f696e74" + pythonDatapoint + "a9646576696174696f6ecbc01e000000000000"
)

func TestAnomalyBytesAreThoseOfPython(t *testing.T) {
	datapoint, err := hex.DecodeString(pythonDatapoint)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(AppendAnomaly(nil, datapoint, -7.5)); got != pythonAnomaly {
		t.Errorf("got  %s\nwant %s", got, pythonAnomaly)
	}
}

func TestAnomalyReadsBack(t *testing.T) {
	datapoint := []byte(hege(half))
	want, _, err := msgp.ReadIntfBytes(datapoint)
	if err != nil {
		t.Fatal(err)
	}
	for _, deviation := range []float64{5.5, -5.5, 1, 1e300, math.SmallestNonzeroFloat64, math.Inf(1)} {
		anomaly := AppendAnomaly([]byte("before"), datapoint, deviation)
		if string(anomaly[:6]) != "before" {
			t.Fatalf("dst was overwritten: %q", anomaly)
		}
		got, rest, err := msgp.ReadMapStrIntfBytes(anomaly[6:], nil)
		if err != nil || len(rest) > 0 || len(got) != 2 {
			t.Fatalf("got %v, rest %q, %v", got, rest, err)
		}
		if got["deviation"] != deviation || !reflect.DeepEqual(got["datapoint"], want) {
			t.Errorf("got %v, want %v and %v", got, want, deviation)
		}
	}
}

func TestAppendAnomalyAllocatesNothingWithRoom(t *testing.T) {
	datapoint, dst := []byte(hege(half)), make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { dst = AppendAnomaly(dst[:0], datapoint, 5.5) }); n != 0 {
		t.Errorf("%v allocations an anomaly", n)
	}
}
