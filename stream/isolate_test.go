package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"anomalydetector/test/sink"
)

func suspects(count int) (records []*kgo.Record) {
	for number := range count {
		text := strconv.Itoa(number)
		records = append(records, &kgo.Record{Topic: "out", Key: []byte(text), Value: []byte(text), Timestamp: time.UnixMilli(int64(number))})
	}
	return records
}

// Nothing of the search is ever committed, and its transaction is over afterwards.
func TestIsolationFindsEachRefusedRecord(t *testing.T) {
	for name, options := range map[string][]kfake.Opt{"new broker": nil, "old broker": {kfake.MaxVersions(kversion.V3_5_0())}} {
		for _, every := range []int{1, 2, 7, 50, 1000} {
			t.Run(fmt.Sprint(name, ", one in ", every), func(t *testing.T) {
				cluster, config := testConfig(t, options...)
				must(t, cluster.CreateTopic("out", 10, nil))
				sink.Refuse(cluster, "out", 10, kerr.InvalidRecord, func(r *kgo.Record) bool {
					number, _ := strconv.Atoi(string(r.Value))
					return number%every == 0
				})
				const count = 100
				found, all, err := config.isolate(context.Background(), suspects(count))
				must(t, err)
				want := (count + every - 1) / every
				if len(found) != want || !all {
					t.Errorf("%d records are refused, all of them: %v; want %d", len(found), all, want)
				}
				for _, refusal := range found {
					number, _ := strconv.Atoi(string(refusal.Record.Value))
					if number%every != 0 || refusal.Name() != "INVALID_RECORD" {
						t.Errorf("record %d is refused: %s", number, refusal.Name())
					}
				}
				nothingCommitted(t, cluster, config)
			})
		}
	}
}

func nothingCommitted(t *testing.T, cluster *kfake.Cluster, config Config) {
	t.Helper()
	for _, info := range cluster.PartitionInfos("out") {
		if info.HighWatermark != info.LastStableOffset {
			t.Errorf("a transaction is open: %+v", info)
		}
	}
	client, err := kgo.NewClient(append(config.client("test"), kgo.ConsumeTopics("out"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	must(t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if records := client.PollFetches(ctx).Records(); len(records) > 0 {
		t.Errorf("%d records were committed", len(records))
	}
}

// One record that is too old proves it for all older ones.
func TestIsolationFindsAllTooOldRecordsAtOnce(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("out", 10, nil))
	produced := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true, Count: -1})
	sink.Refuse(cluster, "out", 10, kerr.InvalidTimestamp, func(r *kgo.Record) bool {
		number, _ := strconv.Atoi(string(r.Value))
		return number < 600
	})
	found, all, err := config.isolate(context.Background(), suspects(1000))
	must(t, err)
	if len(found) != 600 || !all {
		t.Errorf("%d records are refused, all of them: %v", len(found), all)
	}
	if produced.Hits() > 400 {
		t.Errorf("that took %d requests", produced.Hits())
	}
}

// A missing permission is not the records' fault.
func TestMissingPermissionIsNoRefusal(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("out", 10, nil))
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	found, _, err := config.isolate(context.Background(), suspects(10))
	if !errors.Is(err, kerr.TopicAuthorizationFailed) || len(found) > 0 {
		t.Errorf("%d refused, error %v", len(found), err)
	}
}
