package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A topic refuses a batch, not a record, and then the client library fails all later records of the same
// partition, too. This file finds out which records are refused. It writes the suspects again: all of them,
// then halves of what was refused, down to single records. It does so in transactions of another producer,
// which it always aborts. A topic that accepts a record there also accepts it in the next real transaction.
//
// A topic that finds a timestamp too old also refuses all older ones. So the search tries the newest records
// first, and finds all of these at once.

// isolation is a search for refused records. It writes one chunk at a time, with records of one partition of a
// topic, because after a refused batch the client gets another producer id. If it then wrote to other partitions,
// old brokers would treat these records as outside of the transaction.
type isolation struct {
	config Config
	client *kgo.Client // nil: there is none, or it cannot be used any more
	open   bool        // a transaction is open
	chunks [][]*kgo.Record
	found  []Refusal
}

// isolateWithin limits a search that has found something. The next transaction fails too, and its search
// finds the rest.
const isolateWithin = 5 * time.Second

// isolate finds the suspects that the topic refuses even in a batch of their own. all is true if it has found all of them.
func (c Config) isolate(ctx context.Context, suspects []*kgo.Record) (found []Refusal, all bool, err error) {
	suspects = slices.SortedStableFunc(slices.Values(suspects), func(a, b *kgo.Record) int { return b.Timestamp.Compare(a.Timestamp) })
	i := &isolation{config: c, chunks: byPartition(suspects)}
	defer func() { i.close(ctx) }()
	begun := c.now()
	for len(i.chunks) > 0 {
		if len(i.found) > 0 && c.now().Sub(begun) > isolateWithin {
			return i.found, false, nil
		}
		last := len(i.chunks) - 1
		chunk := i.chunks[last]
		i.chunks = i.chunks[:last]
		if err := i.try(ctx, chunk); err != nil {
			return i.found, false, err
		}
	}
	return i.found, true, nil
}

// byPartition sorts records into one chunk for each partition, and keeps their order.
func byPartition(records []*kgo.Record) (chunks [][]*kgo.Record) {
	type partition struct {
		topic  string
		number int32
	}
	places := make(map[partition]int)
	for _, record := range records {
		of := partition{record.Topic, record.Partition}
		place, known := places[of]
		if !known {
			place = len(chunks)
			places[of] = place
			chunks = append(chunks, nil)
		}
		chunks[place] = append(chunks[place], record)
	}
	return chunks
}

// try writes a chunk, and splits what was refused into smaller chunks.
func (i *isolation) try(ctx context.Context, chunk []*kgo.Record) error {
	failures, err := i.write(ctx, chunk)
	if err != nil {
		return err
	}
	if len(failures) == 0 {
		return nil
	}
	i.end(ctx)
	var left []*kgo.Record
	var other error
	refused := false
	for _, record := range chunk { // keeps the order
		if err := failures[record]; err != nil {
			left = append(left, record)
			if refuses(err) {
				refused = true
			} else {
				other = err // perhaps because of a record in the same batch that is refused
			}
		}
	}
	if !refused {
		return fmt.Errorf("look for refused records: %w", other)
	}
	if len(chunk) == 1 {
		i.find(chunk[0], failures[chunk[0]])
		return nil
	}
	half := (len(left) + 1) / 2
	for _, part := range [][]*kgo.Record{left[half:], left[:half]} {
		if len(part) > 0 {
			i.chunks = append(i.chunks, part)
		}
	}
	return nil
}

// find notes a refused record. If its timestamp is too old, it also notes all older suspects of the topic.
func (i *isolation) find(record *kgo.Record, err error) {
	i.found = append(i.found, Refusal{record, err})
	if !errors.Is(err, kerr.InvalidTimestamp) || record.Timestamp.After(i.config.now()) {
		return
	}
	for at, chunk := range i.chunks {
		i.chunks[at] = slices.DeleteFunc(slices.Clone(chunk), func(other *kgo.Record) bool {
			older := other.Topic == record.Topic && !other.Timestamp.After(record.Timestamp)
			if older {
				i.found = append(i.found, Refusal{other, err})
			}
			return older
		})
	}
	i.chunks = slices.DeleteFunc(i.chunks, func(chunk []*kgo.Record) bool { return len(chunk) == 0 })
}

// write writes a chunk and returns the records that were not written, each with its error.
func (i *isolation) write(ctx context.Context, chunk []*kgo.Record) (map[*kgo.Record]error, error) {
	ctx, cancel := context.WithTimeout(ctx, i.config.Timing.Transaction)
	defer cancel()
	if err := i.begin(ctx); err != nil {
		if errors.Is(err, kerr.TransactionalIDAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed) {
			err = fmt.Errorf("%w: %w", ErrForbidden, Explain(ctx, i.config, err))
		}
		return nil, fmt.Errorf("look for refused records as producer %s: %w", i.config.isolationID(), err)
	}
	var mu sync.Mutex
	failures := make(map[*kgo.Record]error)
	for _, record := range chunk {
		i.client.Produce(context.Background(), record, func(record *kgo.Record, err error) {
			if err == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			failures[record] = err
		})
	}
	if err := i.client.Flush(ctx); err != nil {
		return nil, fmt.Errorf("look for refused records: %w", err)
	}
	mu.Lock()
	defer mu.Unlock()
	return failures, nil
}

func (i *isolation) begin(ctx context.Context) (err error) {
	if i.open {
		return nil
	}
	if i.client == nil {
		i.client, err = kgo.NewClient(append(append(i.config.client("isolation"), i.config.writing()...),
			kgo.TransactionalID(i.config.isolationID()), kgo.TransactionTimeout(i.config.Timing.Transaction))...)
		if err != nil {
			return err
		}
		if _, _, err := i.client.ProducerID(ctx); err != nil {
			return err
		}
	}
	if err := i.client.BeginTransaction(); err != nil {
		return err
	}
	i.open = true
	return nil
}

// end aborts the transaction. Brokers before 4.0 abort a failed one by themselves. Then there is nothing to
// end, and the client does not recover from that: it is closed.
func (i *isolation) end(ctx context.Context) {
	if !i.open {
		return
	}
	i.open = false
	ctx, cancel := context.WithTimeout(ctx, i.config.Timing.Transaction)
	defer cancel()
	err := i.client.AbortBufferedRecords(ctx)
	if err == nil {
		err = i.client.EndTransaction(ctx, kgo.TryAbort)
	}
	if err != nil {
		i.client.Close()
		i.client = nil
	}
}

func (i *isolation) close(ctx context.Context) {
	i.end(ctx)
	if i.client != nil {
		i.client.Close()
	}
}

// isolationID is the transactional id of the search: the session's own is in use.
func (c Config) isolationID() string { return c.transactionalID() + ".isolation" }
