package persistence

import (
	"fmt"
	"testing"

	"github.com/dgraph-io/badger/v4"
)

// sealWithOutline stores two points of an entity in a chunk, with the outline "one" if the owner keeps up.
func sealWithOutline(m *model, behind bool) *Entity {
	m.t.Helper()
	for range 2 {
		m.at += 1000
		m.observeAt(keyFor(1), m.at)
	}
	m.commit()
	m.p.Behind(behind)
	plan := m.p.Plan(m.storedHead(), nil)
	plan.Fill(m.tail, func(_ *Entity, to []byte) []byte { return append(to, "one"...) })
	err := plan.Write()
	if m.p.Settle(plan, err); err != nil {
		m.t.Fatal(err)
	}
	return m.cached[keyFor(1)]
}

// TestOutlineIsGivenInThePlaceOfPoints, together with the points of the journal, and the points are there when they are asked for. An owner that
// is behind stores no outline.
func TestOutlineIsGivenInThePlaceOfPoints(t *testing.T) {
	for _, behind := range []bool{false, true} {
		m := newModel(t, 1, Options{Journal: 1})
		sealWithOutline(m, behind)
		m.store.options.Journal = 100
		m.at += 1000
		m.observeAt(keyFor(1), m.at)
		m.plain = true
		if _, err := m.checkpointOf(nil); err != nil {
			t.Fatal(err)
		}
		m.options.Journal = 100
		m.crash()
		e, w, known, err := m.p.LoadOutline(keyFor(1))
		want := "[] 3"
		if !behind {
			want = "[111 110 101] 1"
		}
		if got := fmt.Sprint(w.Outline, len(w.Points)); err != nil || !known || w.Newest != m.at || got != want {
			t.Errorf("behind %v: outline and points are %s (known: %v, newest %d, %v), want %s", behind, got, known, w.Newest, err, want)
		}
		whole, err := m.p.Reload(e)
		if err != nil || fmt.Sprint(whole) != fmt.Sprint(m.windows[keyFor(1)]) {
			t.Errorf("behind %v: the points are %v, %v, want %v", behind, whole, err, m.windows[keyFor(1)])
		}
	}
}

// TestHeadSaysThatChunksHaveOutlines, from the first outline on.
func TestHeadSaysThatChunksHaveOutlines(t *testing.T) {
	m := newModel(t, 1, Options{Journal: 1, Seen: true})
	for i, behind := range []bool{true, false, true} {
		sealWithOutline(m, behind)
		err := m.store.view(func(txn *badger.Txn) error {
			r, err := readHead(txn, m.p.head)
			if err == nil && r.outlines != (i > 0) {
				t.Errorf("after checkpoint %d the head is %+v", i+1, r)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
