package actors

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
)

// narrow is a session with partition 0, whose records are all bad, so that each of
// them makes a dead letter. It takes half a second to write one, and its
// transactions time out after twenty.
type narrow struct {
	mu        sync.Mutex
	resumed   bool
	records   int // of the partition
	committed int // offset
	next      int // of the next poll
	written   int // of the transaction
	fenced    int // transactions
	finished  chan struct{}
}

const (
	narrowWrites  = 500 * time.Millisecond
	narrowTimeout = 20 * time.Second
)

func (n *narrow) Assignments() ([]messages.Assignment, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return []messages.Assignment{{Partition: 0, Offset: int64(n.committed), NoCommittedOffset: n.committed == 0, Generation: 1}}, true
}

func (n *narrow) Changed() bool        { return false }
func (n *narrow) Resume(int32, uint64) { n.flows(true) }
func (n *narrow) Pause(int32)          { n.flows(false) }
func (n *narrow) Close(bool)           { n.flows(false) }

func (n *narrow) flows(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.resumed = on
}

func (n *narrow) Poll(ctx context.Context, limit int) ([]messages.Slice, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	slice := messages.Slice{Partition: 0, End: int64(n.records), Readable: int64(n.records)}
	for ; n.resumed && n.next < n.records && len(slice.Records) < limit; n.next++ {
		slice.Records = append(slice.Records, &kgo.Record{Topic: "in", Offset: int64(n.next), Timestamp: time.UnixMilli(0)})
	}
	if len(slice.Records) > 0 {
		return []messages.Slice{slice}, nil
	}
	n.mu.Unlock()
	<-ctx.Done()
	n.mu.Lock()
	return nil, nil
}

func (n *narrow) Produce(*kgo.Record) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.written++
}

func (n *narrow) Flush(context.Context) error {
	n.mu.Lock()
	takes := time.Duration(n.written) * narrowWrites
	n.mu.Unlock()
	time.Sleep(min(takes, narrowTimeout))
	if takes > narrowTimeout {
		return kerr.InvalidProducerEpoch
	}
	return nil
}

func (n *narrow) End(_ context.Context, commit bool) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	defer func() { n.written = 0 }()
	if !commit {
		n.next = n.committed
		n.fenced++
		return false, kerr.ProducerFenced // as after a timeout
	}
	n.committed = n.next
	if n.committed == n.records {
		close(n.finished)
	}
	return true, nil
}

// TestDetectorGetsThroughANarrowBroker: its transactions become so small that the broker
// can take them before the timeout. It does not mistake an abort by timeout for another
// process that fences it.
func TestDetectorGetsThroughANarrowBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		session := &narrow{records: 5_000, finished: make(chan struct{})}
		config := benchConfig()
		config.Now = time.Now
		config.WriteWithin = narrowTimeout / 4
		config.Open = func(context.Context) (Session, error) {
			session.mu.Lock()
			defer session.mu.Unlock()
			session.next = session.committed
			return session, nil
		}
		stop, ended := detectorOf(t, config)
		select {
		case <-session.finished:
		case err := <-ended:
			t.Fatalf("ended with %v, after %d records", err, session.committed)
		case <-time.After(5_000 * narrowWrites * 2):
			t.Fatalf("only %d of %d records in twice the time that they take", session.committed, session.records)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if session.fenced == 0 || session.fenced > 8 {
			t.Errorf("%d transactions timed out, want a few at the beginning", session.fenced)
		}
	})
}
