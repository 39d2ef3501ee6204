package episode

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// crowd is the owner of a ledger in tests: it remembers when each entity was seen, and how often.
type crowd struct {
	ledger *Ledger
	seen   map[string][]int64
}

func newCrowd(rules LedgerRules) *crowd {
	c := &crowd{seen: map[string][]int64{}}
	c.ledger = NewLedger(rules, c)
	return c
}

func (c *crowd) Silent(from, until int64) (all []Silence, err error) {
	for key, times := range c.seen {
		if last := slices.Max(times); from <= last && last < until {
			all = append(all, Silence{key, last})
		}
	}
	slices.SortFunc(all, func(a, b Silence) int { return strings.Compare(a.Key, b.Key) })
	return all, nil
}

func (c *crowd) Presence(key string, since int64) (Presence, error) {
	times := c.seen[key]
	return Presence{Points: len(times), First: slices.Min(times), Last: slices.Max(times), Enough: len(times) > 2, Usual: 100}, nil
}

func (c *crowd) ID(kind Kind, offset int64, ordinal int) string {
	return fmt.Sprintf("%s-%d-%d", kind, offset, ordinal)
}

// point takes a point of an entity: "a" is an anomaly, "n" a normal point, "u" one that is not scored.
func (c *crowd) point(what byte, key string, at, offset int64) []Occurrence {
	l := c.ledger
	if err := l.Advance(max(at, l.whole.now), at, offset); err != nil {
		panic(err)
	}
	before := int64(-1 << 62)
	if times := c.seen[key]; len(times) > 0 {
		before = slices.Max(times)
	}
	if from, until := l.Bin(); from <= at && at < until && (before < from || before >= until) {
		l.Count()
	}
	c.seen[key] = append(c.seen[key], at)
	if l.Keeps(key) {
		l.Saw(key, at)
	}
	switch what {
	case 'a':
		a := anomaly(int(at/bin), 6)
		a.ID = fmt.Sprintf("i%d", offset)
		l.Anomaly(key, a)
	case 'n':
		l.Normal(key, Point{at, 101})
	}
	return slices.Clone(l.Drain())
}

var ledgerRules = LedgerRules{Rules: rules, AbsenceAfter: 2, AbsencePresence: 0.8, GapBelow: 0.5, History: 24 * time.Hour, Minimum: 2}

// play plays a timeline for each entity, a bin after the other.
func (c *crowd) play(timelines ...string) string {
	var words []string
	offset := int64(0)
	for i := range len(timelines[0]) {
		for row, timeline := range timelines {
			if timeline[i] == '.' {
				continue
			}
			for _, o := range c.point(timeline[i], string(rune('A'+row)), int64(i)*bin, offset) {
				word := fmt.Sprintf("%d %s %s %s", o.At/bin, o.Entity, o.Kind, o.Event)
				if o.Event == Resolved {
					word += " " + o.Episode.Outcome.String()
				}
				words = append(words, strings.Join(strings.Fields(word), " "))
			}
			offset++
		}
	}
	return strings.Join(words, ", ")
}

func TestAnEntityThatVanishesIsAbsent(t *testing.T) {
	for name, c := range map[string]struct {
		timelines []string
		want      string
	}{
		"after two whole bins":            {[]string{"nnnnnnn", "nnnn...", "nnnnnnn"}, "6 B absence opened"},
		"and returns":                     {[]string{"nnnnnnnn", "nnnn...n", "nnnnnnnn"}, "6 B absence opened, 7 B absence resolved returned"},
		"not while all are away":          {[]string{"nnnn....nn", "nnnn....nn", "nnnn....nn"}, "8 gap opened, 9 gap resolved filled"},
		"a gap does not count":            {[]string{"nnnn.nn.", "nnnn.nnn", "nnnn....", "nnnn.nnn"}, "5 gap opened, 6 gap resolved filled, 7 C absence opened"},
		"half of them are no gap":         {[]string{"nnnnnnnn", "nnnnnnnn", "nnnn.nnn", "nnnn.nnn"}, ""},
		"an irregular one is never":       {[]string{"nnnnnnnnnn", "n.n.n.....", "nnnnnnnnnn"}, ""},
		"a deviation ends silent with it": {[]string{"nnnnnnnnnnn", "nnna.......", "nnnnnnnnnnn"}, "3 B deviation opened, 6 B absence opened, 8 B deviation resolved silent"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := newCrowd(ledgerRules).play(c.timelines...); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// The first stream time may be wrong, and behind points that came before it. When it was known, an entity that was silent already had no stored time
// after a restart, so it was never absent.
func TestAnyPointMayBeTheLastOneWhileStreamTimeIsNotKnown(t *testing.T) {
	l := newCrowd(ledgerRules).ledger
	begin := func(now int64) {
		t.Helper()
		if from := l.SilentFrom(); from != 0 {
			t.Errorf("before stream time is known, silent from %d, want 0", from)
		}
		if err := l.Advance(now, now, 1); err != nil {
			t.Fatal(err)
		}
		if first, _ := l.Bin(); l.SilentFrom() != first {
			t.Errorf("silent from %d, want the start of the first bin, %d", l.SilentFrom(), first)
		}
	}
	begin(1000 * ledgerRules.Bin.Milliseconds())
	l.BeginAnew(1000 * ledgerRules.Bin.Milliseconds())
	begin(10 * ledgerRules.Bin.Milliseconds())
}

func TestAnAbsenceIsForgotten(t *testing.T) {
	c := newCrowd(ledgerRules)
	got := c.play("nnnn"+strings.Repeat("n", 4*48+2), "nnnn"+strings.Repeat(".", 4*48+2))
	if want := "6 B absence opened, 196 B absence resolved forgotten"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if c.ledger.Keeps("B") {
		t.Error("it is still known")
	}
}

// Whatever comes: a transaction that is rolled back and read again, and a ledger that is stored and read, change nothing.
func TestALedgerIsAFunctionOfItsInput(t *testing.T) {
	r := rand.New(rand.NewPCG(20, 26))
	for range 300 {
		rules := ledgerRules
		rules.OpenAfter, rules.ClearAfter, rules.AbsenceAfter = 1+r.IntN(2), 1+r.IntN(4), r.IntN(4)
		rules.GapBelow = []float64{0, 0.5}[r.IntN(2)]
		plain, other := newCrowd(rules), newCrowd(rules)
		at := int64(1000 * bin)
		var want, got []Occurrence
		for offset := int64(0); offset < 400; {
			type step struct {
				what byte
				key  string
				at   int64
			}
			var steps []step
			for range 1 + r.IntN(30) {
				switch r.IntN(20) {
				case 0:
					at += int64(r.IntN(30)) * bin
				case 1:
					at -= bin
				case 2, 3, 4, 5:
					at += bin
				}
				steps = append(steps, step{"annnnu"[r.IntN(6)], string(rune('A' + r.IntN(6))), at})
			}
			play := func(c *crowd) (all []Occurrence) {
				for i, s := range steps {
					all = append(all, c.point(s.what, s.key, s.at, offset+int64(i))...)
				}
				return all
			}
			want = append(want, play(plain)...)
			plain.ledger.Commit()
			if r.IntN(2) == 0 {
				seen := map[string][]int64{}
				for key, times := range other.seen {
					seen[key] = slices.Clone(times)
				}
				play(other)
				other.ledger.RollBack()
				other.seen = seen
			}
			got = append(got, play(other)...)
			other.ledger.Commit()
			if r.IntN(3) == 0 {
				stored := other.ledger.Append(nil)
				if err := other.ledger.Decode(stored); err != nil {
					t.Fatal(err)
				}
				if again := other.ledger.Append(nil); !reflect.DeepEqual(stored, again) {
					t.Fatal("it is stored in another way the second time")
				}
			}
			offset += int64(len(steps))
		}
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
		if plain.ledger.Open() != other.ledger.Open() {
			t.Fatal("another number is open")
		}
	}
}
