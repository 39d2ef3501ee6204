package persistence

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// wild is any number, more often one that is small, or at an edge.
func wild(r *rand.Rand) int64 {
	switch r.IntN(4) {
	case 0:
		return []int64{0, math.MaxInt64, math.MinInt64, -1}[r.IntN(4)]
	case 1:
		return int64(r.Uint64())
	}
	return r.Int64N(1000) - 100
}

func wildPoints(r *rand.Rand) []Point {
	points := make([]Point, r.IntN(50))
	for i := range points {
		points[i] = Point{wild(r), math.Float64frombits(r.Uint64N(0x7ff0000000000000))}
	}
	return points
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		head := record{Head: Head{Source: string(make([]byte, r.IntN(9))), Offset: wild(r), History: wild(r), CompleteFrom: wild(r), NewCompleteFrom: wild(r),
			StreamTime: wild(r), Swept: wild(r), Lateness: wild(r)}, slot: r.Uint32(), seq: r.Uint64(), reserved: r.Uint32(),
			entities: r.Uint32(), removing: r.IntN(2) == 0}
		if r.IntN(2) == 0 {
			head.Cluster, head.Topic = "cluster", string(make([]byte, r.IntN(9)))
		}
		if r.IntN(2) == 0 {
			head.States = "by a method"
		}
		for _, says := range []*bool{&head.seen, &head.files, &head.outlines, &head.filedStates} {
			*says = r.IntN(2) == 0
		}
		if r.IntN(2) == 0 {
			head.state = newStateRef(r.Uint64(), 1+r.IntN(maxParts*partBytes))
		}
		if got, err := decodeRecord(encodeRecord(&head)); err != nil || *got != head {
			t.Fatalf("head %+v became %+v, %v", head, got, err)
		}
		id := r.Uint32()
		if got, err := decodeID(encodeID(id)); err != nil || got != id {
			t.Fatalf("id %d became %d, %v", id, got, err)
		}
		seen := make([]uint32, r.IntN(pageIDs+1))
		for i := range seen {
			seen[i] = uint32(r.Uint64() >> (32 + r.IntN(33)))
		}
		if got, err := decodePage(encodePage(seen)); err != nil || !slices.Equal(got, seen) {
			t.Fatalf("page %v became %v, %v", seen, got, err)
		}
		generation, part := r.Uint64(), make([]byte, 1+r.IntN(100))
		if g, got, err := decodePart(encodePart(generation, part)); err != nil || g != generation || !slices.Equal(got, part) {
			t.Fatalf("part %v of %d became %v of %d, %v", part, generation, got, g, err)
		}
		state := entityState{State{make([]byte, 1+r.IntN(100)), wild(r)}, r.Uint64(), r.Uint32()}
		if got, err := decodeState(encodeState(&state)); err != nil || !reflect.DeepEqual(got, state) {
			t.Fatalf("state %+v became %+v, %v", state, got, err)
		}
		through, points := r.Uint64(), wildPoints(r)
		outline := make([]byte, r.IntN(100))
		got, err := decodeChunk(encodeChunk(through, points, outline), nil)
		if err != nil || got.through != through || !slices.Equal(got.points, points) || !bytes.Equal(got.outline, outline) {
			t.Fatalf("chunk %v with the outline %v became %v, %v", points, outline, got, err)
		}
		var entries, read []entry
		for _, p := range points {
			entries = append(entries, entry{r.Uint32N(1 << 30), p})
		}
		err = eachOfBlock(appendBlock(nil, entries), func(id uint32, p Point) { read = append(read, entry{id, p}) })
		if err != nil || !slices.Equal(read, entries) {
			t.Fatalf("block %v became %v, %v", entries, read, err)
		}
	}
}

// TestDamageIsNoticed changes each bit of each kind of value, and cuts it at each
// byte.
func TestDamageIsNoticed(t *testing.T) {
	points := []Point{{1_600_000_000_000, 0.5}, {1_600_000_900_000, 0.25}, {1_600_001_800_000, 0.5}}
	for name, c := range map[string]struct {
		value  []byte
		decode func([]byte) error
	}{
		"head":               {encodeRecord(&record{Head: Head{Source: "in", Offset: 9}}), func(v []byte) error { _, err := decodeRecord(v); return err }},
		"head with sections": {encodeRecord(&record{Head: Head{Source: "in", Offset: 9}, seen: true, state: newStateRef(7, 300)}), func(v []byte) error { _, err := decodeRecord(v); return err }},
		"head with states":   {encodeRecord(&record{Head: Head{Source: "in", Offset: 9, States: "habit"}}), func(v []byte) error { _, err := decodeRecord(v); return err }},
		"state of an entity": {encodeState(&entityState{State{[]byte("state"), 1_600_000_000_000}, 7, 300}), func(v []byte) error { _, err := decodeState(v); return err }},
		"page":               {encodePage([]uint32{0, 1_600_000_000, 1_600_000_900}), func(v []byte) error { _, err := decodePage(v); return err }},
		"part of a state":    {encodePart(7, []byte("state")), func(v []byte) error { _, _, err := decodePart(v); return err }},
		"id":                 {encodeID(300), func(v []byte) error { _, err := decodeID(v); return err }},
		"chunk":              {encodeChunk(7, points, nil), func(v []byte) error { _, err := decodeChunk(v, nil); return err }},
		"chunk and outline":  {encodeChunk(7, points, []byte("outline")), func(v []byte) error { _, err := decodeChunk(v, nil); return err }},
		"block":              {appendBlock(nil, []entry{{1, points[0]}, {2, points[1]}}), func(v []byte) error { return eachOfBlock(v, func(uint32, Point) {}) }},
	} {
		key := []byte("key of " + name)
		bind(key, c.value)
		decode := func(value []byte) error {
			if !bound(key, value) {
				return ErrCorrupt
			}
			return c.decode(value)
		}
		if bound([]byte("key of another"), c.value) {
			t.Errorf("%s is taken for the value of another key", name)
		}
		for i := range c.value {
			for bit := range 8 {
				damaged := slices.Clone(c.value)
				damaged[i] ^= 1 << bit
				err := decode(damaged)
				if want := errorOf(damaged[0]); !errors.Is(err, want) {
					t.Errorf("%s with bit %d of byte %d changed: %v, want %v", name, bit, i, err, want)
				}
			}
			if err := decode(c.value[:i]); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s cut to %d bytes: %v", name, i, err)
			}
		}
	}
}

// errorOf is what a damaged value with this version is refused with.
func errorOf(version byte) error {
	if version&^tied > sectioned {
		return ErrNewer
	}
	return ErrCorrupt
}

// The fuzz targets get bodies: the checksum would hide the decoders.

func FuzzHead(f *testing.F) {
	f.Add(encodeRecord(&record{Head: Head{Source: "in", Offset: 9}})[5:])
	f.Add(encodeRecord(&record{Head: Head{Source: "in", Offset: 9, Cluster: "c", Topic: "t"}})[5:])
	f.Add(encodeRecord(&record{seen: true, state: newStateRef(7, 300)})[5:])
	f.Add(encodeRecord(&record{Head: Head{Source: "in", States: "habit"}, seen: true})[5:])
	f.Fuzz(func(t *testing.T, body []byte) {
		checkHead(t, sealAs(sectioned, append(room(len(body)), body...)))
		checkHead(t, sealedBody(body))
	})
}

func checkHead(t *testing.T, value []byte) {
	t.Helper()
	got, err := decodeRecord(value)
	if err != nil {
		if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNewer) {
			t.Fatal(err)
		}
		return
	}
	if again, err := decodeRecord(encodeRecord(got)); err != nil || !reflect.DeepEqual(got, again) {
		t.Fatalf("%+v became %+v, %v", got, again, err)
	}
}

func FuzzPage(f *testing.F) {
	f.Add(encodePage([]uint32{0, 1_600_000_000, 1_600_000_900, 1, math.MaxUint32})[5:])
	f.Fuzz(func(t *testing.T, body []byte) {
		if got, err := decodePage(sealedBody(body)); refused(t, err) {
			return
		} else if again, err := decodePage(encodePage(got)); err != nil || !slices.Equal(got, again) {
			t.Fatalf("%v became %v, %v", got, again, err)
		}
	})
}

func FuzzPart(f *testing.F) {
	f.Add(encodePart(7, []byte("state"))[5:])
	f.Fuzz(func(t *testing.T, body []byte) {
		if generation, got, err := decodePart(sealedBody(body)); refused(t, err) {
			return
		} else if g, again, err := decodePart(encodePart(generation, got)); err != nil || g != generation || !slices.Equal(got, again) {
			t.Fatalf("part %v of %d became %v of %d, %v", got, generation, again, g, err)
		}
	})
}

// TestUnknownSections: a head that has one is refused, unless its tag says that it may be
// ignored.
func TestUnknownSections(t *testing.T) {
	r := &record{Head: Head{Source: "in"}, seen: true}
	for tag, want := range map[byte]error{77: ErrNewer, 77 | skippable: nil} {
		value := encodeRecord(r)
		value = sealAs(sectioned, append(value, tag, 2, 'x', 'y'))
		if got, err := decodeRecord(value); !errors.Is(err, want) || err == nil && *got != *r {
			t.Errorf("tag %d: %+v, %v, want %v", tag, got, err, want)
		}
	}
}

func FuzzEntityID(f *testing.F) {
	f.Add(encodeID(300)[5:])
	f.Fuzz(func(t *testing.T, body []byte) {
		if got, err := decodeID(sealedBody(body)); refused(t, err) {
			return
		} else if again, err := decodeID(encodeID(got)); err != nil || got != again {
			t.Fatalf("%d became %d, %v", got, again, err)
		}
	})
}

func FuzzPlace(f *testing.F) {
	f.Add(encodePlace(place{file: 300, offset: 7, length: 70_000})[5:])
	f.Fuzz(func(t *testing.T, body []byte) {
		if got, err := placeOf(sealAs(filed, append(room(len(body)), body...)), longestBlock); refused(t, err) {
			return
		} else if again, err := placeOf(encodePlace(got), longestBlock); err != nil || got != again {
			t.Fatalf("%+v became %+v, %v", got, again, err)
		}
	})
}

func FuzzMark(f *testing.F) {
	f.Add(encodeMark(mark{first: 7})[5:])
	f.Add(encodeMark(mark{first: 7, gap: gap{3, 5}})[5:])
	f.Fuzz(func(t *testing.T, body []byte) {
		if got, err := decodeMark(sealedBody(body)); refused(t, err) {
			return
		} else if again, err := decodeMark(encodeMark(got)); err != nil || got.first != again.first || !got.gap.empty() && got != again {
			t.Fatalf("%+v became %+v, %v", got, again, err)
		}
	})
}

// FuzzNodeID: a file is an id that can be written, or none.
func FuzzNodeID(f *testing.F) {
	for _, content := range []string{"", "0123abcd", "0123abcd\n", encodeNodeID("0123abcd"), "a\ncrc32c: 00000000\n", "../x\n", "\x1b\n"} {
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content string) {
		id, whole := decodeNodeID(content)
		if again, ok := decodeNodeID(encodeNodeID(id)); whole && (!ok || again != id || !legalID.MatchString(id)) {
			t.Errorf("%q is the id %q, which is %q once it is written", content, id, again)
		}
	})
}

func FuzzChunk(f *testing.F) {
	f.Add(encodeChunk(3, []Point{{1_600_000_000_000, 0.5}, {1_600_000_900_000, 0.25}}, nil)[5:])
	f.Add(encodeChunk(3, []Point{{1_600_000_000_000, 0.5}}, []byte("outline"))[5:])
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, value := range [][]byte{sealedBody(body), sealAs(outlined, sealedBody(body))} {
			got, err := decodeChunk(value, nil)
			if refused(t, err) {
				continue
			}
			again, err := decodeChunk(encodeChunk(got.through, got.points, got.outline), nil)
			if err != nil || got.through != again.through || !samePoints(got.points, again.points) || !bytes.Equal(got.outline, again.outline) {
				t.Fatalf("%+v became %+v, %v", got, again, err)
			}
		}
	})
}

func FuzzBlock(f *testing.F) {
	f.Add(appendBlock(nil, []entry{{1, Point{1_600_000_000_000, 0.5}}, {2, Point{1_600_000_000_000, 0.25}}})[5:])
	f.Fuzz(func(t *testing.T, body []byte) {
		var got, again []entry
		if refused(t, eachOfBlock(sealedBody(body), func(id uint32, p Point) { got = append(got, entry{id, p}) })) {
			return
		}
		err := eachOfBlock(appendBlock(nil, got), func(id uint32, p Point) { again = append(again, entry{id, p}) })
		if err != nil || len(got) != len(again) {
			t.Fatalf("%v became %v, %v", got, again, err)
		}
		for i := range got {
			if got[i].id != again[i].id || !samePoints([]Point{got[i].Point}, []Point{again[i].Point}) {
				t.Fatalf("%v became %v", got[i], again[i])
			}
		}
	})
}

func sealedBody(body []byte) []byte { return seal(append(room(len(body)), body...)) }

// refused tells whether a decoder said no, which it may only with one error.
func refused(t *testing.T, err error) bool {
	if err != nil && !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
	return err != nil
}

// samePoints compares bit for bit: a decoder knows nothing of NaN.
func samePoints(a, b []Point) bool {
	return slices.EqualFunc(a, b, func(p, q Point) bool { return p.At == q.At && math.Float64bits(p.Value) == math.Float64bits(q.Value) })
}
