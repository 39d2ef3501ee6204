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

// Anomalies and dead letters carry the timestamps of the input, by which the
// broker deletes them: with data older than the topic's retention, within
// minutes. So the topics are made to keep records as long as the input topic
// does, and one that keeps them for less time than it should is told of.

// Unlimited is a retention without end.
const Unlimited time.Duration = -1

// madeWith are the settings of a topic that we make. Only keys that the broker
// knows are among them, but for the retention.
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
		// However old: the input may be read long after it was written.
		"message.timestamp.before.max.ms": strconv.FormatInt(math.MaxInt64, 10),
		"message.timestamp.after.max.ms":  input.value("message.timestamp.after.max.ms"),
	} {
		if _, known := input[key]; known {
			made[key] = kadm.StringPtr(value)
		}
	}
	const around = 10_000 // what an anomaly adds to its datapoint, and more
	if limit, known := input.number("max.message.bytes"); known && input.own("max.message.bytes") && limit < math.MaxInt32-around {
		made["max.message.bytes"] = kadm.StringPtr(strconv.FormatInt(limit+around, 10))
	}
	return made
}

// retention is how long a topic that we make keeps its records; 0: as the broker
// likes, for the input topic's is not known.
func (c Config) retention(input settings) time.Duration {
	if c.Retention != 0 {
		return c.Retention
	}
	return input.retention()
}

// retention is how long the topic keeps a record by its timestamp; 0: not known.
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

// longer tells whether a retention ends after another one.
func longer(a, b time.Duration) bool {
	return a == Unlimited && b != Unlimited || b != Unlimited && a > b
}

// warnOfRetention tells once of each topic that keeps records for less time than
// the history has and the records that are about to be read are old. Once it knows how
// old these are it does not look again: each session would wait for that.
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
			c.Log.Warn("the topic keeps records for less time than what is read is old, so its records may be deleted soon after they are written; "+
				"raise its retention.ms", "topic", topic, "retention", hours(keep), "needed", hours(needed),
				"history", hours(c.History), "oldest_to_read", hours(age), "input_retention", hours(input))
		}
	}
}

// hours are for people.
func hours(d time.Duration) string {
	switch {
	case d == Unlimited:
		return "unlimited"
	case d < time.Hour:
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.1fh", d.Hours())
}

// age is how old the oldest record is that the group reads next, as far as that
// can be found out at once. Known is false if not all could be.
func (c Config) age(ctx context.Context, client *kgo.Client) (oldest time.Duration, known bool) {
	const most = 3 * time.Second
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	admin := kadm.NewClient(client)
	all, err := boundsOf(ctx, admin, c.InputTopic)
	if err != nil {
		return 0, false
	}
	committed, _ := admin.FetchOffsets(ctx, c.Group) // none yet: it begins at the start
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
