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

// A topic refuses a batch, not a record, and the client library then fails all
// that is behind it in its partition, too. So we find out which records are
// refused by writing the suspects again: all, then halves of what was refused,
// down to single records, in transactions of another producer that are always
// aborted. Whatever a topic takes there it takes in the next real transaction.
// A topic that finds a timestamp too old finds all older ones too old: so the
// youngest are tried first, and one search finds all of them.

// isolation is such a search. It writes one chunk at a time, with records of one
// partition of a topic. After a batch was refused the client gets another producer id,
// and old brokers take what it writes to other partitions with that for records outside
// of the transaction.
type isolation struct {
	config Config
	client *kgo.Client // nil: none, or it is of no more use
	open   bool        // a transaction is
	chunks [][]*kgo.Record
	found  []Refusal
}

// isolateWithin is how long a search may take that has found something: the rest
// is found when the next transaction fails.
const isolateWithin = 5 * time.Second

// isolate finds the records that are refused each by itself. All tells that
// there are no others among the suspects.
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

// byPartition keeps the order in each partition.
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

// try writes a chunk, and makes smaller ones of what was refused.
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
	for _, record := range chunk { // in their order
		if err := failures[record]; err != nil {
			left = append(left, record)
			if refuses(err) {
				refused = true
			} else {
				other = err // perhaps because of one that is refused
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

// find notes a refused record, and those among the other suspects that are then
// refused, too.
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

// write returns the records that were not written, each with its error.
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

// end aborts. Brokers before 4.0 have aborted by themselves what failed, so that
// there is nothing to end, and the client does not get over that.
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

// isolationID is the other producer's: ours is in a transaction.
func (c Config) isolationID() string { return c.transactionalID() + ".isolation" }
