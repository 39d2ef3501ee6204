package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/datapoint"
	"anomalydetector/detection"
)

// soakPart scores a partition of the input. It keeps the windows itself, unlike part, because it removes those of entities that
// have gone: an hour of soak has many.
type soakPart struct {
	scanner *datapoint.Scanner
	scorer  *detection.Scorer
	epoch   uint64 // one a fetch
	windows map[string]*detection.Window
	encoded []byte

	next  int64 // offset; guarded by the oracle
	swept int64 // stream time of the last sweep
	found []soakFound
}

type soakFound struct {
	position
	soakAnomaly
}

// soakOracle scores the input in memory without an interruption, and compares what a reader
// of committed anomalies sees.
type soakOracle struct {
	mu       sync.Mutex
	parts    map[int32]*soakPart
	expected map[position]soakAnomaly
	arrived  map[position]soakAnomaly // read from the output before we scored its record
	matched  int64
	wrong    []string // at most some
}

type soakAnomaly struct {
	payload string
	at      int64
}

func newSoakOracle(partitions int) *soakOracle {
	o := &soakOracle{parts: make(map[int32]*soakPart), expected: make(map[position]soakAnomaly), arrived: make(map[position]soakAnomaly)}
	for p := range int32(partitions) {
		o.parts[p] = &soakPart{scanner: datapoint.NewScanner("hege", []string{"scope", "asn"}),
			scorer: detection.NewScorer(detection.NewRules(hegemonySettings)), windows: make(map[string]*detection.Window)}
	}
	return o
}

// position is the offset of the next record to score.
func (o *soakOracle) position(partition int32) int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := o.parts[partition]; p != nil {
		return p.next
	}
	return 0
}

func (o *soakOracle) scored() (sum int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.parts {
		sum += p.next
	}
	return sum
}

// fail notes what is wrong. The lock must be held.
func (o *soakOracle) fail(format string, values ...any) {
	if len(o.wrong) < 20 {
		o.wrong = append(o.wrong, fmt.Sprintf(format, values...))
	}
}

// state is what is matched, what is open, and what is wrong.
func (o *soakOracle) state() (matched int64, expected, arrived int, wrong []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.matched, len(o.expected), len(o.arrived), append([]string(nil), o.wrong...)
}

// read scores the whole input, until the context ends.
func (o *soakOracle) read(ctx context.Context, brokers, topic string) error {
	positions := make(map[int32]kgo.Offset)
	for p := range o.parts {
		positions[p] = kgo.NewOffset().AtStart()
	}
	client, err := newClient(brokers, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: positions}))
	if err != nil {
		return err
	}
	defer client.Close()
	for ctx.Err() == nil {
		fetches := client.PollRecords(ctx, 20_000)
		var wait sync.WaitGroup
		fetches.EachPartition(func(slice kgo.FetchTopicPartition) {
			if len(slice.Records) > 0 { // else it may be an error, of no partition: the client tries again
				wait.Go(func() { o.parts[slice.Partition].score(slice.Records) })
			}
		})
		wait.Wait()
		fetches.EachPartition(func(slice kgo.FetchTopicPartition) { o.take(slice) })
	}
	return nil
}

func (p *soakPart) score(records []*kgo.Record) {
	p.epoch++
	for _, r := range records {
		at := r.Timestamp.UnixMilli()
		point, bad := p.scanner.Scan(at, r.Value)
		if bad != nil {
			continue // the stream has none; it would be missed in the output
		}
		window := p.windows[string(point.Key)]
		if window == nil {
			window = new(detection.Window)
			p.windows[string(point.Key)] = window
		}
		if verdict := window.Add(p.scorer, p.epoch, at, point.Value); verdict.Reason == detection.Anomalous {
			p.encoded = datapoint.AppendAnomaly(p.encoded[:0], r.Value, verdict.Deviation)
			p.found = append(p.found, soakFound{position{r.Partition, r.Offset}, soakAnomaly{string(p.encoded), at}})
		}
		if at > p.swept+(24*time.Hour).Milliseconds() {
			p.swept = at
			p.sweep(at)
		}
	}
}

// sweep removes windows without a point in the history: the next point would empty them.
func (p *soakPart) sweep(now int64) {
	for key, window := range p.windows {
		if newest, ok := window.Newest(); ok && newest < now-(73*time.Hour).Milliseconds() {
			delete(p.windows, key)
		}
	}
}

// take hands in what a partition has found.
func (o *soakOracle) take(slice kgo.FetchTopicPartition) {
	if len(slice.Records) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.parts[slice.Partition]
	if first := slice.Records[0].Offset; first != p.next {
		o.fail("the oracle missed records %d to %d of partition %d", p.next, first-1, slice.Partition)
	}
	p.next = slice.Records[len(slice.Records)-1].Offset + 1
	for _, found := range p.found {
		came, early := o.arrived[found.position]
		switch {
		case !early:
			o.expected[found.position] = found.soakAnomaly
		case came != found.soakAnomaly:
			o.fail("the anomaly of %v is %x, want %x", found.position, came.payload, found.payload)
		default:
			o.matched++
		}
		delete(o.arrived, found.position)
	}
	p.found = p.found[:0]
	for at := range o.arrived {
		if at.partition == slice.Partition && at.offset < p.next {
			o.fail("%v is reported, and is none or was reported before", at)
			delete(o.arrived, at)
		}
	}
}

// compare reads the committed anomalies, until the context ends. It deletes nothing.
func (o *soakOracle) compare(ctx context.Context, brokers, topic string) error {
	client, err := newClient(brokers, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return err
	}
	defer client.Close()
	for ctx.Err() == nil {
		client.PollFetches(ctx).EachRecord(o.came)
	}
	return nil
}

func (o *soakOracle) came(r *kgo.Record) {
	var at position
	for _, header := range r.Headers {
		number, _ := strconv.ParseInt(string(header.Value), 10, 64)
		switch header.Key {
		case "partition":
			at.partition = int32(number)
		case "offset":
			at.offset = number
		}
	}
	anomaly := soakAnomaly{string(r.Value), r.Timestamp.UnixMilli()}
	o.mu.Lock()
	defer o.mu.Unlock()
	wanted, known := o.expected[at]
	p := o.parts[at.partition]
	_, twice := o.arrived[at]
	switch {
	case known && wanted == anomaly:
		o.matched++
		delete(o.expected, at)
	case known:
		o.fail("the anomaly of %v is %x, want %x", at, anomaly.payload, wanted.payload)
		delete(o.expected, at)
	case twice || p == nil || at.offset < p.next:
		o.fail("%v is reported, and is none or was reported before", at)
	default:
		o.arrived[at] = anomaly
	}
}

// finished waits until everything that was fed is scored, committed and compared.
func (o *soakOracle) finished(ctx context.Context, f *soakFeeder, current func() *process) error {
	for {
		fed := f.fed.Load()
		matched, expected, arrived, wrong := o.state()
		switch p := current(); {
		case len(wrong) > 0:
			return fmt.Errorf("the anomalies are wrong: %v", wrong)
		case !p.running():
			return p.failed()
		case o.scored() >= fed && f.done.Load() >= fed && expected == 0 && arrived == 0:
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("of %d records %d are scored and %d are committed; %d anomalies are matched, %d are missing, %d were not expected: %w",
				fed, o.scored(), f.done.Load(), matched, expected, arrived, ctx.Err())
		}
	}
}
