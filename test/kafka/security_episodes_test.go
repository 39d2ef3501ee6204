package kafka_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

// neededForEpisodes is what the documentation adds for [episodes].
func (g *guarded) neededForEpisodes() []rule {
	return []rule{{"topic", g.life(), false, kadm.OpWrite}, {"topic", g.life(), false, kadm.OpRead}}
}

// episodesPermissions makes, reads and widens the episodes topic, each first without the permission.
func (s *secured) episodesPermissions(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, s)
	rules := g.neededForEpisodes()
	g.allow(user, append(g.needed(), rules...)...)
	conf := g.configure(append(g.login("SCRAM-SHA-256", user, password), "[episodes]", "output_topic = "+g.life())...)
	g.failsWith("LOGIN", conf, "(the user needs the permissions Read, Write and Describe on it, and Create if it does not exist)", false)
	g.allow(user, rule{"topic", g.life(), false, kadm.OpCreate})
	p := g.run("LOGIN", conf)
	g.feed(len(g.golden.Records))
	g.untilCommitted()
	p.stop()
	g.verify()
	g.hasEpisodes(int(g.golden.Partitions))

	g.forbid(user, rules[1])
	g.failsWith("LOGIN", conf, "(the user needs the permissions Read, Write and Describe on it", false)
	g.allow(user, rules[1])

	wanted := int(g.golden.Partitions) + 1
	_, err := g.admin.UpdatePartitions(context.Background(), wanted, g.input())
	must(t, err)
	g.until("the broker knows the new partition", func() bool {
		found, err := g.admin.ListTopics(context.Background(), g.input())
		return err == nil && len(found[g.input()].Partitions) == wanted
	})
	g.failsWith("LOGIN", conf, fmt.Sprintf("run kafka-topics.sh --alter --topic %s --partitions %d", g.life(), wanted), false)
	g.allow(user, rule{"topic", g.life(), false, kadm.OpAlter})
	p = g.run("LOGIN", conf)
	g.hasEpisodes(wanted)
	p.stop()
}

// hasEpisodes waits until the episodes topic has a number of partitions, and checks that it is compacted.
func (g *guarded) hasEpisodes(partitions int) {
	g.Helper()
	g.until(fmt.Sprintf("the episodes topic has %d partitions", partitions), func() bool {
		found, err := g.admin.ListTopics(context.Background(), g.life())
		return err == nil && len(found[g.life()].Partitions) == partitions
	})
	about, err := g.admin.DescribeTopicConfigs(context.Background(), g.life())
	must(g.T, err)
	policy := ""
	for _, setting := range about[0].Configs {
		if setting.Key == "cleanup.policy" {
			policy = setting.MaybeValue()
		}
	}
	if policy != "compact" {
		g.Errorf("the episodes topic has the cleanup policy %q", policy)
	}
}
