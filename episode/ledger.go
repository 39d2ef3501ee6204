package episode

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Ledger holds the episodes of one partition: deviations and absences of its entities, and gaps of the partition. It is
// a function of the partition's input. Its owner tells it each scored record in these steps, and then drains the events:
//
//	Advance  stream time has entered a later bin: bins end, with gaps, absences and deviations that end silent
//	Count    the entity has its first point in the current bin
//	Saw      an entity that Keeps something has a point, and comes back if it was absent
//	Anomaly, Normal    the verdict
//
// What a transaction changed is undone by RollBack, and final after Commit. NewLedger makes one. It serves one goroutine.
type Ledger struct {
	rules    LedgerRules
	owner    Owner
	entities map[string]*entry // those with a deviation or an absence, also closed ones that may be reopened
	whole    whole
	before   *whole            // as it was at the last commit; nil: it has not changed
	undo     map[string]*entry // the entries that changed, as they were; nil: there was none
	at       int64             // time of the record at hand
	events   []Occurrence
}

// LedgerRules are the rules of all three kinds.
type LedgerRules struct {
	Rules
	AbsenceAfter    int     // whole bins without a point that make an entity absent; 0: absences are off
	AbsencePresence float64 // the least part of the bins of its window in which it had a point
	GapBelow        float64 // a bin with a smaller part of the usual entities is a gap; 0: gaps are off
	History         time.Duration
	Minimum         float64 // with strictly more bins in the history the usual number of entities is known
}

// Owner is what the ledger asks of the partition.
type Owner interface {
	// Silent lists the entities whose newest point has a time in [from, until), Unix milliseconds, in the order of keys.
	Silent(from, until int64) ([]Silence, error)
	// Presence describes the points of an entity's window that are not older than a time, Unix milliseconds.
	Presence(key string, since int64) (Presence, error)
	// ID is the id of an absence (ordinal from 0 among those of a record) or of a gap, caused by the record at an offset.
	ID(kind Kind, offset int64, ordinal int) string
}

// Silence is an entity that may be absent.
type Silence struct {
	Key      string
	LastSeen int64 // time of its newest point, Unix milliseconds
}

// Presence is what a window tells of how regular its entity is.
type Presence struct {
	Points      int
	First, Last int64   // the oldest and the newest time, Unix milliseconds
	Enough      bool    // there are enough points to score
	Usual       float64 // the median
}

// Kind is what an episode is about.
type Kind uint8

const (
	Deviation Kind = iota // values of an entity are anomalous
	Absence               // an entity has no points
	Gap                   // a partition has points of too few entities
)

// String is the kind's word.
func (k Kind) String() string { return [...]string{"deviation", "absence", "gap"}[k] }

// Kinds is how many kinds there are.
const Kinds = 3

// Occurrence is an event of the ledger. Entity is empty for a gap.
type Occurrence struct {
	Step
	Kind   Kind
	Entity string
	// Value and Deviation are of the latest anomaly; of a gap, Value is the number of entities.
	Value, Deviation float64
}

// whole is the state of the partition as a whole. It is copied at the first change of a transaction.
type whole struct {
	begun  bool // stream time is known, so a bin is being counted
	anew   bool // open episodes are of a ledger whose later events are not known
	now    int64
	bin    int64      // the current bin
	count  int        // its entities
	first  int64      // the first bin since stream time began anew
	counts []int32    // of the last ended bins
	wholes []int64    // the last ended bins that are no gaps, as many as silence needs
	gap    Episode    // its ID is empty if there has been none
	open   [Kinds]int // how many episodes are open
}

// entry is what is known of one entity.
type entry struct {
	deviation State
	value     float64 // of the latest anomaly
	deviates  float64
	absence   Episode // open, or without an ID
	lastSeen  int64   // while it is absent
}

// mostBins is how many bins the usual number of entities is taken of, at most.
const mostBins = 1000

// forgetAfter is how long after its window an absent entity is forgotten. It is the patience of package completeness.
const forgetAfter = 24 * time.Hour

// named tells whether an entity may have episodes: its key must be one that the store keeps as it is, and that no other record of
// the episodes topic can have.
func named(key string) bool {
	const longest = 999
	return key != "" && len(key) <= longest && !strings.Contains(key, "\x00")
}

// NewLedger makes an empty ledger.
func NewLedger(rules LedgerRules, owner Owner) *Ledger {
	rules.EveryPoint, rules.Bins = true, true
	rules.Minimum = min(rules.Minimum, mostBins-1)
	return &Ledger{rules: rules, owner: owner, entities: map[string]*entry{}, undo: map[string]*entry{}}
}

// BeginAnew says that the points since the ledger's offset are not known, where stream time was now. The next Advance ends the
// open episodes with an unknown outcome, and the ledger is empty.
func (l *Ledger) BeginAnew(now int64) {
	l.change()
	l.whole.anew, l.whole.now = true, now
}

// Open is how many episodes of each kind are open.
func (l *Ledger) Open() [Kinds]int { return l.whole.open }

// Entities is how many entities the partition has: those of the last ended bin, or of the first one while it has not ended.
func (l *Ledger) Entities() int {
	if n := len(l.whole.counts); n > 0 {
		return int(l.whole.counts[n-1])
	}
	return l.whole.count
}

// Keeps tells whether something is known of an entity, so that Saw and Normal matter for it.
func (l *Ledger) Keeps(key string) bool { return l.entities[key] != nil }

// Keys yields the keys of the entities of which something is known.
func (l *Ledger) Keys() []string { return slices.Collect(maps.Keys(l.entities)) }

// Bin is the current bin, from a time until another, Unix milliseconds. Both are 0 before stream time is known.
func (l *Ledger) Bin() (from, until int64) {
	if !l.counting() {
		return 0, 0
	}
	return l.start(l.whole.bin), l.start(l.whole.bin + 1)
}

// SilentFrom is the time of the oldest point that may still be the last one of an entity that becomes absent, Unix
// milliseconds, unless stream time moves back; math.MaxInt64 if there is none. Before stream time is known, it may
// begin behind any point.
func (l *Ledger) SilentFrom() int64 {
	switch {
	case l.rules.AbsenceAfter == 0:
		return math.MaxInt64
	case !l.counting():
		return 0
	}
	return l.horizon(l.rules.AbsenceAfter)
}

// counting tells whether a bin is being counted. If not, the next stream time begins the first one, wherever it lies.
func (l *Ledger) counting() bool { return l.whole.begun && !l.whole.anew }

// Drain returns the events since the last Drain. They are valid until the next call of another method.
func (l *Ledger) Drain() []Occurrence {
	events := l.events
	l.events = l.events[:0]
	return events
}

// Commit makes all changes final.
func (l *Ledger) Commit() {
	l.before = nil
	clear(l.undo)
}

// RollBack undoes all changes since the last Commit. It returns the keys of the entities that it changed.
func (l *Ledger) RollBack() (keys []string) {
	if l.before != nil {
		l.whole, l.before = *l.before, nil
	}
	for key, e := range l.undo {
		if e == nil {
			delete(l.entities, key)
		} else {
			l.entities[key] = e
		}
		keys = append(keys, key)
	}
	clear(l.undo)
	l.events = l.events[:0]
	return keys
}

// change notes that the whole is about to change.
func (l *Ledger) change() {
	if l.before == nil {
		before := l.whole
		before.counts, before.wholes = slices.Clone(before.counts), slices.Clone(before.wholes)
		l.before = &before
	}
}

// keep notes that an entity's entry is about to change, and returns it. It makes one if there is none.
func (l *Ledger) keep(key string) *entry {
	e := l.entities[key]
	if _, noted := l.undo[key]; !noted {
		if e == nil {
			l.undo[key] = nil
		} else {
			copied := *e
			l.undo[key] = &copied
		}
	}
	if e == nil {
		e = &entry{}
		l.entities[key] = e
	}
	return e
}

// tidy drops an entry that says nothing.
func (l *Ledger) tidy(key string, e *entry) {
	if e.absence.ID == "" && e.deviation.Episode.Points == 0 {
		delete(l.entities, key)
	}
}

// say notes an event, and the episode after it.
func (l *Ledger) say(kind Kind, key string, event Event, e Episode, value, deviation float64) {
	l.change()
	switch event {
	case Opened, Reopened:
		l.whole.open[kind]++
	case Resolved:
		l.whole.open[kind]--
	}
	l.events = append(l.events, Occurrence{Step: Step{event, l.now(), e}, Kind: kind, Entity: key, Value: value, Deviation: deviation})
}

func (l *Ledger) start(bin int64) int64 { return bin * l.rules.Bin.Milliseconds() }

func (l *Ledger) binOf(at int64) int64 {
	length := l.rules.Bin.Milliseconds()
	bin := at / length
	if at < 0 && at%length != 0 {
		bin--
	}
	return bin
}
