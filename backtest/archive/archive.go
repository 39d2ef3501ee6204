// Package archive builds what the windows of a daemon would be if the topic still had what an archive has.
//
// A topic keeps the last days of a stream, and an archive has what came before. They overlap: the archive goes on for a while
// after the topic's first record. The windows at that first record are the archive's points without those that the
// topic still delivers. A Fill is told of the topic's records first, and then of the archive's rows.
//
// The archive does not say in which partition an entity is. The topic does, for the entities in it. Any other entity gets
// its window in each partition. Only one of these is ever used, and the others age as any window without points does.
//
// The package is pure. It imports detection and completeness.
package archive

import (
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"time"

	"anomalydetector/completeness"
	"anomalydetector/detection"
)

// Fill is windows that are being built. It serves one goroutine.
type Fill struct {
	rules    *detection.Rules
	habit    *detection.HabitRules // nil: the method is original
	history  time.Duration
	parts    map[int32]*part
	all      []*part            // the same, in the order in which they were added
	homes    map[string][]*part // the partitions in which the topic has an entity
	Rows     int64              // of the archive
	Earliest int64              // time of a row, Unix milliseconds
	Latest   int64

	bin  int64
	bins map[int64]bool // which bins of the last history before the topic have rows
	from int64          // where that history begins
}

// part is a partition of the topic.
type part struct {
	cut       int64            // Unix milliseconds: what is newer comes from the topic
	delivered map[delivery]int // points up to the cut that the topic delivers, and how often the archive has not had them yet
	oldest    int64            // of these
	agreed    int              // deliveries that the archive has, too
	extras    int              // points of the archive that the topic should deliver and does not
	extra     delivery         // the first of them
	tracker   completeness.Tracker
	entities  map[string]*entity
}

// delivery is a point of an entity.
type delivery struct {
	key   string
	at    int64
	value float64
}

type entity struct {
	window detection.Window
	habit  *detection.Habit // in place of the window; nil: the method is original
	newest int64
	input  int // of the last row
	// delivers: the topic delivers a point of it that the archive has, too. From then on it delivers all of them.
	delivers bool
}

// New begins to fill windows of a length, for a stream with a point of each entity in each bin. With rules of the method habit it fills states, and
// the length is their memory.
func New(rules *detection.Rules, habit *detection.HabitRules, history, bin time.Duration) *Fill {
	return &Fill{rules: rules, habit: habit, history: history, parts: make(map[int32]*part), homes: make(map[string][]*part),
		bin: bin.Milliseconds(), bins: make(map[int64]bool), from: math.MaxInt64}
}

// Partition adds a partition. Points after the cut, in Unix milliseconds, come from the topic alone.
func (f *Fill) Partition(number int32, cut int64) {
	p := &part{cut: cut, oldest: math.MaxInt64, delivered: make(map[delivery]int), tracker: completeness.New(f.history),
		entities: make(map[string]*entity)}
	f.parts[number] = p
	f.all = append(f.all, p)
	f.from = min(f.from, cut-f.history.Milliseconds())
}

// Delivers takes a point of the topic. All of them come before the first row.
func (f *Fill) Delivers(number int32, key []byte, at int64, value float64) {
	p := f.parts[number]
	if homes := f.homes[string(key)]; !slices.Contains(homes, p) {
		f.homes[string(key)] = append(homes, p)
	}
	if at <= p.cut {
		p.delivered[delivery{string(key), at, value}]++
		p.oldest = min(p.oldest, at)
	}
}

// Row takes a row of the archive. Input counts its inputs. Within one input rows are in the order in which they came. A row that is
// older than its entity's last one in another input is an error: then the inputs are not in the order of time.
func (f *Fill) Row(input int, key []byte, at int64, value float64) error {
	if f.Rows == 0 {
		f.Earliest, f.Latest = at, at
	}
	f.Rows++
	f.Earliest, f.Latest = min(f.Earliest, at), max(f.Latest, at)
	if at >= f.from {
		f.bins[at/f.bin] = true
	}
	homes, known := f.homes[string(key)]
	if !known {
		homes = f.all
	}
	for _, p := range homes {
		if err := p.row(f, input, key, at, value); err != nil {
			return err
		}
	}
	return nil
}

func (p *part) row(f *Fill, input int, key []byte, at int64, value float64) error {
	if at > p.cut {
		return nil
	}
	e := p.entities[string(key)]
	if e == nil {
		e = &entity{newest: at, input: input}
		if f.habit != nil {
			e.habit = &detection.Habit{}
		}
		p.entities[string(key)] = e
		p.tracker.NewEntity(at)
	}
	if at < e.newest && input != e.input {
		return fmt.Errorf("%s comes after %s of the same entity %s in an input before it: want the inputs in the order of time",
			clock(at), clock(e.newest), key)
	}
	e.newest, e.input = max(e.newest, at), input
	if at >= p.oldest {
		point := delivery{string(key), at, value}
		if left := p.delivered[point]; left > 0 {
			p.delivered[point]--
			p.agreed++
			e.delivers = true
			return nil
		}
		if e.delivers {
			if p.extras == 0 {
				p.extra = point
			}
			p.extras++
		}
	}
	if !p.tracker.Near(at) {
		p.tracker.Outlier(at, e, len(p.entities))
	}
	if e.habit != nil {
		e.habit.Observe(f.habit, 0, at, value)
	} else {
		e.window.Observe(f.rules, 0, at, value)
	}
	return nil
}

// points are those that the entity keeps, in the order of arrival.
func (e *entity) points() iter.Seq2[int64, float64] {
	if e.habit != nil {
		return e.habit.All()
	}
	return e.window.All()
}

func clock(at int64) string { return time.UnixMilli(at).UTC().Format(time.RFC3339) }

// Comparison is how far a partition of the topic and the archive have the same points.
type Comparison struct {
	Agreed  int
	Missing int // points of the topic that the archive lacks, though it has later ones
	Lacks   string
	Extra   int // points of the archive that the topic lacks, though it has an earlier one of the entity
	Has     string
}

// Compare compares the topic with the archive where they overlap.
func (f *Fill) Compare(number int32) Comparison {
	p := f.parts[number]
	c := Comparison{Agreed: p.agreed, Extra: p.extras}
	if p.extras > 0 {
		c.Has = p.extra.String()
	}
	var first *delivery
	for point, left := range p.delivered {
		if left == 0 || point.at > f.Latest {
			continue
		}
		c.Missing += left
		if first == nil || point.at < first.at || point.at == first.at && point.key < first.key {
			first = &point
		}
	}
	if first == nil {
		return c
	}
	c.Lacks = first.String()
	if e := p.entities[first.key]; e != nil {
		for at, value := range e.points() {
			if at == first.at {
				c.Lacks += fmt.Sprintf(", for which the archive has %v", value)
			}
		}
	}
	return c
}

func (d delivery) String() string { return fmt.Sprintf("%v of %s at %s", d.value, d.key, clock(d.at)) }

// Holes is how many bins the archive has no row in, of those in the last history before the topic, and how many those are.
func (f *Fill) Holes() (holes, of int) {
	first := (max(f.from, f.Earliest) + f.bin - 1) / f.bin
	until := f.Latest
	for _, p := range f.all {
		until = min(until, p.cut)
	}
	for bin := first; bin <= until/f.bin; bin++ {
		of++
		if !f.bins[bin] {
			holes++
		}
	}
	return holes, of
}

// Homeless is how many entities of the archive the topic does not show.
func (f *Fill) Homeless() (count int) {
	seen := make(map[string]bool)
	for _, p := range f.all {
		for key := range p.entities {
			if _, known := f.homes[key]; !known {
				seen[key] = true
			}
		}
	}
	return len(seen)
}

// Window is what is to be stored of an entity: the points of its window, or with the method habit its state.
type Window struct {
	Points iter.Seq2[int64, float64] // nil: there is a state
	State  []byte
	Newest int64 // the greatest time, Unix milliseconds
}

// Stored returns the windows of a partition in the order of their keys, and what has to be stored with them. It leaves out the
// entities that a daemon would have removed by then.
func (f *Fill) Stored(number int32) (iter.Seq2[string, Window], completeness.Stored) {
	p := f.parts[number]
	keep, settled := p.tracker.Keep()
	if settled && p.tracker.SweepDue() {
		for key, e := range p.entities {
			if e.newest < keep {
				p.tracker.Dropped(e.newest)
				delete(p.entities, key)
			}
		}
	}
	return func(yield func(string, Window) bool) {
		for _, key := range slices.Sorted(maps.Keys(p.entities)) {
			e := p.entities[key]
			w := Window{Newest: e.newest}
			switch {
			case e.habit == nil && e.window.Len() > 0:
				w.Points = e.window.All()
			case e.habit != nil && e.habit.Len() > 0:
				w.State = e.habit.AppendState(f.habit, nil)
			default:
				continue
			}
			if !yield(key, w) {
				return
			}
		}
	}, p.tracker.Stored()
}
