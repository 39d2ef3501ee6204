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
		n := new(names)
		for range 3 {
			var changes []change
			listed := dice.IntN(4) == 0
			for range dice.IntN(40) {
				first, second := pick(), pick()
				c := change{name: name{key: first + "," + second, stored: listed || dice.IntN(2) == 0}, gone: !listed && dice.IntN(3) == 0, listed: listed}
				if strings.Count(c.key, ",") != 1 && !listed {
					c.cuts = cutsOf([]int{len(first)})
				}
				changes = append(changes, c)
				_, is := known[c.key]
				switch {
				case c.gone:
					delete(known, c.key)
				case !listed || !is:
					known[c.key] = c.name
				}
			}
			n = n.with(changes)
		}
		all := make([]change, 0, len(known))
		for _, one := range known {
			all = append(all, change{name: one})
		}
		for _, one := range n.all {
			if known[one.key] != one {
				t.Fatalf("round %d: the name is %+v, want %+v", round, one, known[one.key])
			}
		}
		for _, made := range []*names{n, new(names).with(all)} {
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
		"more commas, lengths known":      {name{key: "a, b,c", cuts: cutsOf([]int{4})}, 2, []string{"a, b", "c"}},
		"more commas, nobody knows":       {name{key: "a, b,c"}, 2, nil},
		"too long to be kept":             {name{key: strings.Repeat("a,", 40_000) + "c", cuts: cutsOf([]int{79_999})}, 2, nil},
		"too many fields to be kept":      {name{key: "a,,b,c,d,e", cuts: cutsOf([]int{2, 4, 6, 8})}, 5, nil},
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
	all := make([]change, count)
	for i := range all {
		all[i].key = fmt.Sprintf("%d,%d", []int{-1, 64500 + i%200}[min(i%5, 1)], 1+i)
	}
	dice.Shuffle(count, func(i, j int) { all[i], all[j] = all[j], all[i] })
	n := new(names).with(all)
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
			new(names).with(all)
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms")
	})
	b.Run("change", func(b *testing.B) {
		for range b.N {
			n.with([]change{{name: name{key: "-1,0"}}, {name: name{key: n.all[5].key}, gone: true}})
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms")
	})
}

// TestListedNameChangesNothingThatIsKnown: the partition knows better than the disk whether the
// entity is cached, and where its fields begin.
func TestListedNameChangesNothingThatIsKnown(t *testing.T) {
	known := name{key: "a, b,c", cuts: cutsOf([]int{4})}
	n := new(names).with([]change{{name: known}}).with([]change{{name: name{key: known.key, stored: true}, listed: true}})
	if len(n.all) != 1 || n.all[0] != known {
		t.Errorf("the names are %+v, want %+v", n.all, known)
	}
}

// TestNamesTakeNoMoreRoomThanTheyNeed, however many changes repeat what is known.
func TestNamesTakeNoMoreRoomThanTheyNeed(t *testing.T) {
	var changes []change
	for i := range 1000 {
		changes = append(changes, change{name: name{key: fmt.Sprint("-1,", i)}})
	}
	n := new(names).with(changes).with(changes)
	if cap(n.all) > 1100 || cap(n.ends) > 1100 || cap(n.text) > 1100*len("-1,999,") {
		t.Errorf("there is room for %d names, %d ends, %d bytes", cap(n.all), cap(n.ends), cap(n.text))
	}
}
