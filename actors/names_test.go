package actors

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"anomalydetector/messages"
)

// TestSearchFindsWhatACheckOfEachNameFinds, after any changes, for any query.
func TestSearchFindsWhatACheckOfEachNameFinds(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	parts := []string{"-1", "64510", "6451", "CT4Singapore, Central Singapore, SG", "ÄÖ", "äö", "", "K", "k", "ab", "A\xffB"}
	pick := func() string { return parts[dice.IntN(len(parts))] }
	for round := range 300 {
		known := make(map[string]name)
		n := newNames(nil)
		for range 3 {
			var changes []change
			for range dice.IntN(40) {
				first, second := pick(), pick()
				c := change{name{key: first + "," + second}, dice.IntN(3) == 0}
				if strings.Count(c.key, ",") != 1 {
					c.cuts = cutsOf([]int{len(first)})
				}
				changes = append(changes, c)
				if c.gone {
					delete(known, c.key)
				} else {
					known[c.key] = c.name
				}
			}
			n = n.with(changes)
		}
		all := make([]name, 0, len(known))
		for _, one := range known {
			all = append(all, one)
		}
		for _, made := range []*names{n, newNames(all)} {
			q := messages.EntitiesQuery{Text: []string{"", "6451", "Ä", "central", "k", "g,"}[dice.IntN(6)], Fields: map[int]string{}}
			if dice.IntN(2) == 0 {
				q.Fields[dice.IntN(2)] = pick()
			}
			if dice.IntN(2) == 0 {
				q.After = pick() + "," + pick()
			}
			var got, want []string
			made.search(&q, 2, func(one *name, _ []string) bool { got = append(got, one.key); return true })
			for _, one := range known {
				fits := strings.Contains(string(appendFolded(nil, one.key)), string(appendFolded(nil, q.Text))) && one.key > q.After
				if fits && hasFields(one.fields(nil, 2), q.Fields) {
					want = append(want, one.key)
				}
			}
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("round %d: query %+v finds %q, want %q", round, q, got, want)
			}
		}
	}
}

func TestKeyIsTakenApartOnlyWhereThatIsSure(t *testing.T) {
	for of, c := range map[string]struct {
		name  name
		count int
		want  []string
	}{
		"as many commas as there must be": {name{key: "-1,64510"}, 2, []string{"-1", "64510"}},
		"empty fields":                    {name{key: ",,"}, 3, []string{"", "", ""}},
		"one field with commas":           {name{key: "a, b"}, 1, []string{"a, b"}},
		"more commas, lengths known":      {name{"a, b,c", cutsOf([]int{4})}, 2, []string{"a, b", "c"}},
		"more commas, nobody knows":       {name{key: "a, b,c"}, 2, nil},
		"too long to be kept":             {name{strings.Repeat("a,", 40_000) + "c", cutsOf([]int{79_999})}, 2, nil},
		"too many fields to be kept":      {name{"a,,b,c,d,e", cutsOf([]int{2, 4, 6, 8})}, 5, nil},
	} {
		if got := c.name.fields(nil, c.count); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", of, got, c.want)
		}
	}
}

// BenchmarkSearch is what a person waits for, with a million entities.
func BenchmarkSearch(b *testing.B) {
	const count = 1_000_000
	dice := rand.New(rand.NewPCG(1, 2))
	all := make([]name, count)
	for i := range all {
		all[i].key = fmt.Sprintf("%d,%d", []int{-1, 64500 + i%200}[min(i%5, 1)], 1+i)
	}
	dice.Shuffle(count, func(i, j int) { all[i], all[j] = all[j], all[i] })
	n := newNames(slices.Clone(all))
	search := func(b *testing.B, q messages.EntitiesQuery) {
		for range b.N {
			found := 0
			n.search(&q, 2, func(*name, []string) bool { found++; return found <= 1000 })
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms")
	}
	for of, q := range map[string]messages.EntitiesQuery{
		"rare":        {Text: "99999"},
		"none":        {Text: "9999999"},
		"frequent":    {Text: "1"},
		"page":        {After: n.all[count/2].key},
		"field":       {Fields: map[int]string{1: "999999"}},
		"hard field":  {Fields: map[int]string{0: "1"}},
		"both":        {Text: "9", Fields: map[int]string{0: "64511"}},
		"both, none":  {Text: ",1", Fields: map[int]string{0: "nothing"}},
		"field, rest": {Text: "5", Fields: map[int]string{1: ""}},
	} {
		b.Run(of, func(b *testing.B) { search(b, q) })
	}
	b.Run("make", func(b *testing.B) {
		for range b.N {
			newNames(slices.Clone(all))
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms")
	})
	b.Run("change", func(b *testing.B) {
		for range b.N {
			n.with([]change{{name{key: "-1,0"}, false}, {name{key: n.all[5].key}, true}})
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms")
	})
}

// TestListedNameDoesNotForgetWhereItsFieldsBegin: the disk does not know.
func TestListedNameDoesNotForgetWhereItsFieldsBegin(t *testing.T) {
	n := newNames([]name{{"a, b,c", cutsOf([]int{4})}}).with([]change{{name: name{key: "a, b,c"}}})
	if fields := n.all[0].fields(nil, 2); len(n.all) != 1 || len(fields) != 2 {
		t.Errorf("the names are %+v, the fields of the first %q", n.all, fields)
	}
}
