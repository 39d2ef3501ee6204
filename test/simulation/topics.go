package simulation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// drawIdentity lets the operator delete the input topic and make it again.
func (s *Scenario) drawIdentity(d dice) {
	if !d.one(5) {
		return
	}
	s.Faults = append(s.Faults, Fault{Kind: topicMadeAgain, At: d.between(s.Length/4, s.Length), Running: d.one(2),
		For: d.between(0, s.Length), Node: -1, Broker: -1})
	slices.SortStableFunc(s.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
}

// identityWords describe the fault.
func (f Fault) identityWords() string {
	nodes := "are stopped"
	if f.Running {
		nodes = "run"
	}
	return fmt.Sprintf("%6.2f s: %s while the nodes %s", f.At.Seconds(), f.Kind, nodes)
}

// makeTopicAgain deletes the input topic and makes it again, while nothing is fed. The
// nodes are stopped for a while, or they run and have read all.
func (o *operator) makeTopicAgain(f Fault) {
	feeder := o.run.feeder
	if f.Running {
		feeder.pause(func() {
			if committed, ok := o.allRead(); ok {
				o.remake(committed)
			}
		})
		return
	}
	o.whileStopped(func() {
		feeder.pause(func() {
			if committed, ok := o.settledOffsets(); ok {
				o.remake(committed)
			}
		})
		time.Sleep(f.For) // the new topic is fed meanwhile, beyond the former one's offsets perhaps
	})
}

// allRead waits for 30 s until all of the input is committed.
func (o *operator) allRead() (committed map[int32]int64, ok bool) {
	for range 60 {
		ends, ok := o.ends()
		if !ok {
			return nil, false
		}
		if behind, _ := o.behind(ends); behind == "" {
			return ends, true
		}
		time.Sleep(500 * time.Millisecond)
	}
	return nil, false // another fault keeps the nodes from that
}

func (o *operator) remake(committed map[int32]int64) {
	r := o.run
	var log []*kgo.Record
	read := o.insist("read the input before it is deleted", func(context.Context) (err error) {
		log, err = r.read(inputTopic)
		return err
	})
	if !read {
		return
	}
	now := r.input.now
	now.log, now.id = log, o.identify()
	now.committedTo(committed)
	r.input.former = append(r.input.former, now)
	r.input.now = newIncarnation(now.rulesNow())
	if err := r.broker.cluster.DeleteTopic(inputTopic); err != nil {
		panic(err) // the simulation itself is wrong
	}
	if err := r.broker.cluster.CreateTopic(inputTopic, r.input.partitions.Load(), nil); err != nil {
		panic(err)
	}
	r.input.made++
}
