package stream

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Anomalies and dead letters carry the timestamps of the input, and the broker deletes records by their
// timestamps. If the input is older than the retention of an output topic, its records are deleted within
// minutes. So topics are created with the retention of the input topic, and a warning names those that keep
// records for too short a time.

// Unlimited is the retention of a topic that never deletes records by time.
const Unlimited time.Duration = -1

// madeWith are the settings with which a topic is created. Besides the retention it sets only keys that the
// broker knows.
func (c Config) madeWith(input settings) map[string]*string {
	made := make(map[string]*string)
	if keep := c.retention(input); keep != 0 {
		made["retention.ms"] = kadm.StringPtr(strconv.FormatInt(inMillis(keep), 10))
		if _, known := input["retention.bytes"]; known && keep == Unlimited {
			made["retention.bytes"] = kadm.StringPtr("-1")
		}
	}
	for key, value := range map[string]string{
		"cleanup.policy":         "delete",     // compaction would keep one anomaly an entity
		"message.timestamp.type": "CreateTime", // an anomaly has the timestamp of its datapoint
		// However old a record is: the input may be read long after it was written.
		"message.timestamp.before.max.ms": strconv.FormatInt(math.MaxInt64, 10),
		"message.timestamp.after.max.ms":  input.value("message.timestamp.after.max.ms"),
	} {
		if _, known := input[key]; known {
			made[key] = kadm.StringPtr(value)
		}
	}
	const around = 10_000 // more than an anomaly adds to its datapoint
	if limit, known := input.number("max.message.bytes"); known && input.own("max.message.bytes") && limit < math.MaxInt32-around {
		made["max.message.bytes"] = kadm.StringPtr(strconv.FormatInt(limit+around, 10))
	}
	return made
}

// retention is how long a topic that we create keeps its records; 0: the broker's default, because the input
// topic's retention is unknown.
func (c Config) retention(input settings) time.Duration {
	if c.Retention != 0 {
		return c.Retention
	}
	return input.retention()
}

// retention is how long the topic keeps a record, counted from its timestamp; 0: unknown.
func (s settings) retention() time.Duration {
	keep, known := s.number("retention.ms")
	switch {
	case !known:
		return 0
	case keep < 0, !strings.Contains(s.value("cleanup.policy"), "delete"), keep > math.MaxInt64/int64(time.Millisecond):
		return Unlimited
	}
	return max(time.Duration(keep)*time.Millisecond, time.Millisecond)
}

func inMillis(keep time.Duration) int64 {
	if keep == Unlimited {
		return -1
	}
	return keep.Milliseconds()
}

// longer says whether retention a is longer than b.
func longer(a, b time.Duration) bool {
	return a == Unlimited && b != Unlimited || b != Unlimited && a > b
}

// warnOfRetention warns, once for each topic, if the topic keeps records for less time than the history's
// length plus the age of the records that are about to be read. Once it knows that age, it does not ask
// again, because each session would wait for the answer.
func (c Config) warnOfRetention(ctx context.Context, client *kgo.Client, topics []string, about map[string]settings) {
	input := about[c.InputTopic].retention()
	age, asked, known := time.Duration(0), false, false
	for _, topic := range topics {
		keep := about[topic].retention()
		appended := about[topic].value("message.timestamp.type") == "LogAppendTime"
		what := "retention of " + topic
		if keep == 0 || appended || input != 0 && !longer(input, keep) || keep == Unlimited || c.Outlet.settled(what) {
			continue
		}
		if !asked {
			age, known = c.age(ctx, client)
			asked = true
		}
		needed := c.History + age
		if (known || needed > keep) && c.Outlet.once(what) && needed > keep {
			c.Log.Warn("the topic keeps records for too short a time, so they may be deleted soon after they are written; "+
				"raise its retention.ms", "topic", topic, "retention", hours(keep), "needed", hours(needed),
				"history", hours(c.History), "oldest_to_read", hours(age), "input_retention", hours(input))
		}
	}
}

// hours prints a retention for people.
func hours(d time.Duration) string {
	switch {
	case d == Unlimited:
		return "unlimited"
	case d < time.Hour:
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.1fh", d.Hours())
}

// age is the age of the oldest record that the group reads next, as far as it can be found out within a few
// seconds. Known is false if some partitions did not answer.
func (c Config) age(ctx context.Context, client *kgo.Client) (oldest time.Duration, known bool) {
	const most = 3 * time.Second
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	admin := kadm.NewClient(client)
	all, err := boundsOf(ctx, admin, c.InputTopic)
	if err != nil {
		return 0, false
	}
	committed, _ := admin.FetchOffsets(ctx, c.Group) // an error: as if no offset were committed
	from := make(map[int32]kgo.Offset)
	for partition, bound := range all {
		next := bound.first
		if offset, there := committed.Lookup(c.InputTopic, partition); there && offset.At > next {
			next = offset.At
		}
		if next < bound.end {
			from[partition] = kgo.NewOffset().At(next)
		}
	}
	if len(from) == 0 {
		return 0, true
	}
	reader, err := kgo.NewClient(append(c.client("age"), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{c.InputTopic: from}))...)
	if err != nil {
		return 0, false
	}
	defer reader.Close()
	now := c.now()
	for len(from) > 0 && ctx.Err() == nil {
		reader.PollFetches(ctx).EachPartition(func(p kgo.FetchTopicPartition) {
			if _, waiting := from[p.Partition]; waiting && len(p.Records) > 0 {
				oldest = max(oldest, now.Sub(p.Records[0].Timestamp))
				delete(from, p.Partition)
				reader.PauseFetchPartitions(map[string][]int32{c.InputTopic: {p.Partition}})
			}
		})
	}
	return oldest, len(from) == 0
}
