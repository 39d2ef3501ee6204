package persistence

import (
	"errors"
	"maps"
	"slices"
	"testing"
)

// TestKeysAreThoseOfAllStoredEntities, in order; a visitor ends it.
func TestKeysAreThoseOfAllStoredEntities(t *testing.T) {
	store := openState(t, t.TempDir(), Options{})
	want := slices.Sorted(maps.Keys(fill(t, store, "d", 3, 50, 3)))
	fill(t, store, "other", 3, 5, 1)
	var got []string
	take := func(key string) error { got = append(got, key); return nil }
	if err := store.Keys("d", 3, take); err != nil || !slices.Equal(got, want) || len(got) == 0 {
		t.Errorf("the keys are %q, want %q (%v)", got, want, err)
	}
	got = nil
	if err := store.Keys("d", 4, take); err != nil || len(got) != 0 {
		t.Errorf("of a partition without state they are %q (%v)", got, err)
	}
	enough := errors.New("enough")
	if err := store.Keys("d", 3, func(string) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("a visitor that had enough: %v", err)
	}
}
