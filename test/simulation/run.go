package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"anomalydetector/persistence"
	"anomalydetector/test/naive"
)

const (
	inputTopic  = "in"
	outputTopic = "out"
	letterTopic = "bad"
	group       = "group"
	confName    = "sim"
	feederID    = "feeder" // its transactional id
)

// Report is what came of a run.
type Report struct {
	Problems  []string
	Drawn     [faultKinds]int // faults of the schedule that were carried out
	Struck    [faultKinds]int // requests that were spoilt
	Starts    int             // processes
	Exits     int             // processes that ended by themselves
	Unstuck   int             // whether the embedded broker needed help with a rebalance
	Handoffs  int             // windows that were taken from another node
	Refused   int             // handoffs that came to nothing
	Standbys  int             // partitions that a standby began to follow
	Warm      int             // partitions that were assigned to their standby
	Reloads   int             // of a history, for a late record
	Outliers  int             // records that stream time did not follow, as far as they were told
	Answers   int             // of processes that were asked over HTTP
	Claimed   int             // anomalies that processes said were committed
	Listed    int             // anomalies that processes listed in the end
	Visits    int             // streams that were opened
	Followed  int             // anomalies that streams told of, each once, as they had to
	Gaps      int             // that streams told of
	Anomalies int
	Letters   int
	Withheld  int // anomalies that their topic refuses
	Virtual   time.Duration
	Log       string
	Leaked    bool // goroutines were left: the run cannot end
}

// run is a scenario under way.
type run struct {
	scenario *Scenario
	dir      string
	begin    time.Time
	network  *network
	cluster  *kfake.Cluster
	client   *kgo.Client // the operator's
	admin    *kadm.Client
	nodes    []*node

	partitions atomic.Int32
	healed     chan struct{}  // closed when all that is broken is to be mended
	background atomic.Int32   // how much is to end a fault, or start a process, later
	burials    sync.WaitGroup // what ends the goroutines of dead processes
	handles    []*kfake.FaultHandle
	input      *incarnation   // the input topic as it is now
	former     []*incarnation // and as it was before it was deleted
	feeding    chan struct{}  // holds a token; who takes it may write to the input, or make the topic again
	made       int            // how often it was made again
	last       []Record       // fed when all is mended
	quiet      chan struct{}  // holds a token; who takes it may wait until all others wait

	mu       sync.Mutex
	problems []string
	report   Report
	logs     []string
	told     map[place]string  // anomalies that were told of: where in the output topic, and the id
	entities map[string]string // whose they are, by the id
}

// era is from where on other rules are in force.
type era struct {
	rules naive.Rules
	from  map[int32]int64 // by partition; 0 if it is missing
}

// span is the offsets [from, until) of a partition.
type span struct{ from, until int64 }

// Run runs a scenario in a bubble of its own, with the clock of the bubble.
func Run(t *testing.T, scenario *Scenario) (report Report) {
	dir := scratch(t)
	defer func() {
		if report.Leaked {
			_ = recover() // the bubble panics where goroutines are left, which the report says better
		}
	}()
	synctest.Test(t, func(*testing.T) {
		r := &run{
			scenario: scenario, dir: dir, begin: time.Now(), healed: make(chan struct{}), quiet: make(chan struct{}, 1), feeding: make(chan struct{}, 1),
			input: newIncarnation(scenario.Rules), told: make(map[place]string), entities: make(map[string]string),
		}
		r.network = newNetwork(scenario.Seed, scenario.PeerDelay, func(kind faultKind) { r.count(func(p *Report) { p.Struck[kind]++ }) })
		r.quiet <- struct{}{}
		r.feeding <- struct{}{}
		r.live()
		report = r.report
		report.Problems = r.problems
		report.Virtual = r.clock()
		report.Log = strings.Join(r.logs, "")
		report.Handoffs = strings.Count(report.Log, "windows taken from another node")
		report.Refused = strings.Count(report.Log, "no windows from other nodes")
		report.Standbys = strings.Count(report.Log, "partition of another node is kept warm")
		report.Reloads = strings.Count(report.Log, "loading more")
		report.Outliers = strings.Count(report.Log, "timestamp is far from stream time")
		if at := strings.Index(report.Log, "panic in="); at >= 0 {
			report.Problems = append(report.Problems, "the program panicked: "+report.Log[at:min(at+2000, len(report.Log))])
		}
		report.Warm = strings.Count(report.Log, "standby=true")
	})
	return report
}

func (r *run) clock() time.Duration { return time.Since(r.begin) }

func (r *run) problem(format string, values ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, fmt.Sprintf("at %.3f s: ", r.clock().Seconds())+fmt.Sprintf(format, values...))
}

func (r *run) count(change func(*Report)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.report)
}

// exited judges a process that ended by itself: a daemon does not, unless
// somebody else has taken its name.
func (r *run) exited(p *process) {
	r.count(func(report *Report) { report.Exits++ })
	storing := strings.Contains(fmt.Sprint(p.err), persistence.ErrNoSpace.Error()) || strings.Contains(p.text(), errWrite.Error())
	if !slices.ContainsFunc(r.scenario.Faults, Fault.fences) && !(storing && slices.ContainsFunc(r.scenario.Faults, Fault.breaks)) {
		r.problem("%s ended by itself: %v", p.party, p.err)
	}
}

// has tells whether a kind of fault is in the schedule.
func (r *run) has(kind faultKind) bool {
	return slices.ContainsFunc(r.scenario.Faults, func(f Fault) bool { return f.Kind == kind })
}

// later does what ends a fault, after a while or when all is mended.
func (r *run) later(after time.Duration, do func()) {
	r.background.Add(1)
	go func() {
		defer r.background.Add(-1)
		select {
		case <-time.After(after):
		case <-r.healed:
		}
		do()
	}()
}

// settle waits until nothing is to happen later. More may come meanwhile, when a
// process ends by itself, which a WaitGroup does not allow.
func (r *run) settle() {
	for r.background.Load() > 0 {
		time.Sleep(10 * time.Millisecond)
	}
}

func (r *run) confPath() string { return filepath.Join(r.dir, confName+".conf") }

// debugLog is set to log what the Kafka clients do, too.
var debugLog string

func (r *run) writeConf(hours float64) error {
	s := r.scenario
	metric, letters := "mean", ""
	if s.Rules.Median {
		metric = "median"
	}
	if s.Letters {
		letters = "[output]\ndead_letter_topic = " + letterTopic + "\n"
	}
	return os.WriteFile(r.confPath(), fmt.Appendf(nil, `[io]
input_topic = %s
value_field = v
key_field = k
output_topic = %s
time_granularity_min = %g
consumer_group = %s
[detection]
threshold = %g
dev_metric = %s
min_dev = %g
history_hours = %g
history_min_ratio = %g
[job]
duration = 0
[persistence]
commit_interval = %g
enabled = %t
memory_mb = 16
free_space_floor_mb = 1
resident_entities = %d
%s[cluster]
standbys = %d
%s`, inputTopic, outputTopic, s.Rules.GranularityMinutes, group, s.Rules.Threshold, metric, s.Rules.MinDeviation,
		hours, s.Rules.MinRatio, s.Commit.Seconds(), !s.Disk.Off, s.Disk.Resident, letters, s.Standbys, debugLog), 0o644)
}

// live is the run from the first broker to the last check.
func (r *run) live() {
	s := r.scenario
	var ports []int
	for broker := range brokers {
		ports = append(ports, 9092+broker)
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(brokers), kfake.Ports(ports...), kfake.ListenFn(r.network.listener("")),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err == nil {
		err = cluster.CreateTopic(inputTopic, s.Partitions, nil)
	}
	if err == nil && s.MadeBefore {
		err = cluster.CreateTopic(outputTopic, 3, nil)
	}
	if err == nil {
		err = r.writeConf(s.Rules.HistoryHours)
	}
	if err != nil {
		panic(err) // the simulation itself is wrong
	}
	r.cluster = cluster
	s.Sink.install(cluster)
	r.partitions.Store(s.Partitions)
	r.client = r.operator(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	r.admin = kadm.NewClient(r.client)
	for number := range s.Nodes {
		r.nodes = append(r.nodes, newNode(r, number))
	}
	for number, n := range r.nodes {
		r.later(time.Duration(number)*700*time.Millisecond, n.startHeld)
	}
	watcher := r.watch()
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		r.feed()
	}()
	for _, fault := range s.Faults {
		time.Sleep(time.Until(r.begin.Add(fault.At)))
		r.strike(fault)
	}
	<-fed
	r.mend()
	if r.caughtUp() {
		r.listsAll()
		watcher.toldAll()
		watcher.end()
		r.stopAll(true)
		r.verify()
		r.judgeTold()
	} else {
		watcher.end()
		r.stopAll(false)
	}
	r.burials.Wait()
	if r.report.Claimed > r.report.Anomalies && len(r.report.Problems) == 0 {
		r.problem("%d anomalies were counted as committed, but there are %d", r.report.Claimed, r.report.Anomalies)
	}
	r.client.Close()
	r.cluster.Close()
	r.leaks()
}

func (n *node) startHeld() {
	release := n.hold()
	defer release()
	n.run.count(func(report *Report) { report.Starts++ })
	n.start()
}

// peers tells whether a link is one between a node and others.
func (r *run) peers(l link, n *node) bool {
	return l.address == n.address || sameNode(l.party, n.name) &&
		slices.ContainsFunc(r.nodes, func(other *node) bool { return other.address == l.address })
}

// strike lets a fault happen.
func (r *run) strike(f Fault) {
	r.count(func(report *Report) { report.Drawn[f.Kind]++ })
	var n *node
	party := "feeder"
	if f.Node >= 0 {
		n = r.nodes[f.Node]
		party = n.name
	}
	of := func(l link) bool {
		return sameNode(l.party, party) && (f.Broker < 0 || l.address == brokerAddress(f.Broker))
	}
	switch f.Kind {
	case crash, cleanStop, stateOlder, stateGone:
		r.later(0, func() {
			release := n.hold()
			switch f.Kind {
			case cleanStop:
				n.stop(false)
			default:
				n.kill()
			}
			n.replaceState(f.Kind)
			release()
			r.later(f.For, n.startHeld)
		})
	case pause:
		if p := n.process.Load(); p != nil {
			r.network.freeze(p.party)
			r.later(f.For, func() { r.network.unfreeze(p.party) })
		}
	case cut:
		r.network.cut(of)
	case peersCut:
		r.network.cut(func(l link) bool { return r.peers(l, n) })
	case peersHold:
		for _, other := range r.nodes {
			if other == n {
				continue
			}
			for _, ends := range [][2]*node{{n, other}, {other, n}} {
				if p := ends[0].process.Load(); p != nil {
					l := link{p.party, ends[1].address}
					r.network.hold(l)
					r.later(f.For, func() { r.network.release(l) })
				}
			}
		}
	case peersBreak, peersLate:
		r.network.set(&trap{kind: f.Kind, party: party, delay: f.For, count: f.Count})
	case hold:
		for broker := range brokers {
			l := link{party, brokerAddress(broker)}
			if n != nil {
				if p := n.process.Load(); p != nil {
					l.party = p.party
				}
			}
			if f.Broker < 0 || f.Broker == broker {
				r.network.hold(l)
				r.later(f.For, func() { r.network.release(l) })
			}
		}
	case brokerAway:
		for broker := range brokers {
			if f.Broker < 0 || f.Broker == broker {
				r.network.refuse(brokerAddress(broker))
				r.later(f.For, func() { r.network.admit(brokerAddress(broker)) })
			}
		}
	case requestFails:
		r.fail(kfake.Fault{Keys: []kmsg.Key{f.Key}, Err: f.Err, Count: f.Count, When: fromDetector})
	case requestLost, answerLost, requestLate:
		r.network.set(&trap{kind: f.Kind, party: party, key: f.Key.Int16(), delay: f.For, count: f.Count})
	case answerWrong:
		r.network.set(&trap{kind: f.Kind, party: party, key: kmsg.EndTxn.Int16(), count: 1})
	case coordinatorMoves:
		r.cluster.RehashCoordinators()
	case leadersMove:
		r.cluster.ShufflePartitionLeaders()
	case producerFenced:
		r.fence(n)
	case partitionsAdded:
		r.addPartitions(f.Count)
	case offsetsReset:
		r.resetOffsets(f)
	case writeFails:
		n.failing.Add(int32(f.Count))
	case diskFull:
		n.full.Store(true)
		r.later(f.For, func() { n.full.Store(false) })
	case settingsChanged:
		r.changeSettings(f)
	case topicMadeAgain:
		r.makeTopicAgain(f)
	}
}

// fromDetector keeps the feeder's transactions out of it.
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

// fail has the brokers answer with an error, until all is mended.
func (r *run) fail(fault kfake.Fault) {
	handle := r.cluster.Fault(fault)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handles = append(r.handles, handle)
}

func transactionalID(n *node) string { return group + "." + confName + "." + n.name }

// fence begins as the node's producer, and does nothing with it.
func (r *run) fence(n *node) {
	client := r.operator(kgo.TransactionalID(transactionalID(n)))
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, _, _ = client.ProducerID(ctx) // another fault may keep it from that
}

func (r *run) addPartitions(count int) {
	want := int(r.partitions.Load()) + count
	r.insist("add partitions", func(ctx context.Context) error {
		answers, err := r.admin.UpdatePartitions(ctx, want, inputTopic)
		if err == nil {
			err = answers.Error()
		}
		if errors.Is(err, kerr.InvalidPartitions) {
			err = nil // a try that seemed to have failed
		}
		return err
	})
	r.partitions.Store(int32(want))
}

// stopped does something while no node runs.
func (r *run) stopped(do func()) {
	var releases []func()
	for _, n := range r.nodes {
		releases = append(releases, n.hold())
		n.stop(false)
	}
	do()
	for i, release := range releases {
		r.nodes[i].start()
		release()
	}
}

// changeSettings is what an operator does: stop all, wait until nothing of them
// is left, change the configuration, start all.
func (r *run) changeSettings(f Fault) {
	r.stopped(func() {
		committed, ok := r.settledOffsets()
		if !ok {
			return
		}
		rules := r.scenario.Rules
		rules.HistoryHours = f.Hours
		r.input.eras = append(r.input.eras, era{rules, committed})
		if err := r.writeConf(f.Hours); err != nil {
			panic(err)
		}
	})
}

// resetOffsets is what an operator does: stop all, wait until nothing of them
// is left, set the offsets, start all.
func (r *run) resetOffsets(f Fault) { r.stopped(func() { r.setOffsets(f) }) }

func (r *run) setOffsets(f Fault) {
	committed, ok := r.settledOffsets()
	if !ok {
		return
	}
	ends, ok := r.ends()
	if !ok {
		return
	}
	var wanted kadm.Offsets
	places := make(map[int32]int64)
	for partition := range r.partitions.Load() {
		place := (ends[partition] + 1) * int64(f.Where[int(partition)%len(f.Where)]) >> 16
		places[partition] = place
		wanted.AddOffset(inputTopic, partition, place, -1)
	}
	done := r.insist("reset offsets", func(ctx context.Context) error { return r.admin.CommitAllOffsets(ctx, group, wanted) })
	if !done {
		return
	}
	for partition, place := range places {
		r.input.ended(map[int32]int64{partition: committed[partition]})
		r.input.next[partition] = place
	}
}

// settledOffsets waits until the group has no member, and no transaction that
// could still commit, and returns its offsets.
func (r *run) settledOffsets() (offsets map[int32]int64, ok bool) {
	ok = r.insist("wait for an empty group", func(ctx context.Context) error {
		groups, err := r.admin.DescribeGroups(ctx, group)
		if err != nil {
			return err
		}
		if state := groups[group].State; state != "Empty" && state != "Dead" {
			return fmt.Errorf("the group is %s", state)
		}
		transactions, err := r.admin.ListTransactions(ctx, nil, []string{"Ongoing", "PrepareCommit", "PrepareAbort"})
		if err != nil {
			return err
		}
		for _, transaction := range transactions {
			if transaction.TxnID != feederID {
				return fmt.Errorf("transaction %s is open", transaction.TxnID)
			}
		}
		fetched, err := r.admin.FetchOffsets(kadm.RequireStable(ctx), group)
		if errors.Is(err, kerr.GroupIDNotFound) {
			err = nil // nobody has been there yet
		}
		if err != nil {
			return err
		}
		offsets = make(map[int32]int64)
		fetched.Each(func(o kadm.OffsetResponse) {
			if o.Topic == inputTopic {
				offsets[o.Partition] = o.At
			}
		})
		return nil
	})
	return offsets, ok
}

func (r *run) ends() (ends map[int32]int64, ok bool) {
	ok = r.insist("list the ends", func(ctx context.Context) error {
		listed, err := r.admin.ListEndOffsets(ctx, inputTopic)
		if err == nil {
			err = listed.Error()
		}
		ends = make(map[int32]int64)
		listed.Each(func(o kadm.ListedOffset) { ends[o.Partition] = o.Offset })
		return err
	})
	return ends, ok
}

// feed produces the stream. What it fails to write is no part of it.
func (r *run) feed() {
	d := dice{rand.New(rand.NewPCG(r.scenario.Seed, 0xfeed))}
	options := []kgo.Opt{
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.Dialer(r.network.dialer("feeder")), kgo.MaxProduceRequestsInflightPerBroker(1),
	}
	if r.scenario.Aborts {
		options = append(options, kgo.TransactionalID(feederID), kgo.TransactionTimeout(10*time.Second))
	}
	client := r.operator(options...)
	defer func() { client.Close() }()
	records, made := r.scenario.Records, 0
	for first := 0; first < len(records); {
		past := first + 1
		for past < len(records) && records[past].When == records[first].When {
			past++
		}
		time.Sleep(time.Until(r.begin.Add(records[first].When)))
		<-r.feeding
		if made != r.made { // a client does not write to another topic under the name of one it knows
			made = r.made
			client.Close()
			client = r.operator(options...)
		}
		if !r.feedSome(client, d, first, past) {
			client.Close()
			client = r.operator(options...)
		}
		r.feeding <- struct{}{}
		first = past
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_ = client.Flush(ctx)
}

// feedSome is false if the client is of no more use.
func (r *run) feedSome(client *kgo.Client, d dice, first, past int) bool {
	// A client that has records before it has its producer id asks for that
	// without a pause while no broker can be dialled: no virtual time passes.
	if !r.insist("producer id", func(ctx context.Context) error {
		_, _, err := client.ProducerID(ctx)
		return err
	}) {
		return false
	}
	if r.scenario.Aborts && client.BeginTransaction() != nil {
		return false
	}
	for number := first; number < past; number++ {
		record := &r.scenario.Records[number]
		client.Produce(context.Background(), r.kafkaRecord(record, number), func(*kgo.Record, error) {})
	}
	if !r.scenario.Aborts {
		return true
	}
	end := kgo.TransactionEndTry(!d.one(5))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if end == kgo.TryAbort {
		if client.AbortBufferedRecords(ctx) != nil {
			return false
		}
	} else if client.Flush(ctx) != nil {
		return false
	}
	return client.EndTransaction(ctx, end) == nil
}

func (r *run) kafkaRecord(record *Record, number int) *kgo.Record {
	return &kgo.Record{
		Topic: inputTopic, Partition: int32(record.Entity) % r.partitions.Load(), Timestamp: time.UnixMilli(record.At),
		Key: []byte(record.Key), Value: record.Payload,
		Headers: []kgo.RecordHeader{{Key: "n", Value: fmt.Append(nil, number)}},
	}
}

// mend ends all faults and has all nodes run.
func (r *run) mend() {
	close(r.healed)
	r.network.clear()
	for _, handle := range r.handles {
		r.count(func(report *Report) { report.Struck[requestFails] += handle.Hits() })
		handle.Remove()
	}
	r.settle()
	for _, n := range r.nodes {
		n.failing.Store(0)
		release := n.hold()
		n.start()
		release()
	}
}

// caughtUp feeds some more, to each partition, and tells whether all of the
// input gets committed, which shows that the detector lives.
func (r *run) caughtUp() bool {
	newest := r.scenario.newest()
	partitions := int(r.partitions.Load())
	var records []*kgo.Record
	for entity := range 3 * partitions {
		record := Record{Entity: entity, Key: fmt.Sprintf("e%d", entity), At: newest + quarter, Value: 0.5 + float64(entity)/50}
		record.Payload = point(record.Key, record.Value)
		records = append(records, r.kafkaRecord(&record, len(r.scenario.Records)+len(r.last)))
		r.last = append(r.last, record)
	}
	if !r.insist("feed the last records", func(ctx context.Context) error { return r.feedLast(ctx, records) }) {
		return false
	}
	ends, ok := r.ends()
	if !ok {
		return false
	}
	begun := time.Now()
	limit := begun.Add(5 * time.Minute)
	var behind string
	for time.Now().Before(limit) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		fetched, err := r.admin.FetchOffsets(ctx, group)
		cancel()
		behind = fmt.Sprint(err)
		if err == nil {
			behind = ""
			for partition, end := range ends {
				if o, ok := fetched.Lookup(inputTopic, partition); !ok || o.At != end {
					behind += fmt.Sprintf(" partition %d is committed up to %d of %d", partition, o.At, end)
				}
			}
		}
		if behind == "" {
			r.input.ended(ends)
			return true
		}
		if time.Since(begun) > time.Minute {
			begun = limit
			r.unstick()
		}
		time.Sleep(200 * time.Millisecond)
	}
	r.problem("five minutes after all was mended the input is not committed:%s", behind)
	return false
}

// feedLast writes as the feeder does: where that is in transactions, the last thing
// in each partition is a marker, and what is committed must lie behind it.
func (r *run) feedLast(ctx context.Context, records []*kgo.Record) error {
	if !r.scenario.Aborts {
		return r.client.ProduceSync(ctx, records...).FirstErr()
	}
	client := r.operator(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(feederID))
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		return err
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return err
	}
	return client.EndTransaction(ctx, kgo.TryCommit)
}

// unstick ends a rebalance that the embedded broker cannot: it counts a member
// that left while it waited for its assignment as one that does not join, and
// puts the end off at each join, so that members who join again and again wait
// for ever. A real coordinator does neither. Without joins for a while its
// timer ends the rebalance.
func (r *run) unstick() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	groups, err := r.admin.DescribeGroups(ctx, group)
	if err != nil || groups[group].State != "PreparingRebalance" {
		return
	}
	r.count(func(report *Report) { report.Unstuck++ })
	joins := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.CoordinatorLoadInProgress, Count: -1})
	defer joins.Remove()
	time.Sleep(r.scenario.Timing.Rebalance + time.Second)
}

func (r *run) stopAll(clean bool) {
	var stops sync.WaitGroup
	for _, n := range r.nodes {
		stops.Go(func() {
			release := n.hold()
			defer release()
			n.stop(clean)
		})
	}
	stops.Wait()
	r.settle()
}

// leaks waits until all goroutines of the bubble have ended, and reports those
// that have not.
func (r *run) leaks() {
	var left []string
	for range 60 {
		time.Sleep(time.Second)
		if left = goroutines(); len(left) == 0 {
			return
		}
	}
	r.report.Leaked = true
	r.problem("%d goroutines are left, such as:\n%s", len(left), left[0])
}

// goroutines are the others of our bubble.
func goroutines() (others []string) {
	own := make([]byte, 200)
	own = own[:runtime.Stack(own, false)]
	head, _, _ := strings.Cut(string(own), "\n")
	_, bubble, _ := strings.Cut(head, "synctest bubble ")
	bubble, _, _ = strings.Cut(bubble, "]")
	all := make([]byte, 16<<20)
	all = all[:runtime.Stack(all, true)]
	for text := range strings.SplitSeq(string(all), "\n\n") {
		head, _, _ := strings.Cut(text, "\n")
		mine := strings.HasSuffix(head, "synctest bubble "+bubble+"]:") || strings.Contains(head, "synctest bubble "+bubble+",")
		if mine && !strings.HasPrefix(text, strings.Fields(string(own))[0]+" "+strings.Fields(string(own))[1]+" ") &&
			!strings.Contains(text, "testing/synctest.") {
			others = append(others, text)
		}
	}
	return others
}

// scratch is a folder for data directories, in memory where the machine has
// such a place: a virtual second of syncing should cost no real one.
func scratch(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "simulation")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove %s: %v", dir, err)
		}
	})
	return dir
}
