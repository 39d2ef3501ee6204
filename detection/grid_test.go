package detection

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A grid has the times that it was made of and those that were added, in order, or refuses them.
func TestGridHasItsTimes(t *testing.T) {
	refused, gapped := 0, 0
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 3))
		step := 1 + r.Int64N(1_000_000)
		at, most := r.Int64N(1<<40), 1+r.Int64N(20)
		times := []int64{at}
		for range 1 + r.IntN(300) {
			if r.IntN(8) == 0 {
				at += step * r.Int64N(most)
			}
			at += step
			times = append(times, at)
		}
		cut := 2 + r.IntN(len(times)-1)
		g, ok := newGrid(times[:cut])
		for i, at := range times[cut:] {
			ok = ok && g.add(at, cut+i+1)
		}
		if !ok {
			refused++
			continue
		}
		if g.present != nil {
			gapped++
		}
		if len(g.present) > mostGaps*len(times)/64+1 {
			t.Fatalf("seed %d: %d words for %d points", seed, len(g.present), len(times))
		}
		got := []int64{g.time(0)}
		for place := 0; place != g.last; got = append(got, g.time(place)) {
			place = g.next(place)
		}
		if !slices.Equal(got, times) {
			t.Fatalf("seed %d: %v, want %v", seed, got, times)
		}
		read := grid{first: g.first, step: g.step, present: g.present}
		if !read.whole(len(times)) || read.last != g.last {
			t.Fatalf("seed %d: the last place is %d after reading, want %d", seed, read.last, g.last)
		}
		if read.present != nil && (read.whole(len(times)+1) || read.whole(len(times)-1)) {
			t.Fatalf("seed %d: a wrong number of points is not noticed", seed)
		}
	}
	if refused == 0 || refused > 1000 || gapped < 1000 {
		t.Errorf("%d were refused, %d had gaps", refused, gapped)
	}
	for name, times := range map[string][]int64{
		"equal":     {5, 5, 5},
		"falling":   {5, 6, 4},
		"negative":  {-1, 0},
		"sparse":    {0, 1, 1000},
		"long step": {0, longestStep + 1},
		"late":      {latestTime - 1, latestTime + 1},
	} {
		if _, ok := newGrid(times); ok {
			t.Errorf("%s times are on a grid", name)
		}
	}
}
