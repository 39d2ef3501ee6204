package kafka_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"anomalydetector/test/certs"
)

// TestWindowsMoveBeforePartitionsDo: of three nodes without standbys, who speak TLS
// to each other, one after another is stopped while datapoints come, and comes back.
// When it leaves, others are ready for each of its partitions, and go on with it; and
// it is a member again only when it has the windows of what it is given.
func TestWindowsMoveBeforePartitionsDo(t *testing.T) {
	for _, name := range cutCases {
		t.Run(name, func(t *testing.T) {
			files := certs.New(t).Node(t, "127.0.0.1")
			w := newTeam(t, name, 0, "tls_ca = "+files.CA, "tls_cert = "+files.Cert, "tls_key = "+files.Key)
			w.start()
			w.feedTo(20) // what nothing is committed of cannot be followed
			w.untilSteady()
			for i, n := range w.nodes {
				fed, had := w.fedPartitions(), 0
				for partition, address := range n.status().owners(w.golden.Partitions) {
					if fed[partition] && address == n.peers.address {
						had++
					}
				}
				warm := w.warmBesides(n)
				n.signal(syscall.SIGTERM)
				w.meanwhile(30+20*i, "it has ended", func() bool {
					select {
					case <-n.exited:
						return true
					default:
						return false
					}
				})
				var ready int // others may have got ready for more, if they took another one for leaving, too
				_, said, left := strings.Cut(n.output.String(), "INF leaving the group")
				if _, said, _ = strings.Cut(said, "ready_elsewhere="); left {
					_, err := fmt.Sscan(said, &ready)
					must(t, err)
				}
				if ready < had {
					t.Errorf("node %s had %d partitions, and did not leave them to nodes that were ready:\n%s", n.name, had, said)
				}
				w.until("its partitions are taken over", func() bool { return w.warmBesides(n)-warm >= had })
				n.start()
				w.meanwhile(40+20*i, "each has its share again", func() bool {
					return n.status().shared(w.golden.Partitions, w.nodes...)
				})
				n.says("the windows are here: joining the group", 1)
				w.untilSteady()
			}
			w.finish()
		})
	}
}

// warmBesides is how often other nodes were assigned a partition that they followed.
func (w *team) warmBesides(n *node) (count int) {
	for _, other := range w.nodes {
		if other != n {
			count += strings.Count(other.output.String(), "standby=true")
		}
	}
	return count
}
