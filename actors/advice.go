package actors

import (
	"fmt"
	"strings"

	"anomalydetector/stream"
)

// What a standstill is called, and what to do about it, for people.

// text says what is waited for.
func (w waiting) text(c *Config) string {
	switch w {
	case opening:
		return "a session with Kafka"
	case joining:
		return "consumer group " + c.Group + " to let this member in"
	case loading:
		return "the history of its partitions"
	case copying:
		return "the history of other nodes' partitions, for which it is the standby"
	case storing:
		return "the data directory to take a checkpoint"
	case answering:
		return "its partitions to score a batch"
	case writing:
		return "the broker to acknowledge anomalies and dead letters"
	case ending:
		return "the transaction to end"
	case settling:
		return "records of topic " + c.InputTopic + " to be read and committed"
	case held:
		return "a writer's open transaction in topic " + c.InputTopic + " to end"
	}
	return "the broker to tell the ends of topic " + c.InputTopic
}

// advice is what a person can do.
func (w waiting) advice(c *Config, trouble *stream.Trouble) string {
	if trouble != nil {
		if known := adviceFor(trouble.Name, c); known != "" {
			return known
		}
	}
	switch w {
	case opening:
		return "look at the last error; check the brokers, KAFKA_HOST and the topics"
	case joining:
		return "describe the group (kafka-consumer-groups.sh --describe --group " + c.Group +
			"): is its coordinator there, and does no other member keep a rebalance open?"
	case loading, copying:
		return "look at the brokers that lead these partitions, and at their logs"
	case storing:
		return "look at the disk of the data directory"
	case answering:
		return "look at the load of this machine and at the disk of the data directory"
	case writing:
		return fmt.Sprintf("look at the leaders and the in-sync replicas of topic %s (kafka-topics.sh --describe --topic %s)", c.OutputTopic, c.OutputTopic)
	case ending:
		return "look at the brokers: is the coordinator of the group and of the transaction there?"
	case settling:
		return "look at the last error, and at the brokers that lead these partitions"
	case held:
		return "see to the writer, or end its transaction (kafka-transactions.sh find-hanging, and abort); the records behind it are read then"
	}
	return "look at the brokers; does the topic still exist?"
}

// adviceFor is what a person can do about one of Kafka's errors.
func adviceFor(name string, c *Config) string {
	switch name {
	case "INCONSISTENT_GROUP_PROTOCOL":
		return "the group has members with another assignment protocol, such as the original program: stop them, or use another consumer_group"
	case "GROUP_AUTHORIZATION_FAILED":
		return "allow the user READ (and DESCRIBE) on group " + c.Group
	case "TOPIC_AUTHORIZATION_FAILED":
		return fmt.Sprintf("allow the user READ and DESCRIBE on topic %s, WRITE and DESCRIBE on %s", c.InputTopic, outputs(c))
	case "TRANSACTIONAL_ID_AUTHORIZATION_FAILED":
		return "allow the user WRITE and DESCRIBE on transactional ids that begin with " + c.Group + "."
	case "CLUSTER_AUTHORIZATION_FAILED":
		return "allow the user IDEMPOTENT_WRITE on the cluster"
	case "SASL_AUTHENTICATION_FAILED":
		return "check sasl_username and the password file"
	case "INVALID_SESSION_TIMEOUT":
		return "the broker allows only session timeouts from group.min.session.timeout.ms to group.max.session.timeout.ms: change its settings or ours"
	case "INVALID_TRANSACTION_TIMEOUT":
		return "the broker's transaction.max.timeout.ms is lower than our transaction timeout: raise it or lower ours"
	case "GROUP_MAX_SIZE_REACHED":
		return "the group has as many members as the broker's group.max.size allows: stop some, or raise it"
	case "UNSUPPORTED_VERSION":
		return "the broker is too old for transactions with consumer groups: Kafka 2.5 or newer is needed"
	case "NOT_ENOUGH_REPLICAS", "NOT_ENOUGH_REPLICAS_AFTER_APPEND":
		return fmt.Sprintf("fewer replicas are in sync than min.insync.replicas of topic %s: bring brokers back, or lower it", outputs(c))
	case "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS":
		return "look at the brokers and at the internal topics __consumer_offsets and __transaction_state: do their partitions have leaders?"
	case "UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_ID":
		return fmt.Sprintf("does topic %s still exist, and %s? One that was deleted and made anew is another topic", c.InputTopic, outputs(c))
	case "LEADER_NOT_AVAILABLE", "NOT_LEADER_FOR_PARTITION", "KAFKA_STORAGE_ERROR":
		return "a partition has no leader, or its broker's disk fails: look at the brokers"
	}
	return ""
}

func outputs(c *Config) string {
	if c.DeadLetterTopic == "" {
		return c.OutputTopic
	}
	return strings.Join([]string{c.OutputTopic, c.DeadLetterTopic}, " and ")
}
