package stream

// Names are the names in a configuration that an advice mentions.
type Names struct{ Group, Input, Output, DeadLetter, Episodes string }

func (c Config) names() Names {
	return Names{c.Group, c.InputTopic, c.OutputTopic, c.DeadLetterTopic, c.EpisodesTopic}
}

// Advice is what a person can do about one of Kafka's errors, given the error's name; empty if that is not
// known. Every message about such an error ends with this text.
func (n Names) Advice(name string) string {
	for _, d := range diagnoses {
		if d.name == name {
			return d.advice(n)
		}
	}
	return ""
}

// permissions are those that the user needs on a topic.
func (n Names) permissions(topic string) string {
	switch topic {
	case n.Input:
		return "Read and Describe"
	case n.Episodes:
		return "Read, Write and Describe"
	}
	return "Write and Describe"
}

// written names the topics that the detector writes to, in words.
func (n Names) written() string {
	words := n.Output
	for _, topic := range []string{n.DeadLetter, n.Episodes} {
		if topic != "" {
			words += " and " + topic
		}
	}
	return words
}
