package messages

// Identity tells apart topics of the same name: one of another cluster, or one that was deleted and created again. An
// empty field is not known. Brokers before Kafka 2.8 give topics no ids.
type Identity struct {
	Cluster string // the cluster's id
	Topic   string // the topic's id, in base64 as Kafka's own tools print it
}

// Differs tells whether the two are certainly different topics: a field that both know differs.
func (i Identity) Differs(other Identity) bool {
	return differ(i.Cluster, other.Cluster) || differ(i.Topic, other.Topic)
}

func differ(a, b string) bool { return a != "" && b != "" && a != b }

// Difference describes how this topic differs from the one that is read now; empty: as far as is known it does not.
func (i Identity) Difference(now Identity) string {
	switch {
	case differ(i.Cluster, now.Cluster):
		return "another cluster (" + i.Cluster + ", now " + now.Cluster + ")"
	case differ(i.Topic, now.Topic):
		return "a former topic of this name (topic id " + i.Topic + ", now " + now.Topic + ")"
	}
	return ""
}
