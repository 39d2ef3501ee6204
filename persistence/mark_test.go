package persistence

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestFailedWriteIsNoDamage: Badger numbers a transaction before it writes it. Here it
// cannot make its next value log for a while, again and again.
func TestFailedWriteIsNoDamage(t *testing.T) {
	dir := quickDir(t)
	store := openState(t, dir, Options{Memory: LeastMemory, Large: 16 << 10})
	value := append(room(100_000), make([]byte, 100_000)...)
	slot := store.newSlot()
	seq := uint64(0)
	write := func() error {
		seq++
		return store.update(func(u *update) error { return u.set(blockKey(slot, seq), append([]byte(nil), value...)) })
	}
	logs := func() (last int) {
		names, _ := filepath.Glob(filepath.Join(dir, "state", "*.vlog"))
		for _, name := range names {
			last = max(last, numberOf(filepath.Base(name)))
		}
		return last
	}
	for round := range 3 {
		obstacle := filepath.Join(dir, "state", fmt.Sprintf("%06d.vlog", logs()+1))
		if err := os.Mkdir(obstacle, 0o700); err != nil {
			t.Fatal(err)
		}
		failed := 0
		for failed <= round { // also several in a row
			if err := write(); err != nil {
				failed++
			} else if seq > 1000 {
				t.Fatal("no write fails")
			}
		}
		if err := os.Remove(obstacle); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range 8 { // some at once
			all.Go(func() {
				_ = store.update(func(u *update) error { return u.set(blockKey(slot, uint64(10_000+10*round+i)), encodeID(1)) })
			})
		}
		all.Wait()
		if err := write(); err != nil {
			t.Fatal(err)
		}
		killed := copied(t, dir)
		again, err := OpenStore(killed, Options{Memory: LeastMemory, StopOnDamage: true, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMissingTransactionsAreTold, except those of writes that failed.
func TestMissingTransactionsAreTold(t *testing.T) {
	plain := mark{first: 1}
	after := func(from, to uint64) mark { return mark{1, gap{from, to}} }
	type entry struct {
		number uint64
		mark   mark
	}
	for name, c := range map[string]struct {
		entries []entry
		missing string
	}{
		"none":                              {[]entry{{11, plain}, {12, plain}}, ""},
		"behind the tables":                 {[]entry{{12, plain}}, "transactions 11 to 11 are missing"},
		"in the middle":                     {[]entry{{11, plain}, {14, plain}}, "transactions 12 to 13 are missing"},
		"before marks were written":         {[]entry{{14, mark{first: 14}}}, ""},
		"a write that failed":               {[]entry{{11, plain}, {13, after(12, 12)}}, ""},
		"one that is named later":           {[]entry{{11, plain}, {13, plain}, {14, after(12, 13)}}, ""},
		"one that is not named":             {[]entry{{11, plain}, {13, plain}, {14, plain}}, "transactions 12 to 12 are missing"},
		"more than failed":                  {[]entry{{11, plain}, {15, after(13, 14)}}, "transactions 12 to 12 are missing"},
		"what names an earlier gap":         {[]entry{{11, plain}, {16, after(14, 15)}}, "transactions 12 to 13 are missing"},
		"behind the last write that failed": {[]entry{{11, plain}, {16, after(12, 13)}}, "transactions 14 to 15 are missing"},
		"two writes that failed":            {[]entry{{12, after(11, 11)}, {14, after(13, 13)}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			chain := chain{last: 10}
			for _, e := range c.entries {
				if err := chain.next(transaction{number: e.number, mark: encodeMark(e.mark)}); err != nil {
					t.Fatal(err)
				}
			}
			got := ""
			if err := chain.end(); err != nil {
				got = err.Error()
			}
			if got != c.missing {
				t.Errorf("%q, want %q", got, c.missing)
			}
		})
	}
}
