package stream

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
)

// reader is a client that reads one partition.
type reader struct {
	client *kgo.Client
	topic  messages.Identity // the topic that it reads
	next   int64             // the offset that it reads next
	ahead  []*kgo.Record     // records at or after next that it has fetched already
	expiry *time.Timer       // ends the keeping
}

// keepReader is how long a reader is kept for the next span. A standby asks for a span each second, and a
// connection for each would cost the broker more than the records.
const keepReader = 10 * time.Second

// readers are the clients of a History: one for questions, and for each partition at most one that waits at
// the offset where the last span ended.
type readers struct {
	config Config

	mu      sync.Mutex
	closed  bool
	asker   *kgo.Client
	kept    map[int32]*reader
	expired sync.WaitGroup // readers that are being closed
}

// errHistoryClosed is returned by a Read after Close, such as that of a partition that is about to stop.
var errHistoryClosed = errors.New("the history is closed")

// admin asks questions.
func (r *readers) admin() (*kadm.Client, error) {
	client, err := r.questions()
	if err != nil {
		return nil, err
	}
	return kadm.NewClient(client), nil
}

// questions is the client for questions.
func (r *readers) questions() (*kgo.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errHistoryClosed
	}
	if r.asker == nil {
		client, err := kgo.NewClient(r.config.client("history")...)
		if err != nil {
			return nil, fmt.Errorf("create Kafka client: %w", err)
		}
		r.asker = client
	}
	return r.asker, nil
}

// waits says whether a kept reader of the span's topic waits at an offset.
func (r *readers) waits(span Span, offset int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept, ok := r.kept[span.Partition]
	return ok && kept.next == offset && kept.topic == span.Topic
}

// take returns a reader of the span's topic at an offset. The caller either keeps it or closes its client.
func (r *readers) take(span Span, offset int64) (*reader, error) {
	partition := span.Partition
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, errHistoryClosed
	}
	kept, ok := r.kept[partition]
	if ok {
		delete(r.kept, partition)
		kept.expiry.Stop()
	}
	r.mu.Unlock()
	if ok && kept.next == offset && kept.topic == span.Topic {
		return kept, nil
	}
	if ok {
		kept.client.Close()
	}
	client, err := kgo.NewClient(append(r.config.client("history"),
		kgo.WithPools(new(fetchPool)),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{r.config.InputTopic: {partition: kgo.NewOffset().At(offset)}}),
		// A control record shows that a span has been read to its end even if it ends without data.
		kgo.KeepControlRecords(),
	)...)
	if err != nil {
		return nil, fmt.Errorf("create Kafka client: %w", err)
	}
	return &reader{client: client, topic: span.Topic, next: offset}, nil
}

// keep keeps a reader for the next span.
func (r *readers) keep(partition int32, one *reader) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.kept[partition] != nil {
		r.expired.Go(one.client.Close)
		return
	}
	if r.kept == nil {
		r.kept = make(map[int32]*reader)
	}
	one.expiry = time.AfterFunc(keepReader, func() { r.expire(partition, one) })
	r.kept[partition] = one
}

func (r *readers) expire(partition int32, one *reader) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept[partition] == one {
		delete(r.kept, partition)
		r.expired.Go(one.client.Close)
	}
}

// close closes all clients. The caller knows that no Read is running.
func (r *readers) close() {
	r.mu.Lock()
	r.closed = true
	kept, asker := r.kept, r.asker
	r.kept, r.asker = nil, nil
	r.mu.Unlock()
	for _, one := range kept {
		one.expiry.Stop()
		one.client.Close()
	}
	if asker != nil {
		asker.Close()
	}
	r.expired.Wait()
}
