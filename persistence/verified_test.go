package persistence

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// atInfo calls a function with each line of the life cycle.
type atInfo struct {
	slog.Handler
	call func(text string)
}

func (h atInfo) Handle(ctx context.Context, r slog.Record) error {
	if r.Level == slog.LevelInfo {
		h.call(r.Message)
	}
	return nil
}

func (h atInfo) Enabled(context.Context, slog.Level) bool { return true }
func (h atInfo) WithAttrs([]slog.Attr) slog.Handler       { return h }

// flipTable flips a bit of a table.
func flipTable(t *testing.T, state string, at int64) {
	t.Helper()
	tables, _ := filepath.Glob(filepath.Join(state, "*.sst"))
	if len(tables) == 0 {
		t.Fatal("there are no tables")
	}
	damage{filepath.Base(tables[0]), "flipped", at}.do(t, state)
}

// TestRestartVerifiesWhatMayHaveChanged: a restart skips only tables that are listed and are
// still the same files, if the machine has not been started since.
func TestRestartVerifiesWhatMayHaveChanged(t *testing.T) {
	dir := filled(t)
	state := filepath.Join(dir, "state")
	count := func() (first, later int) {
		found, err := inspect(state, Options{AtOnce: 1 << 40})
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
		a, b := divide(state, found.tables, 1, time.Now())
		return len(a), len(b)
	}
	if first, later := count(); first != 0 || later == 0 {
		t.Errorf("after a clean stop %d tables are verified at once, %d later", first, later)
	}
	if found, err := inspect(state, Options{AtOnce: 1 << 40}); err != nil || len(found.later) > 0 {
		t.Errorf("of a small database %v are verified later, %v", found.later, err)
	}
	a, b := divide(state, []string{"000001.sst"}, 1, time.Now().Add(verifiedFor+time.Second))
	if len(a) != 1 || len(b) != 0 {
		t.Errorf("a table of the day before is verified later: %v, %v", a, b)
	}
	list, err := os.ReadFile(filepath.Join(state, verifiedFile))
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		changed := append([]byte(nil), list...)
		changed[i] ^= 1
		if err := os.WriteFile(filepath.Join(state, verifiedFile), changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, later := count(); later != 0 {
			t.Fatalf("a list that is damaged at %d is used", i)
		}
	}
	if err := os.WriteFile(filepath.Join(state, verifiedFile), list, 0o600); err != nil {
		t.Fatal(err)
	}
	flipTable(t, state, 100)
	if first, _ := count(); first != 1 {
		t.Errorf("%d tables are verified after one was written to", first)
	}
	if _, err := OpenStore(dir, Options{AtOnce: 1, StopOnDamage: true, Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, ErrStop) {
		t.Errorf("it is opened with %v", err)
	}
}

// TestLongVerificationIsToldAndCanBeInterrupted, as after a start of the machine: nothing
// is moved aside then.
func TestLongVerificationIsToldAndCanBeInterrupted(t *testing.T) {
	dir := filled(t)
	if err := os.Remove(filepath.Join(dir, "state", verifiedFile)); err != nil {
		t.Fatal(err)
	}
	long := func() <-chan struct{} {
		interrupted := make(chan struct{})
		close(interrupted)
		return interrupted
	}
	told := 0
	log := slog.New(atInfo{slog.DiscardHandler, func(text string) {
		if strings.Contains(text, "are verified before it is opened") {
			told++
		}
	}})
	if _, err := OpenStore(dir, Options{AtOnce: 1, Long: long, Log: log}); !errors.Is(err, ErrInterrupted) || errors.Is(err, ErrCorrupt) || told != 1 {
		t.Errorf("it is opened with %v, told %d times", err, told)
	}
	if _, stored, err := openState(t, dir, Options{}).Stored("d", 0); !stored || err != nil {
		t.Errorf("after an interruption the partition is stored: %v, %v", stored, err)
	}
}

// TestDamageThatIsFoundLaterEndsTheUseOfTheStore: and the next start rebuilds all.
func TestDamageThatIsFoundLaterEndsTheUseOfTheStore(t *testing.T) {
	dir := filled(t)
	state := filepath.Join(dir, "state")
	flipTable(t, state, 700) // in a value: the opening does not come across it
	s := &Store{dir: state}  // the list has the damaged table, as if its file had not changed
	if _, _, err := s.note(time.Now()); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	store, err := OpenStore(dir, Options{AtOnce: 1, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, _, err := store.Stored("d", 0); errors.Is(err, ErrStop) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the damage is not found")
		}
	}
	if p, err := store.Partition("d", 0); !errors.Is(err, ErrStop) {
		t.Errorf("a partition is opened with %v, %v", p, err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store, err = OpenStore(dir, Options{AtOnce: 1, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, ok, err := store.Stored("d", 0); ok || err != nil {
		t.Errorf("it is used again: %v, %v", ok, err)
	}
	aside, _ := filepath.Glob(filepath.Join(dir, asidePrefix+"*"))
	if len(aside) != 1 {
		t.Errorf("%v are kept", aside)
	}
}

// TestNoTableStaysMapped, whether the opening succeeds or not.
func TestNoTableStaysMapped(t *testing.T) {
	mapped := func(dir string) int {
		maps, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Skip(err)
		}
		return strings.Count(string(maps), dir)
	}
	for name, c := range map[string]struct {
		readOnly, damaged bool
	}{"a look": {readOnly: true}, "a start": {}, "a damaged mark": {damaged: true}} {
		t.Run(name, func(t *testing.T) {
			dir := filled(t)
			if c.damaged { // which comes to light once the database is open
				store := openState(t, dir, Options{})
				change(t, store, markKey[0], damaged)
				if err := store.Close(); err != nil {
					t.Fatal(err)
				}
			}
			store, err := OpenStore(dir, Options{AtOnce: 1, ReadOnly: c.readOnly, Log: slog.New(slog.DiscardHandler)})
			if err == nil {
				err = store.Close()
			}
			if err != nil {
				t.Error(err)
			}
			if n := mapped(dir); n > 0 {
				t.Errorf("%d files are still mapped", n)
			}
		})
	}
}

// TestAdviceIsThatOfTheNextStart: if damage is found in the background, the error says what
// the next start will do.
func TestAdviceIsThatOfTheNextStart(t *testing.T) {
	for _, stop := range []bool{false, true} {
		var log bytes.Buffer
		s := &Store{dir: t.TempDir(), options: Options{StopOnDamage: stop, Log: slog.New(slog.NewTextHandler(&log, nil))}}
		if !s.judge(ErrCorrupt) || !errors.Is(s.broken, ErrStop) {
			t.Errorf("it goes on with %v", s.broken)
		}
		if got := strings.Contains(log.String(), "the next start moves the database aside"); got == stop {
			t.Errorf("with on_damage = stop (%v) the log says: %s", stop, log.String())
		}
	}
}

// TestDamagedDatabasesAreKeptInBounds: only the newest ones are kept.
func TestDamagedDatabasesAreKeptInBounds(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	now := time.Date(2026, 11, 26, 0, 47, 0, 0, time.UTC)
	for i := range 6 {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		aside := asideOf(path, now.Add(time.Duration(i/2)*time.Hour))
		if err := errors.Join(os.Rename(path, aside), removeOlder(aside)); err != nil {
			t.Fatal(err)
		}
		if i == 0 && filepath.Base(aside) != "state.damaged-20261126T004700Z" {
			t.Errorf("it is named %s", aside)
		}
		kept, _ := filepath.Glob(filepath.Join(dir, asidePrefix+"*"))
		if len(kept) != min(i+1, keptAside) || kept[len(kept)-1] != aside {
			t.Errorf("%v are kept, of which %s is the last", kept, aside)
		}
	}
}
