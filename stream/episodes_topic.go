package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// The episodes topic holds the events of episodes, and for each partition of the input the state of its episodes,
// in the partition of the same number. The state is written anew with each transaction, so the topic is compacted.

// compacted is the setting without which the episodes topic would grow for ever, or lose the state.
func compacted() map[string]*string {
	return map[string]*string{"cleanup.policy": kadm.StringPtr("compact")}
}

// episodesMadeWith are the settings with which the episodes topic is created.
func (c Config) episodesMadeWith(input settings) map[string]*string {
	const segment = 100 << 20 // as Kafka's own compacted topics: the newest segment is not compacted
	made := c.madeWith(input)
	delete(made, "retention.ms")
	delete(made, "retention.bytes")
	made["cleanup.policy"] = compacted()["cleanup.policy"]
	limit := int64(0)
	if own := made["max.message.bytes"]; own != nil {
		limit, _ = strconv.ParseInt(*own, 10, 64)
	}
	if _, known := input["segment.bytes"]; known && limit < segment {
		made["segment.bytes"] = kadm.StringPtr(strconv.Itoa(segment))
	}
	if _, known := input["segment.ms"]; known {
		// Records have stream time, and the markers of their transactions the clock's: with a backlog of years each transaction
		// would end a segment.
		made["segment.ms"] = kadm.StringPtr(strconv.FormatInt((10 * 365 * 24 * time.Hour).Milliseconds(), 10))
	}
	return made
}

// warnOfCompaction warns once if the episodes topic is not compacted.
func (c Config) warnOfCompaction(about map[string]settings) {
	policy := about[c.EpisodesTopic].value("cleanup.policy")
	if c.EpisodesTopic == "" || policy == "" || strings.Contains(policy, "compact") || !c.Outlet.once("compaction of "+c.EpisodesTopic) {
		return
	}
	c.Log.Warn("the episodes topic is not compacted, so it grows with each commit, or loses the state of its episodes; set its cleanup.policy to compact",
		"topic", c.EpisodesTopic, "cleanup_policy", policy)
}

// widen gives the episodes topic as many partitions as the input topic has. It does nothing without an episodes
// topic, or if that does not exist.
func (c Config) widen(ctx context.Context, admin *kadm.Client, wanted int) error {
	if c.EpisodesTopic == "" {
		return nil
	}
	topics, err := admin.ListTopics(ctx, c.EpisodesTopic)
	if err != nil {
		return fmt.Errorf("look at episodes topic %s: %w", c.EpisodesTopic, err)
	}
	has := len(topics[c.EpisodesTopic].Partitions)
	if !topics.Has(c.EpisodesTopic) || has >= wanted {
		return nil
	}
	answers, err := admin.UpdatePartitions(ctx, wanted, c.EpisodesTopic)
	if err == nil {
		err = answers[c.EpisodesTopic].Err
	}
	switch {
	case err == nil:
		c.Log.Info("partitions added", "topic", c.EpisodesTopic, "partitions", wanted, "before", has)
		return nil
	case errors.Is(err, kerr.InvalidPartitions): // another node was faster
		return nil
	}
	return c.tooNarrow(has, wanted, err)
}

// tooNarrow says that the episodes topic has too few partitions, and what to do.
func (c Config) tooNarrow(has, wanted int, err error) error {
	err = fmt.Errorf("episodes topic %s has %d partitions, and the input topic %d; adding partitions: %w", c.EpisodesTopic, has, wanted, err)
	advice := fmt.Sprintf("allow the user Alter on the topic, or run kafka-topics.sh --alter --topic %s --partitions %d", c.EpisodesTopic, wanted)
	known := diagnose(err)
	return &Explained{err, advice, known != nil && known.final}
}
