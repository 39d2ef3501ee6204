package simulation

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// operator runs the nodes and owns the topics. It starts, stops and kills processes, changes
// the configuration, resets offsets, and deletes topics and disks. It also notes in input
// what the oracle has to know of that. Of all faults only a broker that is away disturbs it.
type operator struct {
	run    *run
	client *kgo.Client
	admin  *kadm.Client
}

// begin writes the configuration and connects.
func (o *operator) begin() {
	if err := o.run.writeConf(o.run.scenario.Rules); err != nil {
		panic(err) // the simulation itself is wrong
	}
	o.client = o.newClient(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	o.admin = kadm.NewClient(o.client)
}

func (o *operator) end() { o.client.Close() }

func (o *operator) newClient(options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(brokerAddress(0), brokerAddress(1), brokerAddress(2)),
		kgo.Dialer(o.run.network.dialer(operatorParty)),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
		kgo.MetadataMinAge(50 * time.Millisecond),
	}, options...)...)
	if err != nil {
		panic(err) // the options are wrong
	}
	return client
}

// insist tries again what faults may disturb, for at least 150 s.
func (o *operator) insist(what string, try func(context.Context) error) bool {
	var err error
	for range 300 {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err = try(ctx)
		cancel()
		if err == nil {
			return true
		}
		time.Sleep(500 * time.Millisecond)
	}
	o.run.judge.problem("%s: %v", what, err)
	return false
}

// strike carries out the faults of machines and people; it is false for others.
func (o *operator) strike(f Fault) bool {
	r := o.run
	switch f.Kind {
	case crash, cleanStop, stateOlder, stateGone:
		r.later(0, func() { o.restart(r.nodes[f.Node], f) })
	case pause:
		if p := r.nodes[f.Node].process.Load(); p != nil {
			r.network.freeze(p.party)
			r.later(f.For, func() { r.network.unfreeze(p.party) })
		}
	case producerFenced:
		o.fence(r.nodes[f.Node])
	case writeFails:
		r.nodes[f.Node].failing.Add(int32(f.Count))
	case diskFull:
		n := r.nodes[f.Node]
		n.full.Store(true)
		r.later(f.For, func() { n.full.Store(false) })
	case partitionsAdded:
		o.addPartitions(f.Count)
	case offsetsReset:
		o.whileStopped(func() { o.resetOffsets(f) })
	case settingsChanged:
		o.whileStopped(func() { o.changeSettings(f) })
	case topicMadeAgain:
		o.makeTopicAgain(f)
	default:
		return false
	}
	return true
}

// restart ends a process, puts another state in place if the fault says so, and starts
// the next process after a while.
func (o *operator) restart(n *node, f Fault) {
	release := n.hold()
	if f.Kind == cleanStop {
		n.stop(false)
	} else {
		n.kill()
	}
	n.replaceState(f.Kind)
	release()
	o.run.later(f.For, n.startHeld)
}

// fence begins a transaction as the node's producer, and does nothing with it.
func (o *operator) fence(n *node) {
	client := o.newClient(kgo.TransactionalID(group + "." + confName + "." + n.name))
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, _, _ = client.ProducerID(ctx) // another fault may keep it from that
}

func (o *operator) addPartitions(count int) {
	input := o.run.input
	want := int(input.partitions.Load()) + count
	o.insist("add partitions", func(ctx context.Context) error {
		answers, err := o.admin.UpdatePartitions(ctx, want, inputTopic)
		if err == nil {
			err = answers.Error()
		}
		if errors.Is(err, kerr.InvalidPartitions) {
			err = nil // an earlier try seemed to fail, and did not
		}
		return err
	})
	input.partitions.Store(int32(want))
}

// whileStopped stops all nodes, does something, and starts them again.
func (o *operator) whileStopped(do func()) {
	nodes := o.run.nodes
	var releases []func()
	for _, n := range nodes {
		releases = append(releases, n.hold())
		n.stop(false)
	}
	do()
	for i, release := range releases {
		nodes[i].start()
		release()
	}
}

// changeSettings gives the history another length, or changes the method or the threshold.
func (o *operator) changeSettings(f Fault) {
	committed, ok := o.settledOffsets()
	if !ok {
		return
	}
	rules := o.run.scenario.changed(f)
	now := o.run.input.now
	now.eras = append(now.eras, era{rules, committed})
	if err := o.run.writeConf(rules); err != nil {
		panic(err)
	}
}

// resetOffsets sets the group's offsets back, or forward.
func (o *operator) resetOffsets(f Fault) {
	committed, ok := o.settledOffsets()
	if !ok {
		return
	}
	ends, ok := o.ends()
	if !ok {
		return
	}
	var wanted kadm.Offsets
	offsets := make(map[int32]int64)
	for partition := range o.run.input.partitions.Load() {
		offset := (ends[partition] + 1) * int64(f.Where[int(partition)%len(f.Where)]) >> 16
		offsets[partition] = offset
		wanted.AddOffset(inputTopic, partition, offset, -1)
	}
	done := o.insist("reset offsets", func(ctx context.Context) error { return o.admin.CommitAllOffsets(ctx, group, wanted) })
	if !done {
		return
	}
	now := o.run.input.now
	for partition, offset := range offsets {
		now.committedTo(map[int32]int64{partition: committed[partition]})
		now.next[partition] = offset
	}
}

// settledOffsets waits until the group has no member and no transaction that may still
// commit. Then it returns the group's offsets.
func (o *operator) settledOffsets() (offsets map[int32]int64, ok bool) {
	ok = o.insist("wait for an empty group", func(ctx context.Context) error {
		groups, err := o.admin.DescribeGroups(ctx, group)
		if err != nil {
			return err
		}
		if state := groups[group].State; state != "Empty" && state != "Dead" {
			return fmt.Errorf("the group is %s", state)
		}
		transactions, err := o.admin.ListTransactions(ctx, nil, []string{"Ongoing", "PrepareCommit", "PrepareAbort"})
		if err != nil {
			return err
		}
		for _, transaction := range transactions {
			if transaction.TxnID != feederID {
				return fmt.Errorf("transaction %s is open", transaction.TxnID)
			}
		}
		fetched, err := o.admin.FetchOffsets(kadm.RequireStable(ctx), group)
		if errors.Is(err, kerr.GroupIDNotFound) {
			err = nil // no node has joined yet
		}
		if err != nil {
			return err
		}
		offsets = make(map[int32]int64)
		fetched.Each(func(at kadm.OffsetResponse) {
			if at.Topic == inputTopic {
				offsets[at.Partition] = at.At
			}
		})
		return nil
	})
	return offsets, ok
}

// ends are the ends of the input's partitions.
func (o *operator) ends() (ends map[int32]int64, ok bool) {
	ok = o.insist("list the ends", func(ctx context.Context) error {
		listed, err := o.admin.ListEndOffsets(ctx, inputTopic)
		if err == nil {
			err = listed.Error()
		}
		ends = make(map[int32]int64)
		listed.Each(func(at kadm.ListedOffset) { ends[at.Partition] = at.Offset })
		return err
	})
	return ends, ok
}

// behind says which partitions the group has not committed up to these ends, and how many offsets are left; empty: none.
func (o *operator) behind(ends map[int32]int64) (behind string, left int64) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fetched, err := o.admin.FetchOffsets(ctx, group)
	if err != nil {
		return " " + err.Error(), math.MaxInt64
	}
	for partition, end := range ends {
		if at, known := fetched.Lookup(inputTopic, partition); end > 0 && (!known || at.At != end) {
			left += end - at.At
			behind += fmt.Sprintf(" partition %d is committed up to %d of %d", partition, at.At, end)
		}
	}
	return behind, left
}

// stopAll stops all nodes, and says what is wrong with that if all was well before.
func (o *operator) stopAll(wasWell bool) {
	var stops sync.WaitGroup
	for _, n := range o.run.nodes {
		stops.Go(func() {
			release := n.hold()
			defer release()
			n.stop(wasWell)
		})
	}
	stops.Wait()
	o.run.settle()
}
