package standstill

import (
	"fmt"

	"anomalydetector/stream"
)

// What a standstill is called, and what a person can do about it.

// Text says what is waited for.
func (w Waiting) Text(names stream.Names) string {
	switch w {
	case Opening:
		return "a session with Kafka"
	case Joining:
		return "consumer group " + names.Group + " to let this member in"
	case Replaying:
		return "the history of its partitions"
	case ReplayingStandby:
		return "the history of other nodes' partitions, for which it is the standby"
	case Storing:
		return "the data directory to take a checkpoint"
	case Scoring:
		return "its partitions to score a batch"
	case Writing:
		return "the broker to acknowledge anomalies and dead letters"
	case Ending:
		return "the transaction to end"
	case Committing:
		return "records of topic " + names.Input + " to be read and committed"
	case Held:
		return "a writer's open transaction in topic " + names.Input + " to end"
	}
	return "the broker to tell the ends of topic " + names.Input
}

// Advice is what a person can do.
func (w Waiting) Advice(names stream.Names, trouble *stream.Trouble) string {
	if trouble != nil {
		if trouble.Advice != "" {
			return trouble.Advice
		}
		if known := names.Advice(trouble.Name); known != "" {
			return known
		}
	}
	switch w {
	case Opening:
		return "look at the last error; check the brokers, KAFKA_HOST and the topics"
	case Joining:
		return "describe the group (kafka-consumer-groups.sh --describe --group " + names.Group +
			"): is its coordinator there, and does no other member keep a rebalance open?"
	case Replaying, ReplayingStandby:
		return "look at the brokers that lead these partitions, and at their logs"
	case Storing:
		return "look at the disk of the data directory"
	case Scoring:
		return "look at the load of this machine and at the disk of the data directory"
	case Writing:
		return fmt.Sprintf("look at the leaders and the in-sync replicas of topic %s (kafka-topics.sh --describe --topic %s)", names.Output, names.Output)
	case Ending:
		return "look at the brokers: is the coordinator of the group and of the transaction there?"
	case Committing:
		return "look at the last error, and at the brokers that lead these partitions"
	case Held:
		return "see to the writer, or end its transaction (kafka-transactions.sh find-hanging, and abort); the records behind it are read then"
	}
	return "look at the brokers; does the topic still exist?"
}
