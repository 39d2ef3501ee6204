package kafka_test

import (
	"maps"
	"strings"
	"testing"

	"anomalydetector/test/certs"
)

// TestRollingRestartMovesNothing: three nodes that speak TLS to each other restart one after another
// while datapoints come. With leave_on_stop = no, each gets its own partitions again, and no other
// node is assigned them in between.
func TestRollingRestartMovesNothing(t *testing.T) {
	for _, name := range cutCases {
		t.Run(name, func(t *testing.T) {
			files := certs.New(t).Node(t, "127.0.0.1")
			w := newTeam(t, name, 1, "tls_ca = "+files.CA, "tls_cert = "+files.Cert, "tls_key = "+files.Key, "[kafka]", "leave_on_stop = no")
			w.start()
			w.feedTo(20)
			w.untilSteady()
			for _, n := range w.nodes {
				n.says("tls=true", 1)
			}
			owners := w.nodes[0].status().owners(w.golden.Partitions)
			for i, n := range w.nodes {
				given := w.givenUpBesides(n)
				n.stop()
				w.feedTo(30 + 20*i)
				n.start()
				w.meanwhile(40+20*i, "each has its share again", func() bool {
					return n.status().shared(w.golden.Partitions, w.nodes...)
				})
				w.untilSteady()
				if after := n.status().owners(w.golden.Partitions); !maps.Equal(after, owners) {
					t.Errorf("node %s was restarted: the owners were %v, and are %v", n.name, owners, after)
				}
				if again := w.givenUpBesides(n); again != given {
					t.Errorf("node %s was restarted: others gave up %d partitions", n.name, again-given)
				}
			}
			w.feedTo(100)
			w.untilSteady()
			w.verifyEntity()
			w.finish()
		})
	}
}

// owners are the addresses of the nodes that own each partition.
func (s status) owners(partitions int32) map[int32]string {
	owners := make(map[int32]string)
	for partition := range partitions {
		for _, h := range s.holders(partition, "assigned", "ready") {
			owners[partition] = h.address
		}
	}
	return owners
}

// givenUpBesides counts how often other nodes have given up a partition.
func (w *team) givenUpBesides(n *node) (count int) {
	for _, other := range w.nodes {
		if other != n {
			count += strings.Count(other.output.String(), "partition given up")
		}
	}
	return count
}
