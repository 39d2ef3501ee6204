package simulation

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// faultKind is a kind of thing that goes wrong.
type faultKind int

const (
	crash            faultKind = iota // a process is killed; later the next one starts
	cleanStop                         // a process gets SIGTERM; later the next one starts
	pause                             // a process stands still for a while
	cut                               // connections break
	hold                              // nothing passes between two parties for a while
	brokerAway                        // a broker is restarted
	requestFails                      // the broker answers with an error
	requestLost                       // the connection breaks before a request arrives
	answerLost                        // a request is applied, and the connection breaks before the answer
	answerWrong                       // a commit is applied and answered with an error
	requestLate                       // a request arrives late, perhaps after its sender has given it up
	coordinatorMoves                  // groups and transactions get other coordinators
	leadersMove                       // partitions get other leaders
	producerFenced                    // another producer uses the node's transactional id
	partitionsAdded                   // the input topic gets more partitions
	offsetsReset                      // the operator stops all nodes, sets the group's offsets, and starts them
	stateOlder                        // a process is killed; the next one finds an older copy of the state
	stateGone                         // a process is killed; the next one finds no state
	writeFails                        // writes of a node's state fail
	diskFull                          // a node's disk is full for a while
	peersCut                          // connections between a node and others break
	peersHold                         // nothing passes between a node and others for a while
	peersBreak                        // the answer of a node to another breaks off in the middle
	peersLate                         // answers of a node to others arrive late
	settingsChanged                   // the operator stops all nodes, changes the length of the history, and starts them
	topicMadeAgain                    // the input topic is deleted and made again
	faultKinds                        // how many there are
)

var faultWords = [faultKinds]string{"crash", "clean stop", "pause", "cut", "hold", "broker away", "request fails", "request lost",
	"answer lost", "answer wrong", "request late", "coordinator moves", "leaders move", "producer fenced", "partitions added", "offsets reset",
	"state older", "state gone", "write fails", "disk full", "peers cut", "peers hold", "peers break", "peers late", "settings changed", "topic made again"}

func (k faultKind) String() string { return faultWords[k] }

// weights are how often drawFaults draws each kind. Other kinds have draws of their own: a
// weight more would change what every seed draws.
var weights = [faultKinds]int{crash: 6, cleanStop: 4, pause: 4, cut: 4, hold: 3, brokerAway: 2, requestFails: 10, requestLost: 4,
	answerLost: 8, answerWrong: 3, requestLate: 4, coordinatorMoves: 2, leadersMove: 2, producerFenced: 2, partitionsAdded: 1, offsetsReset: 1}

// Fault is something that goes wrong at a time.
type Fault struct {
	Kind    faultKind
	At      time.Duration // since the start
	For     time.Duration // how long it lasts, or until the next process starts
	Node    int           // -1: the feeder
	Broker  int           // -1: all
	Key     kmsg.Key      // of the requests
	Err     *kerr.Error
	Count   int      // of requests, or of partitions
	Where   []uint16 // offsets that the operator sets: parts of 65,536 of each partition
	Hours   float64  // length of the history from now on
	Running bool     // the operator does not stop the nodes for it
	// From now on; of settingsChanged, as Hours.
	Habit     bool    // the method is habit
	Threshold float64 // 0: as before
}

func (f Fault) String() string {
	text := fmt.Sprintf("%6.2f s: %s", f.At.Seconds(), f.Kind)
	node, broker := fmt.Sprintf(" of node %d", f.Node), fmt.Sprintf("broker %d", f.Broker)
	if f.Node < 0 {
		node = " of the feeder"
	}
	if f.Broker < 0 {
		broker = "all brokers"
	}
	switch f.Kind {
	case crash, cleanStop, stateOlder, stateGone:
		return fmt.Sprintf("%s%s, started again after %.2f s", text, node, f.For.Seconds())
	case pause:
		return fmt.Sprintf("%s%s for %.2f s", text, node, f.For.Seconds())
	case cut:
		return fmt.Sprintf("%s%s from %s", text, node, broker)
	case hold:
		return fmt.Sprintf("%s%s and %s for %.2f s", text, node, broker, f.For.Seconds())
	case brokerAway:
		return fmt.Sprintf("%s: %s for %.2f s", text, broker, f.For.Seconds())
	case requestFails:
		return fmt.Sprintf("%s: %s, %d times, with %s", text, f.Key.Name(), f.Count, f.Err.Message)
	case requestLost, answerLost:
		return fmt.Sprintf("%s: %s%s, %d times", text, f.Key.Name(), node, f.Count)
	case requestLate:
		return fmt.Sprintf("%s: %s%s by %.2f s", text, f.Key.Name(), node, f.For.Seconds())
	case producerFenced, answerWrong:
		return text + node
	case partitionsAdded:
		return fmt.Sprintf("%s: %d", text, f.Count)
	case writeFails:
		return fmt.Sprintf("%s%s, %d times", text, node, f.Count)
	case diskFull:
		return fmt.Sprintf("%s%s for %.2f s", text, node, f.For.Seconds())
	case peersCut:
		return text + node + " from the others"
	case peersHold:
		return fmt.Sprintf("%s%s and the others for %.2f s", text, node, f.For.Seconds())
	case peersBreak:
		return fmt.Sprintf("%s%s, after %d parts", text, node, f.Count)
	case peersLate:
		return fmt.Sprintf("%s%s by %.2f s, %d times", text, node, f.For.Seconds(), f.Count)
	case settingsChanged:
		return fmt.Sprintf("%s: history %g h, method habit %t, threshold %g", text, f.Hours, f.Habit, f.Threshold)
	case topicMadeAgain:
		return f.identityWords()
	}
	return text
}

// failures are the requests that a detector makes, with errors that a broker may answer.
var failures = []struct {
	key    kmsg.Key
	errors []*kerr.Error
}{
	{kmsg.Produce, []*kerr.Error{kerr.NotLeaderForPartition, kerr.RequestTimedOut, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend,
		kerr.KafkaStorageError, kerr.TopicAuthorizationFailed, kerr.UnknownServerError, kerr.InvalidProducerEpoch}},
	{kmsg.Fetch, []*kerr.Error{kerr.NotLeaderForPartition, kerr.FencedLeaderEpoch, kerr.UnknownLeaderEpoch, kerr.KafkaStorageError,
		kerr.UnknownTopicOrPartition, kerr.UnknownServerError, kerr.OffsetNotAvailable}},
	{kmsg.ListOffsets, []*kerr.Error{kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.UnknownTopicOrPartition, kerr.UnknownServerError}},
	{kmsg.Metadata, []*kerr.Error{kerr.LeaderNotAvailable, kerr.UnknownTopicOrPartition, kerr.UnknownServerError}},
	{kmsg.OffsetFetch, []*kerr.Error{kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.UnstableOffsetCommit, kerr.UnknownServerError}},
	{kmsg.FindCoordinator, []*kerr.Error{kerr.CoordinatorNotAvailable, kerr.UnknownServerError}},
	{kmsg.JoinGroup, []*kerr.Error{kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.UnknownMemberID, kerr.UnknownServerError}},
	{kmsg.SyncGroup, []*kerr.Error{kerr.NotCoordinator, kerr.RebalanceInProgress, kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.UnknownServerError}},
	{kmsg.Heartbeat, []*kerr.Error{kerr.NotCoordinator, kerr.RebalanceInProgress, kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.FencedInstanceID}},
	{kmsg.LeaveGroup, []*kerr.Error{kerr.NotCoordinator, kerr.UnknownServerError}},
	{kmsg.InitProducerID, []*kerr.Error{kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.ConcurrentTransactions, kerr.UnknownServerError}},
	{kmsg.AddPartitionsToTxn, []*kerr.Error{kerr.NotCoordinator, kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress, kerr.InvalidProducerEpoch,
		kerr.ProducerFenced, kerr.UnknownServerError}},
	{kmsg.AddOffsetsToTxn, []*kerr.Error{kerr.NotCoordinator, kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress, kerr.InvalidProducerEpoch}},
	{kmsg.TxnOffsetCommit, []*kerr.Error{kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.RequestTimedOut, kerr.UnknownMemberID,
		kerr.IllegalGeneration, kerr.FencedInstanceID, kerr.UnknownServerError}},
	{kmsg.EndTxn, []*kerr.Error{kerr.NotCoordinator, kerr.CoordinatorNotAvailable, kerr.ConcurrentTransactions, kerr.ProducerFenced,
		kerr.InvalidProducerEpoch, kerr.UnknownServerError}},
	{kmsg.CreateTopics, []*kerr.Error{kerr.NotController, kerr.RequestTimedOut, kerr.TopicAlreadyExists, kerr.UnknownServerError}},
}

// transactional are the requests whose lost answers hurt most.
var transactional = []kmsg.Key{kmsg.Produce, kmsg.InitProducerID, kmsg.AddPartitionsToTxn, kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn}

// drawFaults begins the schedule, with what goes wrong in Kafka and on the way to it.
func (s *Scenario) drawFaults(d dice) {
	total := 0
	for _, weight := range weights {
		total += weight
	}
	for range d.IntN(9) {
		pick, kind := d.IntN(total), faultKind(0)
		for pick >= weights[kind] {
			pick -= weights[kind]
			kind++
		}
		s.Faults = append(s.Faults, s.drawFault(d, kind))
	}
	slices.SortStableFunc(s.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
}

func (s *Scenario) drawFault(d dice, kind faultKind) Fault {
	f := Fault{Kind: kind, At: d.between(0, s.Length), Node: d.IntN(s.Nodes), Broker: d.IntN(brokers), Count: 1}
	if d.one(4) {
		f.Broker = -1
	}
	switch kind {
	case crash, cleanStop:
		f.For = d.between(0, 2*time.Second)
		if d.one(3) {
			f.For = d.between(0, 2*s.Timing.Session)
		}
	case pause, hold:
		f.For = d.between(time.Second, 3*s.Timing.Session)
		if kind == hold && d.one(6) {
			f.Node = -1
		}
	case cut:
		if d.one(6) {
			f.Node = -1
		}
	case brokerAway:
		f.For = d.between(time.Second, 10*time.Second)
	case requestFails:
		failure := failures[d.IntN(len(failures))]
		f.Key, f.Err, f.Count = failure.key, failure.errors[d.IntN(len(failure.errors))], 1+d.IntN(3)
	case requestLost, answerLost, requestLate:
		f.Key = transactional[d.IntN(len(transactional))]
		if d.one(4) {
			f.Key = failures[d.IntN(len(failures))].key
		}
		f.Count = 1 + d.IntN(3)
		if kind == requestLate {
			f.Count, f.For = 1, d.between(time.Second, 30*time.Second)
		}
	case partitionsAdded:
		f.Count = 1 + d.IntN(2)
	case offsetsReset:
		for range 16 {
			f.Where = append(f.Where, uint16(d.IntN(1<<16)))
		}
	}
	return f
}

// drawDisk draws how the state is stored, and adds what goes wrong with it.
func (s *Scenario) drawDisk(d dice) {
	s.Disk = Disk{
		Off:     d.one(4),
		Delay:   []time.Duration{0, 20 * time.Millisecond, 100 * time.Millisecond, time.Second}[d.IntN(4)],
		Journal: []int{1, 20, 200}[d.IntN(3)],
		Split:   []int{0, 1, 3}[d.IntN(3)],
		Cached:  []int{0, 0, 2, 5}[d.IntN(4)],
	}
	if s.Disk.Split > 0 || s.Batch < 20 {
		s.Disk.Delay /= 50 // there are many more writes
	}
	if s.Disk.Split > 0 && s.Batch < 20 {
		s.Disk.Delay = 0
	}
	if s.Disk.Off {
		return
	}
	kinds := []faultKind{crash, crash, stateOlder, stateGone, writeFails, diskFull}
	for range d.IntN(5) {
		f := Fault{Kind: kinds[d.IntN(len(kinds))], At: d.between(0, s.Length), Node: d.IntN(s.Nodes), For: d.between(0, 2*time.Second)}
		switch f.Kind {
		case writeFails:
			f.Count = 1 + d.IntN(4)
		case diskFull:
			f.For = d.between(time.Second, 20*time.Second)
		}
		s.Faults = append(s.Faults, f)
	}
	if d.one(3) && !slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.Kind == offsetsReset }) {
		s.Faults = append(s.Faults, Fault{Kind: settingsChanged, At: d.between(s.Length/4, s.Length*3/4), Hours: float64(2 + d.IntN(8))})
	}
	slices.SortStableFunc(s.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
}

// drawPostponing draws how long checkpoints wait while a detector is behind the stream, and how few points are many. In a third
// of the scenarios the records come early, and detectors read slowly: they are behind for most of the time.
func (s *Scenario) drawPostponing(d dice) {
	s.Disk.Pending = []int{40, 80, 160}[d.IntN(3)]
	s.Disk.Postpone = []time.Duration{time.Second, 5 * time.Second, time.Minute}[d.IntN(3)]
	if !d.one(3) {
		return
	}
	const early = 3
	for i := range s.Records {
		s.Records[i].When /= early
	}
	s.ReadDelay = s.Length * time.Duration(s.Nodes) / time.Duration(len(s.Records))
	s.Disk.Cached = 0  // nothing is postponed while entities are evicted
	if s.Batch >= 20 { // a round would take as long as a rebalance
		s.Batch, s.Disk.Delay = 5, s.Disk.Delay/50
	}
}

// drawCluster lets the nodes of two thirds of the scenarios that have several know each
// other, and adds what goes wrong between them.
func (s *Scenario) drawCluster(d dice) {
	if s.Nodes == 1 || d.one(3) {
		return
	}
	s.Cluster, s.HandoffFrom = true, []int64{1, 10, 60}[d.IntN(3)]
	if s.Disk.Off {
		return
	}
	s.Standbys = d.IntN(s.Nodes)
	s.PeerDelay = []time.Duration{0, 0, 100 * time.Millisecond, time.Second}[d.IntN(4)]
	kinds := []faultKind{crash, cleanStop, pause, hold, peersCut, peersHold, peersBreak, peersBreak, peersLate, peersLate, stateGone}
	for range d.IntN(6) {
		f := Fault{Kind: kinds[d.IntN(len(kinds))], At: d.between(0, s.Length), Node: d.IntN(s.Nodes), Broker: -1, Count: 1 + d.IntN(6)}
		switch f.Kind {
		case crash, cleanStop, stateGone:
			f.For = d.between(0, 2*s.Timing.Session)
		case pause, hold, peersHold:
			f.For = d.between(time.Second, 3*s.Timing.Session)
		case peersLate:
			f.For = d.between(100*time.Millisecond, 8*time.Second)
		}
		s.Faults = append(s.Faults, f)
	}
	has := func(kinds ...faultKind) bool {
		return slices.ContainsFunc(s.Faults, func(f Fault) bool { return slices.Contains(kinds, f.Kind) })
	}
	if d.one(4) && !has(offsetsReset, settingsChanged) {
		s.Faults = append(s.Faults, s.drawFault(d, offsetsReset))
	}
	slices.SortStableFunc(s.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
}

// breaks tells whether a fault may end a process that cannot store its state.
func (f Fault) breaks() bool { return f.Kind == writeFails || f.Kind == diskFull }

// fences tells whether a fault may end a process that did nothing wrong, because another
// producer or member takes its name. That may be its own predecessor, whose request
// arrives late.
func (f Fault) fences() bool {
	return f.Kind == producerFenced || f.Kind == requestLate && f.Key == kmsg.JoinGroup || f.Kind == requestFails &&
		slices.Contains([]*kerr.Error{kerr.FencedInstanceID, kerr.ProducerFenced, kerr.InvalidProducerEpoch}, f.Err)
}
