package stream

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// has says whether one of the sentences contains a part.
func has(sentences []string, part string) bool {
	return slices.ContainsFunc(sentences, func(s string) bool { return strings.Contains(s, part) })
}

// Check reports what is there, what is unusual, and what keeps the detector from working.
func TestCheckReportsWhatAStartWouldMeet(t *testing.T) {
	const day = 24 * time.Hour
	week := map[string]string{"retention.ms": "604800000"}
	type situation struct {
		cluster *kfake.Cluster
		config  *Config
		client  *kgo.Client
	}
	commit := func(t *testing.T, s situation, at int64, metadata string) {
		var offsets kadm.Offsets
		offsets.Add(kadm.Offset{Topic: "in", Partition: 0, At: at, LeaderEpoch: -1, Metadata: metadata})
		must(t, kadm.NewClient(s.client).CommitAllOffsets(context.Background(), s.config.Group, offsets))
	}
	fault := func(f kfake.Fault) func(*testing.T, situation) {
		f.Count = -1
		return func(_ *testing.T, s situation) { s.cluster.Fault(f) }
	}
	for name, c := range map[string]struct {
		input, output           map[string]string // settings; nil: no such topic
		age                     time.Duration     // of the records
		then                    func(*testing.T, situation)
		fact, warning, problems string // parts of sentences; "": none, but for facts
	}{
		"all is well":         {input: week, output: week, fact: "input topic in: 2 partitions, retention 168.0h"},
		"no committed offset": {input: week, output: week, fact: "group group: 0 members; it goes on at committed offsets in 0 of 2 partitions, and has 3 offsets to read"},
		"a committed offset": {input: week, output: week, fact: "in 1 of 2 partitions, and has 1 offset to read",
			then: func(t *testing.T, s situation) { commit(t, s, 2, "") }},
		"an offset of a former topic": {input: week, output: week, warning: "of a former topic of that name",
			then: func(t *testing.T, s situation) { commit(t, s, 2, topicMark+"AAAAAAAAAAAAAAAAAAAAAQ") }},
		"an offset beyond the end": {input: week, output: week, warning: "beyond the end of the topic; the detector begins at the first record (partitions 0 of in)",
			then: func(t *testing.T, s situation) { commit(t, s, 7, "") }},
		"a missing output topic": {input: week, fact: "output topic out does not exist; a start creates it: 10 partitions, retention 168.0h"},
		"a missing input topic":  {output: week, problems: "input topic in does not exist"},
		"results that would vanish": {input: map[string]string{"retention.ms": "-1"}, output: week, age: 30 * day,
			warning: "raise its retention.ms topic=out retention=168.0h needed=792.0h history=72.0h oldest_to_read=720.0h"},
		"a session timeout out of bounds": {input: week, output: week, problems: "[kafka] session_timeout is 1h0m0s, and the broker takes",
			then: func(_ *testing.T, s situation) { s.config.Timing.Session = time.Hour }},
		"a topic that may not be seen": {input: week, output: week, problems: "topic in: TOPIC_AUTHORIZATION_FAILED",
			then: fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "in", Err: kerr.TopicAuthorizationFailed})},
		"a group that may not be seen": {input: week, output: week, problems: "the user needs the permission Read on the group group",
			then: fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeGroups}, Err: kerr.GroupAuthorizationFailed})},
		"a topic that may not be made": {input: week, problems: "topic out: TOPIC_AUTHORIZATION_FAILED",
			then: fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.TopicAuthorizationFailed})},
		"another program in the group": {input: week, output: week, warning: "group group has 1 member of another program (client id kgo)",
			problems: "group group has members with another assignment protocol, range",
			then: func(t *testing.T, s situation) {
				other, err := kgo.NewClient(kgo.SeedBrokers(s.config.Brokers...), kgo.ConsumerGroup("group"), kgo.ConsumeTopics("in"), kgo.Balancers(kgo.RangeBalancer()))
				must(t, err)
				t.Cleanup(other.Close)
				other.PollRecords(context.Background(), 1)
			}},
		"no broker": {problems: "reach a broker of 127.0.0.1:",
			then: func(_ *testing.T, s situation) { s.cluster.Close() }},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, config := testConfig(t)
			config.DeadLetterTopic, config.History = "", 3*day
			client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.DefaultProduceTopic("in"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
			must(t, err)
			defer client.Close()
			if c.input != nil {
				must(t, cluster.CreateTopic("in", 2, c.input))
				for range 3 {
					must(t, client.ProduceSync(context.Background(), &kgo.Record{Timestamp: time.Now().Add(-c.age), Value: []byte("v")}).FirstErr())
				}
			}
			if c.output != nil {
				must(t, cluster.CreateTopic("out", 1, c.output))
			}
			if c.then != nil {
				c.then(t, situation{cluster, &config, client})
			}
			found := Check(context.Background(), config, Wanted{})
			if !has(found.Facts, c.fact) && c.problems == "" || (len(found.Warnings) > 0) != (c.warning != "") || (len(found.Problems) > 0) != (c.problems != "") ||
				c.warning != "" && !has(found.Warnings, c.warning) || c.problems != "" && !has(found.Problems, c.problems) {
				t.Errorf("found %q; want %q, %q, %q", found, c.fact, c.warning, c.problems)
			}
			if name != "no broker" && c.output == nil && len(cluster.PartitionInfos("out")) > 0 {
				t.Error("the output topic was made")
			}
		})
	}
}

// inTransactions lets a user write with the transactional ids of the group.
var inTransactions = kfake.ACL{Resource: kmsg.ACLResourceTypeTransactionalId, Name: "group.", Pattern: kmsg.ACLResourcePatternTypePrefixed,
	Operation: kmsg.ACLOperationWrite, Allow: true}

// A start needs more than the permission to see a topic or a group.
func TestCheckReportsMissingPermissions(t *testing.T) {
	acl := func(of kmsg.ACLResourceType, name string, operation kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: of, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: operation, Allow: true}
	}
	const topic, group = kmsg.ACLResourceTypeTopic, kmsg.ACLResourceTypeGroup
	const read, write, describe = kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe
	for name, c := range map[string]struct {
		in, out, group kmsg.ACLOperation
		problem        string
	}{
		"all":              {read, write, read, ""},
		"input not read":   {describe, write, read, "topic in: TOPIC_AUTHORIZATION_FAILED"},
		"output not write": {read, describe, read, "topic out: TOPIC_AUTHORIZATION_FAILED"},
		"group not read":   {read, write, describe, "Read on the group group"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, config := testConfig(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("SCRAM-SHA-256", "admin", "admin"),
				kfake.User("SCRAM-SHA-256", "me", "right", acl(topic, "in", c.in), acl(topic, "out", c.out), acl(group, "group", c.group), inTransactions))
			config.DeadLetterTopic = ""
			config.SASL = scram.Auth{User: "me", Pass: "right"}.AsSha256Mechanism()
			must(t, cluster.CreateTopic("in", 1, nil))
			must(t, cluster.CreateTopic("out", 1, nil))
			admin, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.SASL(scram.Auth{User: "admin", Pass: "admin"}.AsSha256Mechanism()))
			must(t, err)
			defer admin.Close()
			var offsets kadm.Offsets
			offsets.AddOffset("in", 0, 0, -1) // brokers tell what is allowed in groups that are there
			must(t, kadm.NewClient(admin).CommitAllOffsets(context.Background(), "group", offsets))
			found := Check(context.Background(), config, Wanted{})
			if want := c.problem != ""; (len(found.Problems) > 0) != want || want && !has(found.Problems, c.problem) {
				t.Errorf("found %q, want %q", found, c.problem)
			}
			config.SASL = scram.Auth{User: "me", Pass: "wrong"}.AsSha256Mechanism()
			if found := Check(context.Background(), config, Wanted{}); !has(found.Problems, "look at [kafka] tls and at the password") {
				t.Errorf("with a wrong password, after which this broker closes the connection: found %q", found)
			}
			cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.SASLAuthenticate}, Err: kerr.SaslAuthenticationFailed, Count: -1})
			if found := Check(context.Background(), config, Wanted{}); !has(found.Problems, "the broker refuses [kafka] sasl_username") {
				t.Errorf("with a wrong password: found %q", found)
			}
		})
	}
}

// Check looks at the episodes topic as a start does.
func TestCheckLooksAtTheEpisodesTopic(t *testing.T) {
	compacted, alter := map[string]string{"cleanup.policy": "compact"}, kmsg.ACLOperationAlter
	const topic, group = kmsg.ACLResourceTypeTopic, kmsg.ACLResourceTypeGroup
	const read, write = kmsg.ACLOperationRead, kmsg.ACLOperationWrite
	acl := func(of kmsg.ACLResourceType, name string, operation kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: of, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: operation, Allow: true}
	}
	for name, c := range map[string]struct {
		partitions             int32 // 0: no such topic
		settings               map[string]string
		allowed                []kmsg.ACLOperation
		fact, warning, problem string
	}{
		"all is well":        {3, compacted, []kmsg.ACLOperation{read, write}, "episodes topic life: 3 partitions", "", ""},
		"not there":          {0, nil, []kmsg.ACLOperation{read, write, kmsg.ACLOperationCreate}, "episodes topic life does not exist; a start creates it: 3 partitions, compacted", "", ""},
		"may not be made":    {0, nil, []kmsg.ACLOperation{read, write}, "", "", "topic life: TOPIC_AUTHORIZATION_FAILED"},
		"not compacted":      {3, nil, []kmsg.ACLOperation{read, write}, "", "the episodes topic is not compacted", ""},
		"may not be read":    {3, compacted, []kmsg.ACLOperation{write}, "", "", "the user needs the permissions Read, Write and Describe on it"},
		"may not be written": {3, compacted, []kmsg.ACLOperation{read}, "", "", "the user needs the permissions Read, Write and Describe on it"},
		"too narrow":         {2, compacted, []kmsg.ACLOperation{read, write, alter}, "has 2 partitions, and the input topic 3: a start adds the others", "", ""},
		"stays too narrow":   {2, compacted, []kmsg.ACLOperation{read, write}, "", "", "kafka-topics.sh --alter --topic life --partitions 3"},
	} {
		t.Run(name, func(t *testing.T) {
			acls := []kfake.ACL{acl(topic, "in", read), acl(topic, "out", write), acl(group, "group", read), inTransactions}
			for _, operation := range c.allowed {
				acls = append(acls, acl(topic, "life", operation))
			}
			for _, of := range []string{"in", "out", "life"} {
				acls = append(acls, acl(topic, of, kmsg.ACLOperationDescribeConfigs))
			}
			cluster, config := testConfig(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("SCRAM-SHA-256", "admin", "admin"),
				kfake.User("SCRAM-SHA-256", "me", "right", acls...))
			config.DeadLetterTopic, config.EpisodesTopic = "", "life"
			config.SASL = scram.Auth{User: "me", Pass: "right"}.AsSha256Mechanism()
			must(t, cluster.CreateTopic("in", 3, map[string]string{"retention.ms": "-1"}))
			must(t, cluster.CreateTopic("out", 1, map[string]string{"retention.ms": "-1"}))
			if c.partitions > 0 {
				must(t, cluster.CreateTopic("life", c.partitions, c.settings))
			}
			found := Check(context.Background(), config, Wanted{})
			warned := c.warning == "" && len(found.Warnings) == 0 || c.warning != "" && has(found.Warnings, c.warning)
			wrong := c.problem == "" && len(found.Problems) == 0 || c.problem != "" && has(found.Problems, c.problem)
			if !has(found.Facts, c.fact) || !warned || !wrong {
				t.Errorf("found %q; want %q, %q, %q", found, c.fact, c.warning, c.problem)
			}
			err := PrepareTopics(context.Background(), config)
			if (err != nil) != (c.problem != "") {
				t.Errorf("the start says %v", err)
			}
		})
	}
}

// Only a detector whose anomalies are shown reads the output topic. One that cannot read it still works.
func TestCheckWarnsIfAnomaliesCannotBeShown(t *testing.T) {
	acl := func(of kmsg.ACLResourceType, name string, operation kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: of, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: operation, Allow: true}
	}
	const topic, group = kmsg.ACLResourceTypeTopic, kmsg.ACLResourceTypeGroup
	const read, write = kmsg.ACLOperationRead, kmsg.ACLOperationWrite
	for name, c := range map[string]struct {
		out   []kfake.ACL
		shown bool
		want  bool
	}{
		"shown, not read":     {[]kfake.ACL{acl(topic, "out", write)}, true, true},
		"shown, read":         {[]kfake.ACL{acl(topic, "out", write), acl(topic, "out", read)}, true, false},
		"not shown, not read": {[]kfake.ACL{acl(topic, "out", write)}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, config := testConfig(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("SCRAM-SHA-256", "admin", "admin"),
				kfake.User("SCRAM-SHA-256", "me", "right", append(c.out, acl(topic, "in", read), acl(group, "group", read), inTransactions)...))
			config.DeadLetterTopic = ""
			config.SASL = scram.Auth{User: "me", Pass: "right"}.AsSha256Mechanism()
			must(t, cluster.CreateTopic("in", 1, nil))
			must(t, cluster.CreateTopic("out", 1, nil))
			found := Check(context.Background(), config, Wanted{Shown: c.shown})
			if has(found.Warnings, "topic out may not be read") != c.want || len(found.Problems) > 0 {
				t.Errorf("found %q, a warning is wanted: %t", found, c.want)
			}
		})
	}
}
