package simulation

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/tinylib/msgp/msgp"

	"anomalydetector/stream"
	"anomalydetector/test/naive"
)

// Scenario is all that a seed draws. It is data: it can run again, also with fewer faults.
type Scenario struct {
	Seed         uint64
	Nodes        int
	Partitions   int32
	Rules        Rules
	Commit       time.Duration // the commit interval
	Batch        int           // at most these records in a round
	DeadLetters  bool          // bad records are copied to a dead-letter topic
	MadeBefore   bool          // an operator has made the output topic
	Aborts       bool          // the feeder writes in transactions, and aborts some
	Timing       stream.Timing
	Length       time.Duration // of the time in which the feeder feeds
	Disk         Disk
	ProduceDelay time.Duration // that the client takes to accept a record
	ReadDelay    time.Duration // that a poll takes for each record
	Cluster      bool          // the nodes know each other
	Standbys     int
	// HandoffFrom is how many records a replay must have for other nodes to be asked first.
	HandoffFrom int64
	PeerDelay   time.Duration // of each answer of a node to another
	Sink        Sink          // what the output and dead-letter topics refuse
	Episodes    Episodes
	Outliers    int      // groups of records with timestamps of other times
	Records     []Record // in the order of feeding
	Faults      []Fault  // by time
}

// Disk is how the nodes store their state, and how slowly.
type Disk struct {
	Off     bool          // nothing is stored
	Delay   time.Duration // of each write
	Journal int           // at most these points in a partition's journal
	Split   int           // at most these writes in a transaction; 0: as many as fit
	Cached  int           // at most these entities of a partition in memory; 0: all
	Pending int           // from these pending points on, those that windows have lost are dropped
	Period  int           // at most these points after a state
	File    int           // from these bytes on, the blocks of a checkpoint get a file; 0: as a detector does
	// Postpone is how long a checkpoint may be postponed while the detector is behind the stream.
	Postpone time.Duration
}

// Record is an input record, with what the oracle has to know of it.
type Record struct {
	When    time.Duration // of feeding, after the start
	Entity  int
	At      int64 // its timestamp, in Unix milliseconds
	Key     string
	Value   float64
	Payload []byte
	Bad     string // the reason of the dead letter, if it is a bad record
	Odd     bool   // its timestamp is far from those of the other records
}

// brokers is how many the cluster has.
const brokers = 3

func brokerAddress(broker int) string { return fmt.Sprintf("127.0.0.1:%d", 9092+broker) }

// nodeAddress is where a node answers other nodes.
func nodeAddress(number int) string { return fmt.Sprintf("127.0.0.1:%d", 7101+number) }

// Draw makes the scenario of a seed. Settings, records and the first faults share a random
// source. Each later concern has its own, so it leaves what the others draw.
func Draw(seed uint64) *Scenario {
	d := dice{rand.New(rand.NewPCG(seed, 0x5eed))}
	s := &Scenario{
		Seed:       seed,
		Nodes:      1 + d.IntN(3),
		Partitions: int32(1 + d.IntN(4)),
		Rules: Rules{Rules: naive.Rules{
			GranularityMinutes: 15, HistoryHours: float64(2 + d.IntN(5)), MinRatio: []float64{0.2, 0.4, 0.6}[d.IntN(3)],
			Threshold: 3, MinDeviation: []float64{0.01, 0.1}[d.IntN(2)], Median: d.one(2),
		}},
		Commit:      []time.Duration{200 * time.Millisecond, time.Second, 3 * time.Second}[d.IntN(3)],
		Batch:       []int{3, 50, 20_000}[d.IntN(3)],
		DeadLetters: !d.one(4),
		MadeBefore:  d.one(2),
		Aborts:      d.one(4),
		Timing: stream.Timing{
			Session: 6 * time.Second, Rebalance: 15 * time.Second, Transaction: 10 * time.Second,
			Backoff: []time.Duration{100 * time.Millisecond, time.Second}[d.IntN(2)],
		},
		Length: d.between(15*time.Second, 60*time.Second),
	}
	s.drawRecords(d)
	s.drawFaults(d)
	s.drawDisk(dice{rand.New(rand.NewPCG(seed, 0xd15c))})
	s.drawAbsence(dice{rand.New(rand.NewPCG(seed, 0xab5e))})
	s.drawLateReturns(dice{rand.New(rand.NewPCG(seed, 0x1a7e))})
	s.drawOutliers(dice{rand.New(rand.NewPCG(seed, 0x0dd5))})
	s.drawCluster(dice{rand.New(rand.NewPCG(seed, 0xc105))})
	s.drawIdentity(dice{rand.New(rand.NewPCG(seed, 0x1d))})
	s.ProduceDelay = []time.Duration{0, time.Millisecond, 30 * time.Millisecond, 300 * time.Millisecond}[dice{rand.New(rand.NewPCG(seed, 0x510e))}.IntN(4)]
	s.drawSink(dice{rand.New(rand.NewPCG(seed, 0x51a7))})
	s.drawEpisodes(dice{rand.New(rand.NewPCG(seed, 0xe915))})
	s.drawPostponing(dice{rand.New(rand.NewPCG(seed, 0x0ed))})
	s.drawMethod(dice{rand.New(rand.NewPCG(seed, 0x4ab1))})
	s.Disk.File = []int{0, 1, 200}[dice{rand.New(rand.NewPCG(seed, 0xf11e))}.IntN(3)]
	return s
}

// dice is a random source with what the simulation draws often.
type dice struct{ *rand.Rand }

func (d dice) one(in int) bool { return d.IntN(in) == 0 }

func (d dice) between(low, high time.Duration) time.Duration {
	return low + time.Duration(d.Int64N(int64(high-low)))
}

const (
	quarter = int64(15 * time.Minute / time.Millisecond)
	// begin of the stream: three months before the bubble's clock begins.
	begin = int64(946_684_800_000) - 90*24*4*quarter
)

// drawRecords makes a stream like a real one at its worst: late records, gaps, bursts, bad
// records, entities that vanish and come back, and timestamps of other ages.
func (s *Scenario) drawRecords(d dice) {
	entities, bins := 3+d.IntN(10), 40+d.IntN(60)
	wild := 20 + d.IntN(200) // one in this many records is unusual
	when, at := time.Duration(0), begin
	for bin := range bins {
		at += quarter
		if d.one(40) {
			at += d.Int64N(60 * 4 * quarter) // nobody publishes anything for up to 60 hours
		}
		switch d.IntN(8) {
		case 0: // a burst: with the records before
		case 1:
			when += 3 * s.Length / time.Duration(bins)
		default:
			when += s.Length / time.Duration(bins)
		}
		for entity := range entities {
			away := entity%6 == 5 && bin/24%2 == 1
			if away || d.one(20) {
				continue
			}
			s.Records = append(s.Records, s.drawRecord(d, entity, at, wild, when))
		}
	}
}

// drawAbsence lets an entity be away while the others go on. It comes back when the detector
// has removed it.
func (s *Scenario) drawAbsence(d dice) {
	if !d.one(2) {
		return
	}
	all := len(s.Records)
	away, long := s.Records[d.IntN(all)].Entity, int64(26+s.Rules.HistoryHours)*4*quarter
	from, jump, until := all/5, all*2/5, all*(50+d.IntN(45))/100
	kept := s.Records[:0]
	for number, r := range s.Records {
		if number > jump && r.At > 1 { // not those of 1970 and before
			r.At += long
		}
		if r.Entity != away || number < from || number > until {
			kept = append(kept, r)
		}
	}
	s.Records = kept
}

func (s *Scenario) drawRecord(d dice, entity int, at int64, wild int, when time.Duration) Record {
	r := Record{When: when, Entity: entity, At: at, Key: fmt.Sprintf("e%d", entity), Value: 0.5 + 0.05*d.Float64()}
	if d.one(12) {
		r.Value *= 1.5 + 2*d.Float64()
	}
	if d.one(wild) {
		switch d.IntN(6) {
		case 0:
			r.At -= d.Int64N(4 * quarter) // late, within the hour
		case 1:
			r.At -= d.Int64N(80 * quarter) // late by up to 20 hours
		case 2:
			r.At = 1 // 1970
		case 3:
			r.Value = []float64{0, -1e300, 1e300, math.SmallestNonzeroFloat64, 0.5}[d.IntN(5)]
		case 4:
			r.spoil(d)
			return r
		case 5:
			r.At += d.Int64N(200 * quarter) // up to 50 hours too early
		}
	}
	r.Payload = point(r.Key, r.Value)
	return r
}

func point(key string, value float64) []byte {
	payload := msgp.AppendMapHeader(nil, 2)
	payload = msgp.AppendString(msgp.AppendString(payload, "k"), key)
	return msgp.AppendFloat64(msgp.AppendString(payload, "v"), value)
}

// spoil makes a bad record.
func (r *Record) spoil(d dice) {
	whole := point(r.Key, r.Value)
	switch d.IntN(8) {
	case 0:
		r.Bad, r.Payload = "tombstone", nil
	case 1:
		r.Bad, r.Payload = "not_msgpack", []byte{0xc1, 'x'}
	case 2:
		r.Bad, r.Payload = "not_a_map", msgp.AppendString(nil, "text")
	case 3:
		r.Bad, r.Payload = "truncated", whole[:1+d.IntN(len(whole)-1)]
	case 4:
		r.Bad, r.Payload = "field_missing", msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "k"), r.Key)
	case 5:
		r.Bad, r.Payload = "value_not_finite", point(r.Key, math.NaN())
	case 6:
		r.Bad = "value_not_a_number"
		r.Payload = msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 2), "k"), r.Key)
		r.Payload = msgp.AppendString(msgp.AppendString(r.Payload, "v"), "much")
	case 7:
		r.Bad, r.At, r.Payload = "negative_timestamp", -1-d.Int64N(5), whole
	}
}

// Words describe the scenario to the reader of a failure.
func (s *Scenario) Words() string {
	var text strings.Builder
	metric := "mean"
	if s.Rules.Median {
		metric = "median"
	}
	if s.Rules.Habit {
		metric = fmt.Sprintf("method habit, a point each %g h", s.Rules.GranularityMinutes/60)
	}
	fmt.Fprintf(&text, "seed %d: %d nodes, %d partitions, %d records in %.0f s; history %g h, ratio %g, %s; commit %s, batch %d, backoff %s",
		s.Seed, s.Nodes, s.Partitions, len(s.Records), s.Length.Seconds(), s.Rules.HistoryHours, s.Rules.MinRatio, metric,
		s.Commit, s.Batch, s.Timing.Backoff)
	for _, extra := range []struct {
		is   bool
		word string
	}{{s.DeadLetters, "dead letters"}, {s.MadeBefore, "output topic made before"}, {s.Aborts, "the feeder aborts some transactions"}} {
		if extra.is {
			text.WriteString(", " + extra.word)
		}
	}
	if s.Disk.Off {
		fmt.Fprintf(&text, "; producing takes %s, reading %s; nothing is stored\n", s.ProduceDelay, s.ReadDelay)
	} else {
		fmt.Fprintf(&text, "; producing takes %s, reading %s, writes take %s, journal %d, split %d, cached %d, states after %d points, postponed for %s or up to %d points, files from %d bytes\n",
			s.ProduceDelay, s.ReadDelay, s.Disk.Delay, s.Disk.Journal, s.Disk.Split, s.Disk.Cached, s.Disk.Period, s.Disk.Postpone, s.Disk.Pending, s.Disk.File)
	}
	text.WriteString(s.Sink.words())
	text.WriteString(s.Episodes.words())
	if s.Cluster {
		fmt.Fprintf(&text, "  the nodes know each other: %d standbys, handoffs from %d records on, answers take %s\n", s.Standbys, s.HandoffFrom, s.PeerDelay)
	}
	if s.Outliers > 0 {
		fmt.Fprintf(&text, "  %d groups of records have timestamps of other times\n", s.Outliers)
	}
	if len(s.Faults) == 0 {
		text.WriteString("  no fault\n")
	}
	for _, f := range s.Faults {
		fmt.Fprintf(&text, "  %s\n", f)
	}
	return text.String()
}

// without returns the scenario without the faults [from, until).
func (s *Scenario) without(from, until int) *Scenario {
	less := *s
	less.Faults = slices.Concat(s.Faults[:from], s.Faults[until:])
	return &less
}
