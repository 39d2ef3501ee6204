package simulation

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// broker is the simulated Kafka, three brokers of kfake, and what goes wrong in it and on
// the way to it. No operator does or sees any of that.
type broker struct {
	run     *run
	cluster *kfake.Cluster
	failing []*kfake.FaultHandle // requests that are answered with errors, until mend
}

// start makes the cluster, and its topics as far as the scenario does not leave them to
// the detector.
func (b *broker) start() {
	s := b.run.scenario
	var ports []int
	for number := range brokers {
		ports = append(ports, 9092+number)
	}
	var err error
	b.cluster, err = kfake.NewCluster(kfake.NumBrokers(brokers), kfake.Ports(ports...), kfake.ListenFn(b.run.network.listener("")),
		kfake.BrokerConfigs(map[string]string{
			"group.initial.rebalance.delay.ms": "0",
			"log.cleaner.backoff.ms":           "360000000", // the judge wants to see all events, not only the latest of each entity
		}))
	if err == nil {
		err = b.cluster.CreateTopic(inputTopic, s.Partitions, nil)
	}
	if err == nil && s.MadeBefore {
		err = b.cluster.CreateTopic(outputTopic, 3, nil)
	}
	if err != nil {
		panic(err) // the simulation itself is wrong
	}
	s.Sink.install(b.cluster)
}

func (b *broker) stop() { b.cluster.Close() }

// strike carries out the faults of brokers and connections; it is false for others.
func (b *broker) strike(f Fault) bool {
	switch f.Kind {
	case cut, hold, brokerAway, peersCut, peersHold:
		b.disconnect(f)
	case requestLost, answerLost, requestLate, answerWrong, peersBreak, peersLate:
		b.run.network.set(f.trap(b.partyOf(f)))
	case requestFails:
		b.failing = append(b.failing, b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{f.Key}, Err: f.Err, Count: f.Count, When: fromDetector}))
	case coordinatorMoves:
		b.cluster.RehashCoordinators()
	case leadersMove:
		b.cluster.ShufflePartitionLeaders()
	default:
		return false
	}
	return true
}

// partyOf is the party that a fault is about.
func (b *broker) partyOf(f Fault) string {
	if f.Node < 0 {
		return feederParty
	}
	return b.run.nodes[f.Node].name
}

// disconnect breaks connections, or lets nothing pass for a while.
func (b *broker) disconnect(f Fault) {
	r, party := b.run, b.partyOf(f)
	switch f.Kind {
	case cut:
		r.network.cut(func(l link) bool {
			return sameNode(l.party, party) && (f.Broker < 0 || l.address == brokerAddress(f.Broker))
		})
	case hold:
		if f.Node >= 0 {
			if p := r.nodes[f.Node].process.Load(); p != nil {
				party = p.party
			}
		}
		for _, address := range f.addresses() {
			b.holdFor(link{party, address}, f.For)
		}
	case brokerAway:
		for _, address := range f.addresses() {
			r.network.refuse(address)
			r.later(f.For, func() { r.network.admit(address) })
		}
	case peersCut:
		r.network.cut(func(l link) bool { return r.isPeerLink(l, r.nodes[f.Node]) })
	case peersHold:
		n := r.nodes[f.Node]
		for _, other := range r.nodes {
			if other == n {
				continue
			}
			for _, ends := range [][2]*node{{n, other}, {other, n}} {
				if p := ends[0].process.Load(); p != nil {
					b.holdFor(link{p.party, ends[1].address}, f.For)
				}
			}
		}
	}
}

func (b *broker) holdFor(l link, duration time.Duration) {
	b.run.network.hold(l)
	b.run.later(duration, func() { b.run.network.release(l) })
}

// isPeerLink tells whether a link is one between a node and another.
func (r *run) isPeerLink(l link, n *node) bool {
	if l.address == n.address {
		return true
	}
	for _, other := range r.nodes {
		if other.address == l.address {
			return sameNode(l.party, n.name)
		}
	}
	return false
}

// addresses are those of the brokers that a fault is about.
func (f Fault) addresses() (addresses []string) {
	for number := range brokers {
		if f.Broker < 0 || f.Broker == number {
			addresses = append(addresses, brokerAddress(number))
		}
	}
	return addresses
}

// trap is what waits for the requests that a fault spoils.
func (f Fault) trap(party string) *trap {
	t := &trap{kind: f.Kind, party: party, key: f.Key.Int16(), delay: f.For, count: f.Count}
	if f.Kind == answerWrong {
		t.key, t.count = kmsg.EndTxn.Int16(), 1
	}
	return t
}

// fromDetector spares the feeder's transactions.
func fromDetector(request kmsg.Request) bool {
	var id *string
	switch request := request.(type) {
	case *kmsg.ProduceRequest:
		id = request.TransactionID
	case *kmsg.InitProducerIDRequest:
		id = request.TransactionalID
	case *kmsg.AddPartitionsToTxnRequest:
		id = &request.TransactionalID
	case *kmsg.EndTxnRequest:
		id = &request.TransactionalID
	default:
		return true
	}
	return id != nil && *id != feederID
}

// mend has the brokers answer without errors again.
func (b *broker) mend() {
	for _, handle := range b.failing {
		b.run.judge.count(func(report *Report) { report.Struck[requestFails] += handle.Hits() })
		handle.Remove()
	}
}

// unstick ends a rebalance that kfake cannot end. If a member leaves while it waits for
// its assignment, kfake counts it as one that does not join. It also puts the end of the
// rebalance off at each join, so members that join again and again wait for ever. A real
// coordinator does neither. If nobody joins for a while, kfake's timer ends the rebalance.
func (b *broker) unstick() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	groups, err := b.run.operator.admin.DescribeGroups(ctx, group)
	if err != nil || groups[group].State != "PreparingRebalance" {
		return
	}
	b.run.judge.count(func(report *Report) { report.Unstuck++ })
	joins := b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.CoordinatorLoadInProgress, Count: -1})
	defer joins.Remove()
	time.Sleep(b.run.scenario.Timing.Rebalance + time.Second)
}
