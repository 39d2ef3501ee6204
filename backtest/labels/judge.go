package labels

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"
)

// Options say how reports are judged.
type Options struct {
	Bin time.Duration // the time granularity of the datapoints
	// Grace is a time after a label's end. A report in it is neither inside a label nor false: when something ends,
	// the values return, and a window that has taken on the new level reports the return.
	Grace time.Duration
}

// DefaultOptions are those for datapoints of a time granularity. The grace is as long as the detector by default
// waits before it ends an episode.
func DefaultOptions(bin time.Duration) Options { return Options{Bin: bin, Grace: 4 * bin} }

// Judge keeps labels. It does not change, so that it serves all settings and goroutines.
type Judge struct {
	labels  []Label
	options Options
	exact   map[string][]int // the labels of an entity, as places in labels
	files   map[string][]int // those of files, by the last component of the path
	all     []int            // those of each entity
	common  *timeline        // of an entity without labels of its own
}

// NewJudge makes a Judge of the labels of all label files.
func NewJudge(all []Label, o Options) *Judge {
	j := &Judge{labels: slices.Clone(all), options: o, exact: map[string][]int{}, files: map[string][]int{}}
	for i, l := range j.labels {
		switch {
		case l.Entity == Everything:
			j.all = append(j.all, i)
		case l.File:
			name := base(bare(l.Entity))
			j.files[name] = append(j.files[name], i)
		default:
			j.exact[l.Entity] = append(j.exact[l.Entity], i)
		}
	}
	j.common = j.timeline(j.all)
	return j
}

// Entity begins to judge an entity at one setting. It may be called by several goroutines at a time.
func (j *Judge) Entity(key string) *EntityJudge {
	e := &EntityJudge{judge: j, line: j.common, first: math.MaxInt64, last: math.MinInt64, firstScored: math.MaxInt64}
	own := slices.Clip(j.exact[key]) // others may append to the same list
	if len(j.files) > 0 {
		for _, i := range j.files[base(bare(key))] {
			if j.labels[i].Fits(key) {
				own = append(own, i)
			}
		}
	}
	if len(own) > 0 {
		e.line = j.timeline(append(own, j.all...))
	}
	e.nab.begin(e.line.windows)
	return e
}

// timeline is the labels of an entity, in the order of time.
type timeline struct {
	spans   []span
	reach   []int64 // by span, the latest end of it and of those before it
	windows []span  // the spans with overlapping ones joined
}

// span is a time; both ends belong to it.
type span struct {
	from, until int64
	label       int // its place; of a window the first one's
}

func (j *Judge) timeline(places []int) *timeline {
	t := &timeline{spans: make([]span, len(places)), reach: make([]int64, len(places))}
	for i, place := range places {
		t.spans[i] = span{j.labels[place].From, j.labels[place].Until, place}
	}
	slices.SortFunc(t.spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.until, b.until), cmp.Compare(a.label, b.label))
	})
	for i, s := range t.spans {
		t.reach[i] = s.until
		if i > 0 {
			t.reach[i] = max(t.reach[i-1], s.until)
		}
		if last := len(t.windows) - 1; last >= 0 && s.from <= t.windows[last].until {
			t.windows[last].until = max(t.windows[last].until, s.until)
		} else {
			t.windows = append(t.windows, s)
		}
	}
	return t
}

// begun is how many spans begin at a time or before.
func (t *timeline) begun(at int64) int {
	return sort.Search(len(t.spans), func(i int) bool { return t.spans[i].from > at })
}
