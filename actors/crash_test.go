package actors_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"anomalydetector/actors"
	"anomalydetector/messages"
	"anomalydetector/stream"
)

// feedInParts feeds a case in equal parts, and calls between after all but the
// last, when the part is fed but not necessarily read.
func (w *world) feedInParts(parts int, between func(part int)) {
	w.Helper()
	size := len(w.golden.Records)/parts + 1
	for part := range parts {
		w.feed(size)
		if part < parts-1 {
			between(part)
		}
	}
	w.untilCommitted()
}

func TestStopAndStartLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "hegemony_median")
	n := w.start("one", nil)
	w.feedInParts(4, func(part int) {
		if part%2 == 0 {
			w.untilCommitted()
		}
		must(t, n.stop())
		n = w.start("one", nil)
	})
	must(t, n.stop())
	w.verify()
}

func TestRebalanceLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "hegemony_median")
	first := w.start("one", nil)
	var second *node
	w.feedInParts(5, func(part int) {
		switch part {
		case 0:
			w.untilCommitted()
			second = w.start("two", nil)
		case 1:
			w.until("both own partitions", func() bool { return w.members() == 2 })
		case 2:
			must(t, second.stop())
		}
	})
	must(t, first.stop())
	w.verify()
}

// members is how many members of the group own a partition.
func (w *world) members() int {
	groups, err := w.admin.DescribeGroups(context.Background(), group)
	if err != nil {
		return 0
	}
	owners := 0
	for _, member := range groups[group].Members {
		if assigned, ok := member.Assigned.AsConsumer(); ok && len(assigned.Topics) > 0 {
			owners++
		}
	}
	return owners
}

// commits counts the transactions that the detectors committed or aborted.
func (w *world) countEnds() (commits, aborts *atomic.Int64) {
	commits, aborts = new(atomic.Int64), new(atomic.Int64)
	w.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Count: -1, Observe: true, When: func(r kmsg.Request) bool {
		if r.(*kmsg.EndTxnRequest).Commit {
			commits.Add(1)
		} else {
			aborts.Add(1)
		}
		return true
	}})
	return commits, aborts
}

// TestAbortedTransactionIsDecidedAlikeAgain fails the commit of offsets, which
// aborts the transaction after its anomalies were written.
func TestAbortedTransactionIsDecidedAlikeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "hegemony_median")
	_, aborts := w.countEnds()
	n := w.start("one", nil)
	w.feedInParts(6, func(part int) {
		w.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.IllegalGeneration})
		if part%2 == 0 {
			w.untilCommitted()
		}
	})
	must(t, n.stop())
	if aborts.Load() == 0 {
		t.Error("no transaction was aborted: the test has not tested anything")
	}
	w.verify()
}

// TestUnknownOutcomeOfACommitIsLearntFromTheBroker answers a commit that was not applied
// with errors that do not tell whether it was. The simulation (test/simulation) also
// answers commits that were applied with an error.
func TestUnknownOutcomeOfACommitIsLearntFromTheBroker(t *testing.T) {
	t.Parallel()
	for _, answer := range []*kerr.Error{kerr.RequestTimedOut, kerr.UnknownServerError, kerr.InvalidTxnState} {
		t.Run(answer.Message, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "hegemony_median")
			n := w.start("one", nil)
			w.feedInParts(5, func(int) {
				h := w.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: answer})
				w.untilCommitted()
				h.Remove()
			})
			must(t, n.stop())
			w.verify()
		})
	}
}

func TestFencedProducerOpensAnotherSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "hegemony_median")
	n := w.start("one", nil)
	w.feedInParts(4, func(part int) {
		if part == 1 {
			// What the broker does when a transaction has timed out, or another
			// process began with the same transactional id.
			w.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.ProducerFenced})
		}
		w.untilCommitted()
	})
	must(t, n.stop())
	w.verify()
}

func TestFencedMemberEndsTheProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "hegemony_median")
	first := w.start("one", nil)
	w.feed(5000)
	w.untilCommitted()
	second := w.start("one", nil) // the same node id: what a lock on the data directory prevents
	if err := first.await(); !errors.Is(err, stream.ErrFenced) {
		t.Errorf("the first process ended with %v, want ErrFenced", err)
	}
	first.once.Do(first.system.Shutdown)
	w.feed(len(w.golden.Records))
	w.untilCommitted()
	must(t, second.stop())
	w.verify()
}

// TestRecordThatPanicsThreeTimesEndsTheProcess: the partition's actor dies each time.
func TestRecordThatPanicsThreeTimesEndsTheProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "short_window_median")
	w.feed(100)
	n := w.start("one", func(c *actors.Config, _ *stream.Config) {
		open := c.Open
		c.Open = func(ctx context.Context) (actors.Session, error) {
			session, err := open(ctx)
			return &poisoned{session}, err
		}
	})
	if err := n.await(); err == nil {
		t.Error("the process ended cleanly")
	}
	n.once.Do(n.system.Shutdown)
	if got := w.committed(); got != 0 {
		t.Errorf("%d records were committed, though none could be scored", got)
	}
}

// poisoned returns records that make a partition panic.
type poisoned struct{ actors.Session }

func (p *poisoned) Poll(ctx context.Context, limit int) ([]messages.Slice, error) {
	slices, err := p.Session.Poll(ctx, limit)
	for _, slice := range slices {
		slice.Records[0] = nil
	}
	return slices, err
}

// TestRecordTooLargeToBeCopiedStopsNothing: the stream goes on after a bad record and an
// anomaly that are larger than the topics take.
func TestRecordTooLargeToBeCopiedStopsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "short_window_median")
	n := w.start("one", nil)
	w.feed(len(w.golden.Records))
	last := w.golden.Records[len(w.golden.Records)-1]
	fields, _, err := msgp.ReadMapStrIntfBytes(last.Value, nil)
	must(t, err)
	fields[w.set.valueField] = 1e12
	fields["padding"] = strings.Repeat("x", 1_100_000)
	anomaly, err := msgp.AppendMapStrIntf(nil, fields)
	must(t, err)
	large, err := kgo.NewClient(kgo.SeedBrokers(w.cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.DefaultProduceTopic(inputTopic), kgo.ProducerBatchMaxBytes(1<<21), kgo.MaxBufferedBytes(1<<24))
	must(t, err)
	defer large.Close()
	for _, value := range [][]byte{anomaly, []byte(strings.Repeat("\xc1", 1_100_000))} {
		record := &kgo.Record{Partition: last.Partition, Timestamp: last.Timestamp, Value: value}
		must(t, large.ProduceSync(context.Background(), record).FirstErr())
	}
	w.untilCommitted()
	must(t, n.stop())
	w.verify()
	reasons := make(map[string]int)
	for _, dead := range w.read(deadLetterTopic) {
		for _, header := range dead.Headers {
			if header.Key == "reason" {
				reasons[string(header.Value)]++
			}
		}
	}
	if reasons["anomaly_too_large"] != 1 || reasons["not_msgpack"] != 1 {
		t.Errorf("the dead letters' reasons are %v", reasons)
	}
}
