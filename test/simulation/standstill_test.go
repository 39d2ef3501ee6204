//go:build synctests

package simulation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"anomalydetector/bootstrap"
	"anomalydetector/configs"
	"anomalydetector/persistence"
)

// The whole program on an embedded broker, in virtual time: what stands still is told
// within its bound, with its cause, again at growing intervals, and its end.

// transcript is what the program prints.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *transcript) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(text)
}

func (o *transcript) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// stand is a broker in a bubble, with a detector whose records are all bad: each makes
// a dead letter.
type stand struct {
	*testing.T
	network kfake.VirtualNetwork
	cluster *kfake.Cluster
	client  *kgo.Client
	out     *transcript
	dir     string
	signals chan os.Signal
	ended   chan error
	running bool
	full    atomic.Bool  // the disk
	more    string       // of the configuration
	write   func() error // before each write of the store
	trouble *badNetwork  // between detector and broker
	options []kgo.Opt    // of the detector's clients
	faults  []*kfake.FaultHandle
	undo    func()
}

// badNetwork is a way to the broker that can be cut, or slow.
type badNetwork struct {
	mu    sync.Mutex
	away  bool
	mute  bool          // answers are on their way for ever
	pause time.Duration // before each read
	conns []net.Conn
}

type slowConn struct {
	net.Conn
	network *badNetwork
}

func (c *slowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	for {
		c.network.mu.Lock()
		pause, mute := c.network.pause, c.network.mute
		c.network.mu.Unlock()
		if !mute {
			time.Sleep(pause)
			return n, err
		}
		time.Sleep(time.Second)
	}
}

func (n *badNetwork) hush(mute bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mute = mute
}

func (n *badNetwork) set(away bool, pause time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.away, n.pause = away, pause
	if away {
		for _, conn := range n.conns {
			conn.Close()
		}
		n.conns = nil
	}
}

const (
	standInput, standLetters = "in", "bad"
	standConf                = `[io]
input_topic = in
value_field = v
key_field = k
output_topic = out
time_granularity_min = 15
consumer_group = group
[detection]
threshold = 5
dev_metric = mean
min_dev = 0.01
history_hours = 1
history_min_ratio = 0.1
[job]
duration = 0
[persistence]
memory_mb = 16
free_space_floor_mb = 1
commit_interval = 1
enabled = %t
[output]
dead_letter_topic = bad
`
)

// inBubble runs a test with a broker in virtual time.
func inBubble(t *testing.T, test func(*stand)) {
	synctest.Test(t, func(t *testing.T) {
		s := &stand{T: t, out: &transcript{}, dir: t.TempDir(), trouble: &badNetwork{}, undo: func() {}}
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(s.network.Listen),
			kfake.SeedTopics(2, standInput), kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
		if err != nil {
			t.Fatal(err)
		}
		s.cluster = cluster
		s.client = s.newClient(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(standInput))
		defer func() {
			s.mend()
			if s.running {
				s.stop()
			}
			s.client.Close()
			cluster.Close()
			time.Sleep(time.Minute) // what the actor library leaves running ends meanwhile
		}()
		test(s)
	})
}

func (s *stand) newClient(options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers("127.0.0.1:9092"), kgo.Dialer(s.network.DialContext)}, options...)...)
	if err != nil {
		s.Fatal(err)
	}
	return client
}

// start runs the program.
func (s *stand) start(stored bool) {
	conf := filepath.Join(s.dir, "stand.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, standConf+s.more, stored), 0o644); err != nil {
		s.Fatal(err)
	}
	env := map[string]string{"DETECTOR_DATA_DIR": filepath.Join(s.dir, "data"), "KAFKA_HOST": "127.0.0.1:9092", "LOG_FORMAT": "json", "DETECTOR_HTTP": "off"}
	s.signals, s.ended = make(chan os.Signal, 1), make(chan error, 1)
	world := &bootstrap.World{Stdout: s.out, Stderr: s.out, Now: time.Now, Signals: s.signals, Release: func() {}, Env: func(name string) string { return env[name] }}
	config, err := configs.Load(conf, world.Env)
	if err != nil {
		s.Fatal(err)
	}
	options := bootstrap.Options{
		Client: append([]kgo.Opt{kgo.Dialer(s.dial)}, s.options...),
		Store: func(o *persistence.Options) {
			o.Free = func() (uint64, error) {
				if s.full.Load() {
					return 0, nil
				}
				return 1 << 40, nil
			}
			o.BeforeWrite = func() error {
				if s.write != nil {
					return s.write()
				}
				return nil
			}
		},
	}
	s.running = true
	go func() { s.ended <- bootstrap.Run(world, []*configs.Config{config}, options) }()
}

func (s *stand) dial(ctx context.Context, network, address string) (net.Conn, error) {
	s.trouble.mu.Lock()
	defer s.trouble.mu.Unlock()
	if s.trouble.away {
		return nil, errors.New("connection refused")
	}
	conn, err := s.network.DialContext(ctx, network, address)
	if err == nil {
		s.trouble.conns = append(s.trouble.conns, conn)
	}
	return &slowConn{conn, s.trouble}, err
}

func (s *stand) stop() {
	s.running = false
	s.signals <- syscall.SIGTERM
	if err := <-s.ended; err != nil {
		s.Errorf("ended with %v", err)
	}
}

// feed writes bad records, to both partitions.
func (s *stand) feed(count int) {
	s.Helper()
	for i := range count {
		record := &kgo.Record{Partition: int32(i % 2), Timestamp: time.Now(), Value: []byte("bad")}
		if err := s.client.ProduceSync(context.Background(), record).FirstErr(); err != nil {
			s.Fatal(err)
		}
	}
}

func (s *stand) fail(key kmsg.Key, err *kerr.Error) {
	fault := kfake.Fault{Keys: []kmsg.Key{key}, Err: err, Count: -1}
	if key == kmsg.Produce {
		fault.Topic = standLetters // the test itself may write
	}
	s.faults = append(s.faults, s.cluster.Fault(fault))
}

func (s *stand) mend() {
	for _, fault := range s.faults {
		fault.Remove()
	}
	s.faults = nil
	s.undo()
	s.undo = func() {}
}

// logLine is a line of the log.
type logLine struct {
	Time                                  time.Time
	Level, Msg                            string
	Waiting                               string `json:"waiting_for"`
	Error                                 string `json:"last_error"`
	Advice                                string `json:"what_to_do"`
	Writer                                string
	Stood                                 string `json:"stood_for"`
	Lag, Behind_open_transactions, Points int64
}

// lines are those of the log with a message.
func (s *stand) lines(messages ...string) (found []logLine) {
	s.Helper()
	for text := range strings.Lines(s.out.String()) {
		var l logLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			s.Fatalf("%v: %s", err, text)
		}
		for _, message := range messages {
			if l.Msg == message {
				found = append(found, l)
			}
		}
	}
	return found
}

const stands, over = "the detector stands still", "the standstill is over"

// cause is why a detector stands still.
type cause struct {
	atStart bool // the fault is there before the detector
	fault   func(*stand)
	waiting string // what is waited for, a part of it
	err     string // the error's name
	within  time.Duration
	// others: of which standstills there may be lines, too.
	others []string
}

func refused(key kmsg.Key, err *kerr.Error) func(*stand) {
	return func(s *stand) { s.fail(key, err) }
}

// openTransaction is a writer that has written and does not end its transaction.
func openTransaction(s *stand) {
	writer := s.newClient(kgo.TransactionalID("upstream"), kgo.TransactionTimeout(15*time.Minute), kgo.DefaultProduceTopic(standInput),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := writer.BeginTransaction(); err != nil {
		s.Fatal(err)
	}
	if err := writer.ProduceSync(context.Background(), &kgo.Record{Timestamp: time.Now(), Value: []byte("bad")}).FirstErr(); err != nil {
		s.Fatal(err)
	}
	s.undo = func() {
		if err := writer.EndTransaction(context.Background(), kgo.TryAbort); err != nil {
			s.Error(err)
		}
		writer.Close()
	}
}

// TestWhatStandsStillIsTold: no cause is without a line.
func TestWhatStandsStillIsTold(t *testing.T) {
	const group, write, end, read = "consumer group group", "acknowledge", "transaction to end", "to be read and committed"
	const soon, later, late = 8 * time.Second, 20 * time.Second, 60 * time.Second
	for name, c := range map[string]cause{
		"another protocol in the group":  {true, refused(kmsg.JoinGroup, kerr.InconsistentGroupProtocol), group, "INCONSISTENT_GROUP_PROTOCOL", soon, nil},
		"no ACL for the group":           {true, refused(kmsg.JoinGroup, kerr.GroupAuthorizationFailed), group, "GROUP_AUTHORIZATION_FAILED", soon, nil},
		"session timeout out of bounds":  {true, refused(kmsg.JoinGroup, kerr.InvalidSessionTimeout), "", "INVALID_SESSION_TIMEOUT", soon, nil},
		"the group is full":              {true, refused(kmsg.JoinGroup, kerr.GroupMaxSizeReached), group, "GROUP_MAX_SIZE_REACHED", later, nil},
		"an old broker":                  {true, refused(kmsg.JoinGroup, kerr.UnsupportedVersion), group, "UNSUPPORTED_VERSION", soon, nil},
		"no coordinator":                 {true, refused(kmsg.JoinGroup, kerr.CoordinatorNotAvailable), group, "COORDINATOR_NOT_AVAILABLE", later, nil},
		"the group puts it out":          {false, refused(kmsg.Heartbeat, kerr.GroupAuthorizationFailed), group, "GROUP_AUTHORIZATION_FAILED", soon, []string{end}},
		"the group's offsets are secret": {true, refused(kmsg.OffsetFetch, kerr.GroupAuthorizationFailed), group, "GROUP_AUTHORIZATION_FAILED", soon, nil},
		"no ACL for the transactional id": {true, refused(kmsg.InitProducerID, kerr.TransactionalIDAuthorizationFailed), "a session", "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
			later, nil},
		"transactions have no coordinator": {true, refused(kmsg.InitProducerID, kerr.CoordinatorNotAvailable), "a session", "COORDINATOR_NOT_AVAILABLE", late, nil},
		"too few replicas in sync":         {false, refused(kmsg.Produce, kerr.NotEnoughReplicas), write, "NOT_ENOUGH_REPLICAS", later, nil},
		"an output partition has no leader": {false, refused(kmsg.Produce, kerr.LeaderNotAvailable), write, "LEADER_NOT_AVAILABLE",
			later, nil},
		"a transaction does not end":       {false, refused(kmsg.EndTxn, kerr.CoordinatorNotAvailable), end, "COORDINATOR_NOT_AVAILABLE", later, nil},
		"a transaction ends for ever":      {false, refused(kmsg.EndTxn, kerr.ConcurrentTransactions), end, "CONCURRENT_TRANSACTIONS", later, nil},
		"offsets are not taken":            {false, refused(kmsg.TxnOffsetCommit, kerr.CoordinatorLoadInProgress), "", "", late, nil},
		"a partition of the input is away": {false, refused(kmsg.Fetch, kerr.NotLeaderForPartition), read, "NOT_LEADER_FOR_PARTITION", late, nil},
		"a disk of the broker fails":       {false, refused(kmsg.Fetch, kerr.KafkaStorageError), read, "KAFKA_STORAGE_ERROR", late, nil},
		"the topic's ends cannot be told":  {false, refused(kmsg.ListOffsets, kerr.LeaderNotAvailable), "ends of topic", "LEADER_NOT_AVAILABLE", late, nil},
		"no ACL to describe the topic":     {false, refused(kmsg.ListOffsets, kerr.TopicAuthorizationFailed), "ends of topic", "TOPIC_AUTHORIZATION_FAILED", later, nil},
		"the topic is gone":                {false, refused(kmsg.Metadata, kerr.UnknownTopicOrPartition), "", "UNKNOWN_TOPIC_OR_PARTITION", late, []string{read, "ends of topic", write}},
		"a writer's transaction is open":   {false, openTransaction, "open transaction", "none", late, nil},
		"the broker is away":               {false, func(s *stand) { s.trouble.set(true, 0); s.undo = func() { s.trouble.set(false, 0) } }, "", "refused", late, []string{read, "ends of topic", write, end, group}},
		"the broker answers nothing": {false, func(s *stand) {
			s.trouble.hush(true)
			s.undo = func() { s.trouble.hush(false) }
		}, "", "deadline exceeded", late, []string{read, "ends of topic", write, end, group}},
		"the disk hangs": {false, func(s *stand) {
			stuck := make(chan struct{})
			s.write = func() error { <-stuck; return nil }
			s.undo = func() { close(stuck) }
		}, "checkpoint", "none", late, []string{read, "score"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *stand) { s.told(c) })
		})
	}
}

// told runs a detector that stands still for that cause.
func (s *stand) told(c cause) {
	if c.atStart {
		c.fault(s)
	}
	s.start(true)
	begin := time.Now()
	if !c.atStart {
		s.feed(10)
		time.Sleep(2 * time.Minute)
		if early := s.lines(stands); len(early) > 0 {
			s.Fatalf("before there was a cause: %+v", early)
		}
		begin = time.Now()
		c.fault(s)
		s.feed(10)
	}
	time.Sleep(5 * time.Minute)
	var told []logLine
	for _, l := range s.lines(stands) {
		if strings.Contains(l.Waiting, c.waiting) {
			told = append(told, l)
			continue
		}
		known := false
		for _, other := range c.others {
			known = known || strings.Contains(l.Waiting, other)
		}
		if !known {
			s.Errorf("stands still for what else? %+v", l)
		}
	}
	most := 4 // at once, and half a minute, one and a half and three and a half later
	if len(c.others) > 0 {
		most = 12
	}
	for _, l := range s.lines(over) {
		if strings.Contains(l.Waiting, cmp.Or(c.waiting, l.Waiting)) {
			s.Errorf("it is said to be over: %+v", l)
		}
	}
	if len(told) < 3 || len(told) > most {
		s.Fatalf("in 5 minutes %d lines: %+v\n%s", len(told), told, tail(s.out.String()))
	}
	named := false
	for _, l := range told {
		named = named || strings.Contains(l.Error, c.err)
		if l.Level != "WARN" || l.Advice == "" {
			s.Errorf("told as %+v", l)
		}
	}
	if first := told[0]; first.Time.Sub(begin) > c.within || !named {
		s.Errorf("told after %s, want within %s, as %+v; want %s", first.Time.Sub(begin), c.within, first, c.err)
	}
	if minutes := len(s.lines("summary")); minutes < 4 {
		s.Errorf("%d summaries in 5 minutes", minutes)
	}
	s.mend()
	time.Sleep(2 * time.Minute)
	if len(s.lines(over)) == 0 {
		s.Errorf("mended, and not a line; the log ends with\n%s", tail(s.out.String()))
	}
	before := len(s.lines(stands, over))
	s.feed(10)
	time.Sleep(10 * time.Minute)
	if after := s.lines(stands, over)[before:]; len(after) > 0 {
		s.Errorf("mended, and told: %+v", after)
	}
	s.stop()
	if summaries := s.lines("summary"); summaries[len(summaries)-2].Lag != 0 {
		s.Errorf("the lag is %d at last", summaries[len(summaries)-2].Lag)
	}
}

func tail(text string) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// TestHealthyDetectorsAreNotSaidToStandStill: neither with nothing to read, nor with
// little, nor while a long history is read from a slow broker.
func TestHealthyDetectorsAreNotSaidToStandStill(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		inBubble(t, func(s *stand) {
			s.start(true)
			time.Sleep(time.Hour)
			s.healthy()
		})
	})
	t.Run("slow", func(t *testing.T) {
		inBubble(t, func(s *stand) {
			s.start(true)
			for range 100 {
				s.feed(1)
				time.Sleep(23 * time.Second)
			}
			s.healthy()
		})
	})
	t.Run("aborted records at the end", func(t *testing.T) {
		inBubble(t, func(s *stand) {
			s.start(true)
			for range 20 {
				openTransaction(s)
				time.Sleep(time.Second)
				s.undo()
				time.Sleep(40 * time.Second)
			}
			s.healthy()
		})
	})
	t.Run("replay", func(t *testing.T) {
		inBubble(t, func(s *stand) {
			s.start(false)
			s.feed(2000)
			time.Sleep(time.Minute)
			s.stop()
			// Each answer takes 0.6 s, and has a record.
			s.options = []kgo.Opt{kgo.FetchMaxPartitionBytes(1), kgo.FetchMaxBytes(1), kgo.MaxConcurrentFetches(1)}
			s.trouble.set(false, 300*time.Millisecond)
			s.start(false)
			begin := time.Now()
			for len(s.lines("partition ready")) < 4 {
				time.Sleep(time.Second)
			}
			if took := time.Since(begin); took < 3*time.Minute {
				s.Errorf("the replay took %s only", took)
			}
			s.trouble.set(false, 0)
			time.Sleep(time.Minute)
			s.healthy()
		})
	})
}

// healthy stops a detector that has not stood still.
func (s *stand) healthy() {
	s.Helper()
	s.stop()
	if told := s.lines(stands, over); len(told) > 0 {
		s.Errorf("told %+v", told)
	}
	for _, l := range s.lines("summary") {
		if l.Level != "INFO" {
			s.Errorf("%+v", l)
		}
	}
	summaries := s.lines("summary")
	if last := summaries[len(summaries)-1]; last.Lag != 0 || last.Behind_open_transactions != 0 {
		s.Errorf("the lag is %+v", last)
	}
}

// TestLagIsThatOfTheLogsEnd: what is behind an open transaction is told apart, and markers
// and aborted records are none.
func TestLagIsThatOfTheLogsEnd(t *testing.T) {
	inBubble(t, func(s *stand) {
		s.start(true)
		s.feed(10)
		time.Sleep(2 * time.Minute)
		openTransaction(s)
		s.feed(6) // three of them behind the transaction
		time.Sleep(2 * time.Minute)
		last := s.summary()
		if last.Lag != 4 || last.Behind_open_transactions != 4 {
			s.Errorf("with an open transaction: lag %d, %d behind it; want 4 and 4", last.Lag, last.Behind_open_transactions)
		}
		if told := s.lines(stands); len(told) == 0 || !strings.Contains(told[0].Writer, "upstream") || !strings.Contains(told[0].Writer, "offset 5") {
			s.Errorf("the writer is told as %+v", told)
		}
		s.undo()
		time.Sleep(2 * time.Minute)
		if last = s.summary(); last.Lag != 0 || last.Behind_open_transactions != 0 {
			s.Errorf("after it was aborted: lag %d, %d behind it; want none", last.Lag, last.Behind_open_transactions)
		}
		s.stop()
	})
}

func (s *stand) summary() logLine {
	all := s.lines("summary")
	return all[len(all)-1]
}

// TestFullDiskIsTold, by what stops the intake, and by nothing else besides.
func TestFullDiskIsTold(t *testing.T) {
	inBubble(t, func(s *stand) {
		s.start(true)
		s.feed(10)
		time.Sleep(time.Minute)
		s.full.Store(true)
		s.feed(10)
		time.Sleep(5 * time.Minute)
		if told := s.lines("intake is stopped: the state cannot be stored"); len(told) < 4 {
			s.Errorf("told as %+v", told)
		}
		s.full.Store(false)
		time.Sleep(time.Minute)
		s.healthy()
	})
}

// TestHistoryThatCannotBeReadIsTold.
func TestHistoryThatCannotBeReadIsTold(t *testing.T) {
	inBubble(t, func(s *stand) {
		s.start(false)
		s.feed(10)
		time.Sleep(time.Minute)
		s.stop()
		s.fail(kmsg.Fetch, kerr.KafkaStorageError)
		begin := time.Now()
		s.start(false)
		time.Sleep(2 * time.Minute)
		told := s.lines(stands)
		if len(told) != 3 || !strings.Contains(told[0].Waiting, "history") || !strings.Contains(told[0].Error, "KAFKA_STORAGE_ERROR") ||
			told[0].Time.Sub(begin) > 25*time.Second {
			s.Errorf("told as %+v", told)
		}
		if ready := len(s.lines("partition ready")); ready != 2 { // of the first start
			s.Errorf("without its history it is ready: %d", ready)
		}
		s.mend()
		time.Sleep(time.Minute)
		if len(s.lines(over)) != 1 {
			s.Errorf("its end is told as %+v", s.lines(over))
		}
		s.stop()
	})
}
