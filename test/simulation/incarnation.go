package simulation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/test/naive"
)

// incarnation is one life of the input topic, from when it was made to when it was
// deleted: its records, and what is true of them. Offsets begin again in the next one.
type incarnation struct {
	rules  naive.Rules
	eras   []era            // of settings, after the first
	scored map[int32][]span // by partition: what was read and committed, one span after another
	next   map[int32]int64  // where the last span of it begins
	log    []*kgo.Record    // once it is deleted
}

func newIncarnation(rules naive.Rules) *incarnation {
	return &incarnation{rules: rules, scored: make(map[int32][]span), next: make(map[int32]int64)}
}

// rulesNow are those in force last.
func (i *incarnation) rulesNow() naive.Rules {
	if len(i.eras) > 0 {
		return i.eras[len(i.eras)-1].rules
	}
	return i.rules
}

// ended notes that all was read and committed up to these offsets.
func (i *incarnation) ended(at map[int32]int64) {
	for partition, offset := range at {
		if offset > i.next[partition] {
			i.scored[partition] = append(i.scored[partition], span{i.next[partition], offset})
		}
	}
}

// drawIdentity lets an operator delete the input topic and make it again.
func (s *Scenario) drawIdentity(d dice) {
	if !d.one(5) {
		return
	}
	s.Faults = append(s.Faults, Fault{Kind: topicMadeAgain, At: d.between(s.Length/4, s.Length), Running: d.one(2),
		For: d.between(0, s.Length), Node: -1, Broker: -1})
	slices.SortStableFunc(s.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
}

// makeTopicAgain deletes the input topic and makes it again, while nothing is fed:
// with all nodes stopped, for a while, or running once they have read all.
func (r *run) makeTopicAgain(f Fault) {
	if f.Running {
		r.unfed(func() {
			if committed, ok := r.allRead(); ok {
				r.remake(committed)
			}
		})
		return
	}
	r.stopped(func() {
		r.unfed(func() {
			if committed, ok := r.settledOffsets(); ok {
				r.remake(committed)
			}
		})
		time.Sleep(f.For) // the new one is fed meanwhile, beyond the former one's offsets perhaps
	})
}

// unfed does something while nobody writes to the input.
func (r *run) unfed(do func()) {
	<-r.feeding
	defer func() { r.feeding <- struct{}{} }()
	do()
}

// allRead waits for a while until all of the input is committed.
func (r *run) allRead() (committed map[int32]int64, ok bool) {
	for range 60 {
		ends, ok := r.ends()
		if !ok {
			return nil, false
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		fetched, err := r.admin.FetchOffsets(ctx, group)
		cancel()
		behind := err != nil
		for partition, end := range ends {
			o, known := fetched.Lookup(inputTopic, partition)
			behind = behind || end > 0 && (!known || o.At != end)
		}
		if !behind {
			return ends, true
		}
		time.Sleep(500 * time.Millisecond)
	}
	return nil, false // another fault keeps them from that
}

func (r *run) remake(committed map[int32]int64) {
	var log []*kgo.Record
	read := r.insist("read the input before it is deleted", func(context.Context) (err error) {
		log, err = r.read(inputTopic)
		return err
	})
	if !read {
		return
	}
	now := r.input
	now.log = log
	now.ended(committed)
	r.former = append(r.former, now)
	r.input = newIncarnation(now.rulesNow())
	if err := r.cluster.DeleteTopic(inputTopic); err != nil {
		panic(err) // the simulation itself is wrong
	}
	if err := r.cluster.CreateTopic(inputTopic, r.partitions.Load(), nil); err != nil {
		panic(err)
	}
	r.made++
}

// identityWords describe the fault.
func (f Fault) identityWords() string {
	if f.Running {
		return fmt.Sprintf("%6.2f s: %s while the nodes run", f.At.Seconds(), f.Kind)
	}
	return fmt.Sprintf("%6.2f s: %s while the nodes are stopped", f.At.Seconds(), f.Kind)
}
