// Package sink makes topics of the embedded broker refuse records because of their content, as a real broker
// does: it refuses the whole batch with an error. It serves tests, and imports nothing of this project.
package sink

import (
	"encoding/binary"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Refuse makes the partitions of a topic refuse each batch that holds a record for which refuses is true,
// from now on. If other topics are written to in the same request, refuses must be false for their records.
func Refuse(cluster *kfake.Cluster, topic string, partitions int32, err *kerr.Error, refuses func(*kgo.Record) bool) *kfake.FaultHandle {
	var faults []kfake.Fault
	for partition := range partitions {
		faults = append(faults, kfake.Fault{
			Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Partitions: []int32{partition}, Err: err, Count: -1,
			When: func(request kmsg.Request) bool { return holds(request.(*kmsg.ProduceRequest), partition, refuses) },
		})
	}
	return cluster.Fault(faults...)
}

func holds(request *kmsg.ProduceRequest, number int32, refuses func(*kgo.Record) bool) bool {
	for _, topic := range request.Topics {
		for _, partition := range topic.Partitions {
			if partition.Partition != number {
				continue
			}
			for _, record := range recordsOf(partition.Records) {
				if refuses(record) {
					return true
				}
			}
		}
	}
	return false
}

// recordsOf reads a batch.
func recordsOf(encoded []byte) (records []*kgo.Record) {
	var batch kmsg.RecordBatch
	if err := batch.ReadFrom(encoded); err != nil {
		return nil // a client that gives up a batch may send none: the broker itself refuses that
	}
	raw, err := kgo.DefaultDecompressor().Decompress(batch.Records, kgo.CompressionCodecType(batch.Attributes&7))
	if err != nil {
		panic(err)
	}
	for len(raw) > 0 {
		length, read := binary.Varint(raw)
		var record kmsg.Record
		if err := record.ReadFrom(raw[:read+int(length)]); err != nil {
			panic(err)
		}
		raw = raw[read+int(length):]
		found := &kgo.Record{Key: record.Key, Value: record.Value, Timestamp: time.UnixMilli(batch.FirstTimestamp + record.TimestampDelta64)}
		for _, header := range record.Headers {
			found.Headers = append(found.Headers, kgo.RecordHeader{Key: header.Key, Value: header.Value})
		}
		records = append(records, found)
	}
	return records
}
