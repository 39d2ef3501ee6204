package simulation

import (
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
)

// input is the input topic, and what the oracle has to know of it. The operator may delete
// the topic and make it again: each life of it is an incarnation.
type input struct {
	partitions atomic.Int32
	now        *incarnation
	former     []*incarnation
	made       int           // times it was made again
	last       []Record      // fed when all faults had ended
	writing    chan struct{} // holds a token; only its holder may write to the topic, or make it again
}

func newInput(s *Scenario) *input {
	i := &input{now: newIncarnation(s.Rules), writing: make(chan struct{}, 1)}
	i.partitions.Store(s.Partitions)
	i.writing <- struct{}{}
	return i
}

// unfed does something while nobody else writes to the topic.
func (i *input) unfed(do func()) {
	<-i.writing
	defer func() { i.writing <- struct{}{} }()
	do()
}

// incarnation is one life of the input topic, from its making to its deletion. Offsets
// begin at 0 in the next one.
type incarnation struct {
	id        string // the topic's, once its log is read
	rules     Rules
	eras      []era            // of settings, after the first
	committed map[int32][]span // by partition: what was read and committed, one span after another
	next      map[int32]int64  // by partition: the beginning of the span that is not committed yet
	log       []*kgo.Record    // once the topic is deleted, or all is committed
}

// era is the time in which some rules are in force.
type era struct {
	rules Rules
	from  map[int32]int64 // by partition: the first offset; 0 if it is missing
}

// span is the offsets [from, until) of a partition.
type span struct{ from, until int64 }

func newIncarnation(rules Rules) *incarnation {
	return &incarnation{rules: rules, committed: make(map[int32][]span), next: make(map[int32]int64)}
}

// rulesNow are the rules in force.
func (i *incarnation) rulesNow() Rules {
	if len(i.eras) > 0 {
		return i.eras[len(i.eras)-1].rules
	}
	return i.rules
}

// committedTo notes that the group has read and committed all up to these offsets.
func (i *incarnation) committedTo(at map[int32]int64) {
	for partition, offset := range at {
		if offset > i.next[partition] {
			i.committed[partition] = append(i.committed[partition], span{i.next[partition], offset})
		}
	}
}

// times is how often a record was read and committed. An operator may have set the
// offsets back, or forward.
func (i *incarnation) times(record *kgo.Record) (times int) {
	for _, s := range i.committed[record.Partition] {
		if s.from <= record.Offset && record.Offset < s.until {
			times++
		}
	}
	return times
}
