package stream

import "fmt"

// Names are the names in a configuration that an advice mentions.
type Names struct{ Group, Input, Output, DeadLetter string }

func (c Config) names() Names {
	return Names{c.Group, c.InputTopic, c.OutputTopic, c.DeadLetterTopic}
}

// Advice is what a person can do about one of Kafka's errors, given the error's name; empty if that is not
// known. Every message about such an error ends with this text.
func (n Names) Advice(name string) string {
	switch name {
	case "SASL_AUTHENTICATION_FAILED":
		return "the broker refuses [kafka] sasl_username with the password in sasl_password_file; the file is read again at each try"
	case "GROUP_AUTHORIZATION_FAILED":
		return "the user needs the permission Read on the group " + n.Group
	case "TRANSACTIONAL_ID_AUTHORIZATION_FAILED":
		return "the user needs the permissions Write and Describe on transactional ids that begin with " + n.Group +
			".: each node has one, and a second one to search for records that a topic refuses"
	case "TOPIC_AUTHORIZATION_FAILED":
		return fmt.Sprintf("the user needs the permissions %s on topic %s, and %s on %s", n.permissions(n.Input), n.Input, n.permissions(n.Output), n.written())
	case "CLUSTER_AUTHORIZATION_FAILED":
		return "the user needs the permission IdempotentWrite on the cluster"
	case "INCONSISTENT_GROUP_PROTOCOL":
		return "the group has members with another assignment protocol, such as the original program: stop them, or use another consumer_group"
	case "INVALID_SESSION_TIMEOUT":
		return "[kafka] session_timeout must lie between the broker's settings " + leastSession + " and " + mostSession + ": change it or them"
	case "INVALID_TRANSACTION_TIMEOUT":
		return "[kafka] transaction_timeout must not exceed the broker's setting " + mostTransaction + ": change one of them"
	case "GROUP_MAX_SIZE_REACHED":
		return "the group has as many members as the broker's group.max.size allows: stop some, or raise it"
	case "UNSUPPORTED_VERSION":
		return "the broker is too old for transactions with consumer groups: Kafka 2.5 or newer is needed"
	case "NOT_ENOUGH_REPLICAS", "NOT_ENOUGH_REPLICAS_AFTER_APPEND":
		return fmt.Sprintf("fewer replicas are in sync than min.insync.replicas of topic %s: bring brokers back, or lower it", n.written())
	case "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS":
		return "look at the brokers and at the internal topics __consumer_offsets and __transaction_state: do their partitions have leaders?"
	case "UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_ID":
		return fmt.Sprintf("does topic %s still exist, and %s? A topic that was deleted and created again is another topic", n.Input, n.written())
	case "LEADER_NOT_AVAILABLE", "NOT_LEADER_FOR_PARTITION", "KAFKA_STORAGE_ERROR":
		return "a partition has no leader, or its broker's disk fails: look at the brokers"
	}
	return ""
}

// permissions are those that the user needs on a topic.
func (n Names) permissions(topic string) string {
	if topic == n.Input {
		return "Read and Describe"
	}
	return "Write and Describe"
}

// written names the topics that the detector writes to, in words.
func (n Names) written() string {
	if n.DeadLetter == "" {
		return n.Output
	}
	return n.Output + " and " + n.DeadLetter
}
