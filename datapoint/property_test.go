package datapoint

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

var propertyKeys = []string{"scope", "asn"}

// sameAsNaive scans the payload and compares the whole result with the oracle's.
func sameAsNaive(t *testing.T, s *Scanner, payload []byte) *BadRecord {
	t.Helper()
	point, bad := s.Scan(0, payload)
	key, value, wantBad := naiveScan("hege", propertyKeys, payload)
	switch {
	case (bad == nil) != (wantBad == nil), bad != nil && *bad != *wantBad:
		t.Fatalf("payload %x: got %+v, want %+v", payload, bad, wantBad)
	case string(point.Key) != key || math.Float64bits(point.Value) != math.Float64bits(value):
		t.Fatalf("payload %x: got %q %v, want %q %v", payload, point.Key, point.Value, key, value)
	}
	return bad
}

func TestScanEqualsDecodingEverything(t *testing.T) {
	s := NewScanner("hege", propertyKeys)
	seen := map[string]int{}
	for seed := range uint64(10_000) {
		r := rand.New(rand.NewPCG(seed, 1))
		payload := randomRecord(r)
		switch r.IntN(8) {
		case 0:
			payload = payload[:r.IntN(len(payload)+1)]
		case 1:
			payload[r.IntN(len(payload))] = byte(r.Uint32())
		case 2:
			payload = append(payload, byte(r.Uint32()))
		case 3:
			payload = appendRandom(nil, r, 3)
		}
		if bad := sameAsNaive(t, s, payload); bad != nil {
			seen[bad.Reason.String()]++
		} else {
			seen["good"]++
		}
	}
	for _, word := range []string{"good", "not_msgpack", "not_a_map", "truncated", "not_utf8", "name_type", "invalid_time",
		"reserved_ext", "field_missing", "value_not_a_number", "value_not_finite", "key_type"} {
		if seen[word] < 10 {
			t.Errorf("only %d records were %s: %v", seen[word], word, seen)
		}
	}
}

// randomRecord is a map with the fields in any order, some absent, some twice, and others between them.
func randomRecord(r *rand.Rand) []byte {
	var entries [][]byte
	add := func(name string, value []byte) {
		entries = append(entries, append(msgp.AppendString(nil, name), value...))
	}
	for _, name := range append([]string{"hege"}, propertyKeys...) {
		if r.IntN(30) > 0 {
			add(name, appendNumber(nil, r))
		}
		if name != "hege" && r.IntN(2) == 0 {
			add(name, msgp.AppendString(nil, strings.Repeat("é", r.IntN(40))))
		}
		if r.IntN(10) == 0 {
			add(name, appendRandom(nil, r, 2))
		}
	}
	for i := range r.IntN(20) {
		add(fmt.Sprint("field", i), appendRandom(nil, r, 4))
	}
	if r.IntN(8) == 0 { // a name of any type
		entries = append(entries, appendRandom(appendName(nil, r, 2), r, 2))
	}
	r.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	b := msgp.AppendMapHeader(nil, uint32(len(entries)))
	for _, e := range entries {
		b = append(b, e...)
	}
	return b
}

func appendNumber(b []byte, r *rand.Rand) []byte {
	switch r.IntN(6) {
	case 0:
		return msgp.AppendInt64(b, int64(r.Uint64())>>r.IntN(64))
	case 1:
		return msgp.AppendUint64(b, r.Uint64()>>r.IntN(64))
	case 2:
		return msgp.AppendFloat32(b, math.Float32frombits(r.Uint32()))
	case 3:
		return msgp.AppendFloat64(b, math.Float64frombits(r.Uint64()))
	case 4:
		return msgp.AppendFloat64(b, []float64{0, math.Inf(1), math.NaN(), 1e16, 1e-5}[r.IntN(5)])
	}
	return msgp.AppendFloat64(b, r.Float64())
}

func appendRandom(b []byte, r *rand.Rand, nested int) []byte {
	kinds := 10
	if nested == 0 {
		kinds = 7
	}
	switch r.IntN(kinds) {
	case 0:
		return msgp.AppendNil(b)
	case 1:
		return msgp.AppendBool(b, r.IntN(2) == 0)
	case 2:
		return msgp.AppendBytes(b, make([]byte, 1<<r.IntN(10)))
	case 3:
		if r.IntN(200) == 0 {
			return msgp.AppendString(b, strings.Repeat("x", r.IntN(40))+[]string{"\xff", "\xc3", "\xed\xa0\x80"}[r.IntN(3)])
		}
		return msgp.AppendString(b, strings.Repeat([]string{"x", "é"}[r.IntN(2)], r.IntN(1<<r.IntN(10))))
	case 4:
		return appendExt(b, r)
	case 5, 6:
		return appendNumber(b, r)
	case 7:
		n := r.IntN(20)
		b = msgp.AppendArrayHeader(b, uint32(n))
		for range n {
			b = appendRandom(b, r, nested-1)
		}
		return b
	}
	n := r.IntN(4)
	b = msgp.AppendMapHeader(b, uint32(n))
	for range n {
		b = appendRandom(appendName(b, r, nested-1), r, nested-1)
	}
	return b
}

// appendName appends a name that is rarely neither a str nor a bin.
func appendName(b []byte, r *rand.Rand, nested int) []byte {
	switch r.IntN(100) {
	case 0:
		return appendRandom(b, r, nested)
	case 1, 2, 3:
		return msgp.AppendBytes(b, []byte("hege"))
	}
	return msgp.AppendString(b, fmt.Sprint("name", r.IntN(1000)))
}

// appendExt appends an ext of a type of ours, a timestamp or, rarely, one that is invalid.
func appendExt(b []byte, r *rand.Rand) []byte {
	e := &msgp.RawExtension{Type: 7, Data: make([]byte, 1<<r.IntN(10))}
	switch r.IntN(100) {
	case 0:
		e.Type = -1
	case 1:
		e.Type = -int8(2 + r.IntN(100))
	case 2, 3, 4, 5, 6, 7:
		e.Type, e.Data = -1, make([]byte, 4*(1+r.IntN(3)))
		for i := range e.Data {
			e.Data[i] = byte(r.Uint32())
		}
	}
	b, _ = msgp.AppendExtension(b, e)
	return b
}

// FuzzScan holds that no bytes make Scan panic, or give another result than decoding everything does.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		"", "\xc1", "\x80", "\xdf\xff\xff\xff\xff", hege(half), scope("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"),
		hege("\xd6\xff\x00\x00\x00\x01"), record("x", everyType()), hege(half) + "\xc0",
		hege("\xa1\xff"), record("x", "\xd7\xff\xee\x6b\x28\x00\x00\x00\x00\x00"), record("x", "\xd4\xfe\x00"), "\x81\x81\xa0\xc0\xc0",
		"\x84\xc4\x04hege\x01" + hege(half)[1:], strings.Repeat("\x91", maxDepth+1) + "\xc0",
		strings.Repeat("\x81\xa0", maxDepth) + "\xc0", hege("\xcf\x00\x20\x00\x00\x00\x00\x00\x01"),
	} {
		f.Add([]byte(seed))
	}
	s := NewScanner("hege", propertyKeys)
	f.Fuzz(func(t *testing.T, payload []byte) {
		if payload != nil {
			sameAsNaive(t, s, payload)
		}
	})
}
