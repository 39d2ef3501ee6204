package kafka_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kgo"
)

// cutCases are the golden cases that run while the network is cut.
var cutCases = []string{"hegemony_median", "short_window_median"}

// TestNodeCutOffFromTheBrokerIsReplacedAndComesBack. Nothing from the transaction that it had open counts,
// because other nodes score those records again.
func TestNodeCutOffFromTheBrokerIsReplacedAndComesBack(t *testing.T) {
	for _, name := range cutCases {
		for _, c := range []struct {
			how   cutting
			while phase
		}{{drop, writing}, {drop, committing}, {reset, writing}} {
			t.Run(fmt.Sprintf("%s/%s while %s", name, c.how, c.while), func(t *testing.T) {
				w := newTeam(t, name, 1)
				w.start()
				w.feedTo(20)
				w.untilSteady()
				w.feedTo(35) // anomalies begin there
				away, others := w.nodes[0], w.nodes[1:]
				away.cutOff(c.how, c.while)
				w.meanwhile(70, "the others own all partitions", func() bool {
					return others[0].status().shared(w.golden.Partitions, others...)
				})
				w.until("the cut-off node reports that it does not know the group", func() bool {
					s := away.status()
					return s.Partial && len(s.Problems) > 0 && len(s.silent()) == 0
				})
				w.feedTo(75)
				w.untilCommitted()
				away.broker.mend()
				w.meanwhile(90, "it has its share again", func() bool {
					return away.status().shared(w.golden.Partitions, w.nodes...)
				})
				w.finish()
			})
		}
	}
}

// cutOff cuts the node off from the broker while it has a transaction open there.
func (n *node) cutOff(how cutting, while phase) {
	n.team.Helper()
	n.team.until("a node is cut off while "+string(while), func() bool {
		const few, most = 1, 500
		for fed := 0; fed < most && !n.inTransaction(while); fed += few {
			n.team.feed(few) // no pause: the node commits in a pause
		}
		n.broker.cut(how)
		if n.inTransaction(while) {
			return true
		}
		n.broker.mend()
		return false
	})
}

func TestPartitionsMoveWhileNodesAreCutOffFromEachOther(t *testing.T) {
	for _, name := range cutCases {
		t.Run(name, func(t *testing.T) {
			w := newTeam(t, name, 1)
			w.start()
			w.feedTo(20)
			w.untilSteady()
			for _, n := range w.nodes {
				n.peers.cut(drop)
			}
			stays, stopped, killed := w.nodes[0], w.nodes[1], w.nodes[2]
			w.meanwhile(30, "each node says that it alone answers", func() bool {
				return !slices.ContainsFunc(w.nodes, func(n *node) bool {
					s := n.status()
					return !s.Partial || len(s.Nodes) != 3 || len(s.silent()) != 2 || slices.Contains(s.silent(), n.peers.address)
				})
			})
			killed.kill()
			w.feedTo(40)
			stopped.stop()
			w.feedTo(50)
			stopped.start()
			w.feedTo(60)
			w.untilCommitted()
			w.feedTo(65)
			killed.start()
			w.feedTo(70)
			w.untilCommitted()
			w.feedTo(80)
			for _, n := range w.nodes {
				n.peers.mend()
			}
			w.meanwhile(90, "they answer each other", func() bool {
				return stays.status().shared(w.golden.Partitions, w.nodes...)
			})
			w.finish()
		})
	}
}

func TestStatusNamesANodeThatIsCutOffFromTheOthers(t *testing.T) {
	for _, name := range cutCases {
		t.Run(name, func(t *testing.T) {
			w := newTeam(t, name, 1)
			w.start()
			w.feedTo(50)
			w.untilSteady()
			healthy, away := w.nodes[0], w.nodes[1]
			for i, how := range []cutting{drop, reset} {
				away.peers.cut(how)
				w.meanwhile(60+20*i, "the status names the silent node: "+string(how), func() bool {
					s := healthy.status()
					return s.Partial && len(s.Nodes) == 3 && slices.Equal(s.silent(), []string{away.peers.address})
				})
				away.peers.mend()
				w.meanwhile(70+20*i, "the status is whole again: "+string(how), func() bool { return !healthy.status().Partial })
				w.untilSteady()
			}
			w.feedTo(100)
			w.untilSteady()
			w.verifyEntity()
			w.finish()
		})
	}
}

// verifyEntity asks each node for the entity of the case's last anomaly. All must give the same answer:
// owner and standby have the same window, which ends with the entity's last point.
func (w *team) verifyEntity() {
	w.Helper()
	key, last := w.lastPoint(slices.Max(slices.Collect(maps.Keys(w.golden.Expected))))
	var first []entityStatus
	for _, n := range w.nodes {
		var answer struct {
			Found   []entityStatus
			Partial bool
		}
		must(w.T, n.ask(&answer, "entity", "--window", key))
		found := answer.Found
		if answer.Partial || len(found) != 2 || found[0].Role != "assigned" || found[1].Role != "standby" {
			w.Fatalf("node %s says of entity %s: %+v", n.name, key, answer)
		}
		if first == nil {
			first = found
		}
		if !reflect.DeepEqual(found, first) {
			w.Errorf("of entity %s node %s says %+v, another one %+v", key, n.name, found, first)
		}
	}
	owner, standby := first[0], first[1]
	if owner.Median == nil || len(owner.Window) == 0 || owner.Window[len(owner.Window)-1] != last {
		w.Errorf("of entity %s its owner says %+v, its last point is %+v", key, owner, last)
	}
	if standby.Offset != owner.Offset || standby.Median != owner.Median || !slices.Equal(standby.Window, owner.Window) {
		w.Errorf("of entity %s its owner says %+v, its standby %+v", key, owner, standby)
	}
	owners := w.nodes[0].status().holders(owner.Partition, "assigned", "ready")
	if len(owners) != 1 || owners[0].address != owner.Address {
		w.Errorf("entity %s is in partition %d of %s, which %v own", key, owner.Partition, owner.Address, owners)
	}
}

// entityStatus is the answer of a node about an entity.
type entityStatus struct {
	Partition            int32
	Address, Role, State string
	Offset               int64
	Median               any // a number, or nil
	Window               []windowPoint
}

type windowPoint struct {
	At    int64
	Value float64
}

// lastPoint is the entity of a record, and that entity's last point.
func (w *team) lastPoint(record int) (key string, last windowPoint) {
	w.Helper()
	key, _ = w.point(record)
	for i := range w.golden.Records {
		if entity, point := w.point(i); entity == key {
			last = point
		}
	}
	return key, last
}

// point is the entity and the point of a record.
func (w *team) point(record int) (key string, point windowPoint) {
	w.Helper()
	return w.pointOf(w.golden.Records[record])
}

func (w *world) pointOf(r *kgo.Record) (key string, point windowPoint) {
	w.Helper()
	section := w.golden.Conf.IO
	fields, _, err := msgp.ReadMapStrIntfBytes(r.Value, nil)
	must(w.T, err)
	var names []string
	for _, name := range section.KeyFields {
		names = append(names, fmt.Sprint(fields[name]))
	}
	point.At = r.Timestamp.UnixMilli()
	if point.Value, err = strconv.ParseFloat(fmt.Sprint(fields[section.ValueField]), 64); err != nil {
		w.Fatal(err)
	}
	return strings.Join(names, ","), point
}
