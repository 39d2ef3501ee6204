//go:build synctests

package simulation

import (
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

// transcript takes what the program prints.
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

// stand is a broker in a bubble, with a detector whose records are all bad. Each becomes a
// dead letter.
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
	full    atomic.Bool  // the disk is
	more    string       // lines of the configuration
	write   func() error // called before each write of the store
	trouble *badNetwork  // between the detector and the broker
	options []kgo.Opt    // of the detector's clients
	faults  []*kfake.FaultHandle
	undo    func()
}

// badNetwork carries data between the detector and the broker, slowly or not at all.
type badNetwork struct {
	mu    sync.Mutex
	away  bool
	mute  bool          // no answer arrives
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
	standInput, standDeadLetters = "in", "bad"
	standConf                    = `[io]
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

// inBubble runs a test in virtual time, with a broker.
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
			time.Sleep(time.Minute) // goroutines that the actor library leaves end meanwhile
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

// feed writes bad records, in turn to both partitions.
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
		fault.Topic = standDeadLetters // the test itself has to write
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
	Waited                                string `json:"waited_for"` // of a standstill that is over
	Error                                 string `json:"last_error"`
	Advice                                string `json:"what_to_do"`
	Writer                                string
	Stood                                 string `json:"stood_for"`
	Lag, Behind_open_transactions, Points int64
}

// lines are the lines of the log that have one of these messages.
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
