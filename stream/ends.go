package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Ends is how far a partition of the input topic goes, in offsets.
type Ends struct {
	End    int64 // the high watermark: the offset after the last record
	Stable int64 // the last stable offset: records from here on wait for an open transaction to end
	// Passed is an offset up to which there is nothing to read, beginning at the offset that was asked about:
	// only transaction markers and aborted records.
	Passed int64
	// Writer names the producer whose open transaction holds Stable back; empty if the broker does not tell.
	Writer string
}

// Look asks the broker for the ends of all partitions of the input topic. The caller names in from the
// partitions that have made no progress, each with the offset where it stands: for these Look also finds out
// what lies there. It returns nil without a session.
func (o *Observer) Look(ctx context.Context, from map[int32]int64) (map[int32]Ends, error) {
	o.mu.Lock()
	session := o.session
	o.mu.Unlock()
	if session == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	ends, err := endsOf(ctx, session.admin, o.topic)
	if err != nil {
		o.note(Asking, err)
		return nil, err
	}
	var stood []int32
	for partition, offset := range from {
		if end, ok := ends[partition]; ok && offset < end.End {
			stood = append(stood, partition)
		}
	}
	if len(stood) == 0 {
		return ends, nil
	}
	id, leaders, err := leadersOf(ctx, session.admin, o.topic)
	if err != nil {
		o.note(Reading, err)
		return ends, nil
	}
	for _, partition := range stood {
		end := ends[partition]
		p := peek{config: session.config, client: session.client, id: id, partition: partition, leader: leaders[partition]}
		end.Passed, err = p.pass(ctx, from[partition], end.Stable)
		o.note(Reading, err)
		if end.Stable < end.End && end.Passed >= end.Stable {
			end.Writer = writerOf(ctx, session.admin, o.topic, partition)
		}
		ends[partition] = end
	}
	return ends, nil
}

// endsOf asks for high watermarks and last stable offsets.
func endsOf(ctx context.Context, admin *kadm.Client, topic string) (map[int32]Ends, error) {
	// The stable offsets first, so that they are not beyond the ends.
	stable, err := admin.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = stable.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the last stable offsets of topic %s: %w", topic, err)
	}
	end, err := admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = end.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the end of topic %s: %w", topic, err)
	}
	all := make(map[int32]Ends)
	stable.Each(func(offset kadm.ListedOffset) {
		if last, ok := end.Lookup(topic, offset.Partition); ok {
			all[offset.Partition] = Ends{End: last.Offset, Stable: min(offset.Offset, last.Offset)}
		}
	})
	return all, nil
}

// leadersOf asks which broker leads each partition.
func leadersOf(ctx context.Context, admin *kadm.Client, topic string) (id kadm.TopicID, leaders map[int32]int32, err error) {
	topics, err := admin.ListTopics(ctx, topic)
	if err == nil {
		err = topics.Error()
	}
	if err != nil {
		return id, nil, fmt.Errorf("look at topic %s: %w", topic, err)
	}
	leaders = make(map[int32]int32)
	for partition, detail := range topics[topic].Partitions {
		leaders[partition] = detail.Leader
	}
	return topics[topic].ID, leaders, nil
}

// peek reads a partition of the input topic without the session's consumer.
type peek struct {
	config    Config
	client    *kgo.Client
	id        kadm.TopicID
	partition int32
	leader    int32
}

const (
	peekBytes = 1 << 20 // of one answer
	peeks     = 8       // answers in one look; the next look goes on where this one ended
	// peekWait is how long the broker may wait for the first byte. If there is no record at or after an
	// offset, the broker answers after this time.
	peekWait = 500 * time.Millisecond
)

// pass returns the offset, at most until, up to which there is nothing to read for readers of committed
// records, beginning at from. Usually one answer is enough: it ends with a transaction marker, or begins with
// a record.
func (p *peek) pass(ctx context.Context, from, until int64) (passed int64, err error) {
	for range peeks {
		if from >= until {
			break
		}
		records, next, err := p.fetch(ctx, from)
		if err != nil {
			return from, fmt.Errorf("read topic %s, partition %d at offset %d: %w", p.config.InputTopic, p.partition, from, err)
		}
		for _, record := range records {
			if !record.Attrs.IsControl() {
				return min(record.Offset, until), nil
			}
		}
		if next <= from {
			break
		}
		from = next
	}
	return from, nil
}

// fetch returns what the broker has at an offset, and the next offset to ask for, which is the same one if
// the answer tells nothing.
func (p *peek) fetch(ctx context.Context, from int64) (records []*kgo.Record, next int64, err error) {
	request := kmsg.NewPtrFetchRequest()
	request.MaxBytes, request.IsolationLevel = peekBytes, 1
	request.MaxWaitMillis, request.MinBytes = int32(peekWait.Milliseconds()), 1
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = p.config.InputTopic, p.id
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.Partition, partition.FetchOffset, partition.PartitionMaxBytes = p.partition, from, peekBytes
	topic.Partitions = append(topic.Partitions, partition)
	request.Topics = append(request.Topics, topic)

	asked := p.config.now()
	answer, err := p.client.Broker(int(p.leader)).Request(ctx, request)
	if err != nil {
		return nil, from, err
	}
	waited := p.config.now().Sub(asked)
	response := answer.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(response.ErrorCode); err != nil {
		return nil, from, err
	}
	if len(response.Topics) != 1 || len(response.Topics[0].Partitions) != 1 {
		return nil, from, errors.New("the broker's answer is of another partition")
	}
	answered := &response.Topics[0].Partitions[0]
	fetched, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		KeepControlRecords: true, Offset: from, IsolationLevel: kgo.ReadCommitted(), Topic: p.config.InputTopic, Partition: p.partition,
	}, answered, kgo.DefaultDecompressor(), nil)
	empty := fetched.Err == nil && len(answered.RecordBatches) == 0
	if empty && response.ThrottleMillis == 0 && waited >= peekWait/2 && p.local(ctx, from) {
		next = max(next, answered.LastStableOffset)
	}
	return fetched.Records, next, fetched.Err
}

// local says whether the leader's own disk has everything from an offset on.
//
// An empty answer to a fetch does not prove that there is nothing. A broker that throttles us sends one, and
// so does a broker that waits for slow remote storage. If the broker has waited the whole time and had only
// its disk to read, an empty answer does prove it: compaction has removed the records.
func (p *peek) local(ctx context.Context, offset int64) bool {
	starts, err := kadm.NewClient(p.client).ListLocalLogStartOffsets(ctx, p.config.InputTopic)
	start, known := starts.Lookup(p.config.InputTopic, p.partition)
	if errors.Is(err, kerr.UnsupportedVersion) || known && errors.Is(start.Err, kerr.UnsupportedVersion) {
		return true // such a broker has no remote storage
	}
	return err == nil && known && start.Err == nil && start.Offset <= offset
}

// writerOf names the producer that has had an open transaction in a partition for the longest time; empty if
// the broker does not tell.
func writerOf(ctx context.Context, admin *kadm.Client, topic string, partition int32) (writer string) {
	set := kadm.TopicsSet{}
	set.Add(topic, partition)
	described, err := admin.DescribeProducers(ctx, set)
	if err != nil {
		return ""
	}
	var oldest *kadm.DescribedProducer
	described.EachProducer(func(producer kadm.DescribedProducer) {
		if producer.CurrentTxnStartOffset >= 0 && (oldest == nil || producer.CurrentTxnStartOffset < oldest.CurrentTxnStartOffset) {
			oldest = &producer
		}
	})
	if oldest == nil {
		return ""
	}
	writer = fmt.Sprintf("producer %d, open since offset %d of partition %d, last record at %s", oldest.ProducerID,
		oldest.CurrentTxnStartOffset, partition, time.UnixMilli(oldest.LastTimestamp).UTC().Format(time.RFC3339))
	transactions, err := admin.ListTransactions(ctx, []int64{oldest.ProducerID}, nil)
	if err != nil {
		return writer
	}
	for _, transaction := range transactions.Sorted() {
		if transaction.ProducerID == oldest.ProducerID {
			return "transactional.id " + transaction.TxnID + ", " + writer
		}
	}
	return writer
}
