package stream

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// answersNothing makes fetches find nothing up to an end, each after a wait. During the wait the broker does
// nothing else: it cannot wait for several requests at a time.
func answersNothing(cluster *kfake.Cluster, end int64, wait time.Duration, throttled int32) (stop func()) {
	over := make(chan struct{})
	cluster.ControlKey(int16(kmsg.Fetch), func(request kmsg.Request) (kmsg.Response, error, bool) {
		select {
		case <-over:
			return nil, nil, false
		default:
		}
		cluster.KeepControl()
		select {
		case <-time.After(wait):
		case <-over:
		}
		asked := request.(*kmsg.FetchRequest)
		response := asked.ResponseKind().(*kmsg.FetchResponse)
		response.ThrottleMillis = throttled
		for _, topic := range asked.Topics {
			answer := kmsg.NewFetchResponseTopic()
			answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
			for _, partition := range topic.Partitions {
				one := kmsg.NewFetchResponseTopicPartition()
				one.Partition, one.HighWatermark, one.LastStableOffset = partition.Partition, end, end
				answer.Partitions = append(answer.Partitions, one)
			}
			response.Topics = append(response.Topics, answer)
		}
		return response, nil, true
	})
	return func() { close(over) }
}

// An empty answer is the end of the history only if the broker has waited for records as long as it was asked
// to, and reads its own disk. A broker also answers with nothing while it throttles or waits for its remote
// storage.
func TestEmptyAnswerIsNotTheEndOfTheHistory(t *testing.T) {
	for name, c := range map[string]struct {
		wait      time.Duration
		throttled int32
		local     int64 // where the log on the disk begins
		ends      bool
	}{
		"at once":                       {0, 0, 0, false},
		"throttled":                     {peekWait, 1000, 0, false},
		"the records are remote":        {peekWait, 0, 1, false},
		"compaction has removed it all": {peekWait, 0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster, config := testConfig(t)
			must(t, cluster.CreateTopic("in", 1, nil))
			transactional(t, config, kgo.TryCommit, 1000, 5)
			end := cluster.PartitionInfo("in", 0).HighWatermark
			cluster.ControlKey(int16(kmsg.ListOffsets), func(request kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				asked := request.(*kmsg.ListOffsetsRequest)
				if asked.Topics[0].Partitions[0].Timestamp != -4 {
					return nil, nil, false
				}
				response := asked.ResponseKind().(*kmsg.ListOffsetsResponse)
				topic, partition := kmsg.NewListOffsetsResponseTopic(), kmsg.NewListOffsetsResponseTopicPartition()
				partition.Offset = c.local
				topic.Topic, topic.Partitions = "in", append(topic.Partitions, partition)
				response.Topics = append(response.Topics, topic)
				return response, nil, true
			})
			stop := answersNothing(cluster, end, c.wait, c.throttled)
			defer stop()
			history := NewHistory(config)
			defer func() { must(t, history.Close()) }()
			// The reader waits at another offset, so that it does not ask at the same time as the look.
			client, err := kgo.NewClient(config.client("history")...)
			must(t, err)
			defer client.Close()
			ended, err := history.nothingLeft(context.Background(), &reader{client: client}, Span{}, end)
			if ended != c.ends || err != nil {
				t.Errorf("the history ended, it is said: %t, %v; want %t", ended, err, c.ends)
			}
		})
	}
}

// Empty answers skip no record, however long they go on.
func TestEmptyAnswersSkipNoRecord(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("in", 1, nil))
	transactional(t, config, kgo.TryCommit, 1000, 10)
	stop := answersNothing(cluster, 10, 10*time.Millisecond, 0)
	time.AfterFunc(stuckAfter+time.Second, stop) // after the scan has looked once
	if records, _ := readAll(t, config, Span{From: 0, Until: 10}); records != 10 {
		t.Errorf("%d records were read, want 10", records)
	}
}
