package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kgo"
)

// alarms appends points that must be anomalies, and notes when a reader of committed
// records sees them. Its own clients do not wait to fill batches.
type alarms struct {
	bench    *bench
	input    string
	entities []string // "scope,asn"; another one each time
	next     int
	producer *kgo.Client
	*sightings
}

// sightings are the anomalies of a topic, from its beginning.
type sightings struct {
	reader *kgo.Client
	seen   chan sighting
	cancel func()
}

// position is the input partition and offset in an anomaly's headers.
type position struct {
	partition int32
	offset    int64
}

// sighting is an anomaly that a reader sees.
type sighting struct {
	position
	at       time.Time // when it was seen
	producer int64     // its id
}

func (b *bench) newAlarms(ctx context.Context, h *hegemony, j job) (*alarms, error) {
	a := &alarms{bench: b, input: j.input}
	for _, entity := range h.Entities() {
		a.entities = append(a.entities, entity.Key)
	}
	var err error
	if a.producer, err = newClient(b.brokers, kgo.ProducerLinger(0)); err != nil {
		return nil, err
	}
	if a.sightings, err = b.newSightings(ctx, j.output, kgo.ReadCommitted()); err != nil {
		a.producer.Close()
		return nil, err
	}
	return a, nil
}

func (a *alarms) close() {
	a.producer.Close()
	a.sightings.close()
}

func (b *bench) newSightings(ctx context.Context, topic string, isolation kgo.IsolationLevel) (*sightings, error) {
	s := &sightings{seen: make(chan sighting, 1<<16)}
	var err error
	s.reader, err = newClient(b.brokers, append(sightingOptions(topic), kgo.FetchIsolationLevel(isolation))...)
	if err != nil {
		return nil, err
	}
	ctx, s.cancel = context.WithCancel(ctx)
	go s.read(ctx)
	return s, nil
}

// sightingOptions are those of a client that reads a topic from its beginning, as soon as there is something.
func sightingOptions(topic string) []kgo.Opt {
	return []kgo.Opt{kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100 * time.Millisecond)}
}

func (s *sightings) close() {
	s.cancel()
	s.reader.Close()
}

func (s *sightings) read(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := s.reader.PollFetches(ctx)
		now := time.Now()
		fetches.EachRecord(func(r *kgo.Record) {
			anomaly := sighting{at: now, producer: r.ProducerID}
			for _, header := range r.Headers {
				n, _ := strconv.ParseInt(string(header.Value), 10, 64)
				switch header.Key {
				case "partition":
					anomaly.partition = int32(n)
				case "offset":
					anomaly.offset = n
				}
			}
			select {
			case s.seen <- anomaly:
			case <-ctx.Done():
			}
		})
	}
}

// raise appends an alarm of another entity each time.
func (a *alarms) raise(ctx context.Context, h *hegemony) (raised time.Time, at position, err error) {
	const step = 7919 // a prime, as neighbours are often in one partition
	a.next = (a.next + step) % len(a.entities)
	return a.raiseOf(ctx, h, a.entities[a.next])
}

// raiseOf appends an alarm of an entity. The append has succeeded when it returns.
func (a *alarms) raiseOf(ctx context.Context, h *hegemony, entity string) (raised time.Time, at position, err error) {
	scope, asn, _ := strings.Cut(entity, ",")
	raised = time.Now()
	record := &kgo.Record{Topic: a.input, Partition: h.partition(scope), Key: []byte(scope), Value: alarm(scope, asn, raised), Timestamp: raised}
	written, err := a.producer.ProduceSync(ctx, record).First()
	if err != nil {
		return raised, position{}, fmt.Errorf("append an alarm: %w", err)
	}
	return raised, position{partition: written.Partition, offset: written.Offset}, nil
}

// visible waits for the anomaly of a point, and returns when it was seen.
func (a *alarms) visible(ctx context.Context, p *process, at position) (time.Time, error) {
	for {
		select {
		case seen := <-a.seen:
			if seen.position == at {
				return seen.at, nil
			}
		case <-p.exited:
			return time.Time{}, p.failed()
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("wait for the anomaly of offset %d of partition %d: %w", at.offset, at.partition, ctx.Err())
		}
	}
}

// alarm is a datapoint with a hegemony that no window makes normal.
func alarm(scope, asn string, at time.Time) []byte {
	value := msgp.AppendMapHeader(nil, 5)
	value = msgp.AppendUint64(msgp.AppendString(value, "timestamp"), uint64(at.Unix()))
	value = msgp.AppendString(msgp.AppendString(value, "scope"), scope)
	value = msgp.AppendString(msgp.AppendString(value, "asn"), asn)
	value = msgp.AppendFloat64(msgp.AppendString(value, "hege"), 100)
	return msgp.AppendUint64(msgp.AppendString(value, "nb_peers"), 60)
}
