package messages

// Identity tells a topic from another one of its name: one of another cluster, or
// one that was deleted and made again. A field that is empty is not known: brokers
// before Kafka 2.8 give no topic ids.
type Identity struct {
	Cluster string // the cluster's id
	Topic   string // the topic's id, in base64 as Kafka's own tools print it
}

// Differs tells whether the two are known not to be the same topic.
func (i Identity) Differs(other Identity) bool {
	return differ(i.Cluster, other.Cluster) || differ(i.Topic, other.Topic)
}

func differ(a, b string) bool { return a != "" && b != "" && a != b }

// Difference says in words what differs between the topic that something is of
// and the one that is read now; "" if nothing is known to.
func (i Identity) Difference(now Identity) string {
	switch {
	case differ(i.Cluster, now.Cluster):
		return "another cluster (" + i.Cluster + ", now " + now.Cluster + ")"
	case differ(i.Topic, now.Topic):
		return "a former topic of this name (topic id " + i.Topic + ", now " + now.Topic + ")"
	}
	return ""
}
