package synthetic

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

func mustNew(t testing.TB, o Options) *Stream {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// each calls f for all datapoints of the stream.
func each(s *Stream, f func(i int, p Datapoint)) {
	for i := range s.Bins() {
		for _, p := range s.Bin(i) {
			f(i, p)
		}
	}
}

// The hash pins the bytes across Go versions and processors. It may change only with the generator.
func TestSameOptionsGiveTheSameBytes(t *testing.T) {
	hash := sha256.New()
	each(mustNew(t, Default()), func(_ int, p Datapoint) { hash.Write(p.Payload) })
	const want = "e214573f7d7f9842c3904cd088c7412329de64ef6f2ecd34649eba2e54ff0578"
	if got := hex.EncodeToString(hash.Sum(nil)); got != want {
		t.Fatalf("the hash of all payloads is %s, want %s", got, want)
	}
}

func TestBinsDoNotDependOnTheOrderOfTheCalls(t *testing.T) {
	forward, backward := mustNew(t, Default()), mustNew(t, Default())
	last := make(map[int][]Datapoint)
	for i := backward.Bins() - 1; i >= 0; i-- {
		last[i] = backward.Bin(i)
	}
	for i := range forward.Bins() {
		if !reflect.DeepEqual(forward.Bin(i), last[i]) {
			t.Fatalf("bin %d differs", i)
		}
	}
}

func TestAnotherSeedGivesAnotherStream(t *testing.T) {
	o := Default()
	o.Seed++
	a, b := mustNew(t, Default()), mustNew(t, o)
	if reflect.DeepEqual(a.Bin(0), b.Bin(0)) || reflect.DeepEqual(a.Events(), b.Events()) {
		t.Fatal("two seeds, one stream")
	}
}

func TestPayloadsBelongToTheCaller(t *testing.T) {
	s := mustNew(t, Default())
	for _, p := range s.Bin(7) {
		clear(p.Payload[:cap(p.Payload)])
	}
	if again := s.Bin(7); bytes.Count(again[0].Payload, []byte{0}) == len(again[0].Payload) {
		t.Fatal("a payload was handed out twice")
	}
}

func TestPayloadSaysWhatTheDatapointSays(t *testing.T) {
	each(mustNew(t, Default()), func(i int, p Datapoint) {
		fields, rest, err := msgp.ReadMapStrIntfBytes(p.Payload, nil)
		if err != nil || len(rest) != 0 || len(fields) != 5 {
			t.Fatalf("bin %d: payload %x: %v, error %v, %d bytes left", i, p.Payload, fields, err, len(rest))
		}
		if key := fields["scope"].(string) + "," + fields["asn"].(string); key != p.Entity {
			t.Fatalf("bin %d: payload of %s, datapoint of %s", i, key, p.Entity)
		}
		value, ok := fields["hege"].(float64)
		if integer := p.Value == 0 || p.Value == 1; integer == ok {
			t.Fatalf("bin %d: hege of %v is a float64: %v", i, p.Value, ok)
		} else if integer {
			value = float64(whole(t, fields["hege"]))
		}
		if value != p.Value {
			t.Fatalf("bin %d: hege is %v, value is %v", i, value, p.Value)
		}
		if seconds := whole(t, fields["timestamp"]); seconds*1000 != p.At {
			t.Fatalf("bin %d: timestamp is %d, At is %d", i, seconds, p.At)
		}
		if peers := whole(t, fields["nb_peers"]); peers < 60 || peers > 112 {
			t.Fatalf("bin %d: nb_peers is %d", i, peers)
		}
	})
}

// whole is an integer as msgp reads it: signed if it is small.
func whole(t *testing.T, field any) int64 {
	t.Helper()
	switch n := field.(type) {
	case int64:
		return n
	case uint64:
		return int64(n)
	}
	t.Fatalf("%v is a %T, want an integer", field, field)
	return 0
}

func TestBinsFollowOneAnother(t *testing.T) {
	o := Default()
	s := mustNew(t, o)
	if s.Bins() != o.HistoryBins+o.LiveBins {
		t.Fatalf("%d bins, want %d", s.Bins(), o.HistoryBins+o.LiveBins)
	}
	each(s, func(i int, p Datapoint) {
		if want := o.Start.UnixMilli() + int64(i)*o.Bin.Milliseconds(); p.At != want {
			t.Fatalf("a datapoint of bin %d is at %d, want %d", i, p.At, want)
		}
	})
}

func TestEntitiesAreUniqueAndInOneOrder(t *testing.T) {
	o := Default()
	o.Entities = 5000
	s := mustNew(t, o)
	place := make(map[string]int)
	for n, e := range s.Entities() {
		if other, ok := place[e.Key]; ok {
			t.Fatalf("entities %d and %d are both %s", other, n, e.Key)
		}
		place[e.Key] = n
	}
	for _, i := range []int{0, 1, 300} {
		before := -1
		for _, p := range s.Bin(i) {
			n, ok := place[p.Entity]
			if !ok || n <= before {
				t.Fatalf("bin %d: %s is unknown or out of order", i, p.Entity)
			}
			before = n
		}
	}
}

func TestNoRealNetworkIsNamed(t *testing.T) {
	invented := func(asn string) bool {
		n, err := strconv.ParseInt(asn, 10, 64)
		return err == nil && (n >= 64496 && n <= 64511 || n >= 64512 && n <= 65534 ||
			n >= 65536 && n <= 65551 || n >= 4200000000 && n <= 4294967294)
	}
	check := func(i int) {
		scope, asn := names(i)
		if scope != "-1" && !invented(scope) || !invented(asn) || scope == asn || strings.Contains(scope+asn, ",") {
			t.Fatalf("entity %d is %s,%s", i, scope, asn)
		}
	}
	for i := range 100_000 {
		check(i)
	}
	check(maxEntities - 1)
}
