package kafka_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"anomalydetector/test/certs"
)

// TestWindowsMoveBeforePartitionsDo: three nodes without standbys speak TLS to each other. While
// datapoints come, one after another stops and starts again. When a node leaves, successors are ready
// for each of its partitions and go on. When it starts, it joins the group only once it has the windows
// of its share.
func TestWindowsMoveBeforePartitionsDo(t *testing.T) {
	for _, name := range cutCases {
		t.Run(name, func(t *testing.T) {
			files := certs.New(t).Node(t, "127.0.0.1")
			w := newTeam(t, name, 0, "tls_ca = "+files.CA, "tls_cert = "+files.Cert, "tls_key = "+files.Key)
			w.start()
			w.feedTo(20) // a partition without a committed offset has no standby
			w.untilSteady()
			for i, n := range w.nodes {
				fed, had := w.fedPartitions(), 0
				for partition, address := range n.status().owners(w.golden.Partitions) {
					if fed[partition] && address == n.peers.address {
						had++
					}
				}
				before := w.fromStandby(n)
				n.signal(syscall.SIGTERM)
				w.meanwhile(30+20*i, "the node has ended", func() bool {
					select {
					case <-n.exited:
						return true
					default:
						return false
					}
				})
				var ready int // the others may count more: another node may have left shortly before
				_, said, left := strings.Cut(n.output.String(), "INF leaving the group")
				if _, said, _ = strings.Cut(said, "ready_elsewhere="); left {
					_, err := fmt.Sscan(said, &ready)
					must(t, err)
				}
				if ready < had {
					t.Errorf("node %s had %d partitions, and left before its successors were ready:\n%s", n.name, had, said)
				}
				w.until("its partitions are taken over", func() bool { return w.fromStandby(n)-before >= had })
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

// fromStandby counts how often other nodes were assigned a partition that they had as a standby.
func (w *team) fromStandby(n *node) (count int) {
	for _, other := range w.nodes {
		if other != n {
			count += strings.Count(other.output.String(), "standby=true")
		}
	}
	return count
}
