package actors

import (
	"fmt"

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
		if known := c.names().Advice(trouble.Name); known != "" {
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

// names are those that an advice speaks of.
func (c *Config) names() stream.Names {
	return stream.Names{Group: c.Group, Input: c.InputTopic, Output: c.OutputTopic, DeadLetter: c.DeadLetterTopic}
}
