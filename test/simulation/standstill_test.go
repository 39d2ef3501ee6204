//go:build synctests

package simulation

import (
	"cmp"
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"anomalydetector/test/transactions"
)

// The whole program runs on an embedded broker, in virtual time. When it stands still it says
// so in time, with the cause, and again at growing intervals. It also says when that is over.

const stands, over = "the detector stands still", "the standstill is over"

// cause is why a detector stands still.
type cause struct {
	atStart bool // the fault is there before the detector
	fault   func(*stand)
	waiting string // a part of what the detector says it waits for
	err     string // a pattern of the error that it says it got
	within  time.Duration
	// others are parts of what it may also say it waits for.
	others []string
}

func refused(key kmsg.Key, err *kerr.Error) func(*stand) {
	return func(s *stand) { s.fail(key, err) }
}

// openTransaction lets another writer write, and leave its transaction open.
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
		if err := transactions.End(context.Background(), writer, standInput, kgo.TryAbort); err != nil {
			s.Error(err)
		}
		writer.Close()
	}
}

// TestWhatStandsStillIsTold takes each cause of a standstill. None goes without a log line.
func TestWhatStandsStillIsTold(t *testing.T) {
	const group, write, end, read = "consumer group group", "acknowledge", "transaction to end", "to be read and committed"
	const soon, later, late = 8 * time.Second, 20 * time.Second, 60 * time.Second
	for name, c := range map[string]cause{
		"another protocol in the group":    {true, refused(kmsg.JoinGroup, kerr.InconsistentGroupProtocol), group, "INCONSISTENT_GROUP_PROTOCOL", soon, nil},
		"no ACL for the group":             {true, refused(kmsg.JoinGroup, kerr.GroupAuthorizationFailed), group, "GROUP_AUTHORIZATION_FAILED", soon, nil},
		"session timeout out of bounds":    {true, refused(kmsg.JoinGroup, kerr.InvalidSessionTimeout), "", "INVALID_SESSION_TIMEOUT", later, nil},
		"the group is full":                {true, refused(kmsg.JoinGroup, kerr.GroupMaxSizeReached), group, "GROUP_MAX_SIZE_REACHED", later, nil},
		"an old broker":                    {true, refused(kmsg.JoinGroup, kerr.UnsupportedVersion), group, "UNSUPPORTED_VERSION", soon, nil},
		"no coordinator":                   {true, refused(kmsg.JoinGroup, kerr.CoordinatorNotAvailable), group, "COORDINATOR_NOT_AVAILABLE", later, nil},
		"the group puts it out":            {false, refused(kmsg.Heartbeat, kerr.GroupAuthorizationFailed), group, "GROUP_AUTHORIZATION_FAILED", soon, []string{end}},
		"the group's offsets are secret":   {true, refused(kmsg.OffsetFetch, kerr.GroupAuthorizationFailed), group, "GROUP_AUTHORIZATION_FAILED", soon, nil},
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
		}, "", "deadline exceeded|i/o timeout", late, []string{read, "ends of topic", write, end, group}},
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

// told runs a detector that stands still for this cause, and mends it.
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
	most := 4 // at once, and 30, 90 and 210 seconds later
	if len(c.others) > 0 {
		most = 12
	}
	for _, l := range s.lines(over) {
		if strings.Contains(l.Waited, cmp.Or(c.waiting, l.Waited)) {
			s.Errorf("it is said to be over: %+v", l)
		}
	}
	if len(told) < 3 || len(told) > most {
		s.Fatalf("in 5 minutes %d lines: %+v\n%s", len(told), told, tail(s.out.String()))
	}
	named := false
	for _, l := range told {
		named = named || regexp.MustCompile(c.err).MatchString(l.Error)
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

// TestRefusedStartHasOneLine: a start that cannot succeed ends with a line that says why, and is not said to stand still
// before, even if each try takes a second.
func TestRefusedStartHasOneLine(t *testing.T) {
	for _, pause := range []time.Duration{0, 40 * time.Millisecond} {
		t.Run(pause.String(), func(t *testing.T) {
			inBubble(t, func(s *stand) {
				s.trouble.set(false, pause)
				s.fail(kmsg.InitProducerID, kerr.TransactionalIDAuthorizationFailed)
				s.start(true)
				begin := time.Now()
				err := <-s.ended
				s.running = false
				if err == nil || len(s.lines("detector failed")) != 1 || !strings.Contains(s.out.String(), "transactional ids that begin with group.") {
					t.Errorf("ended with %v", err)
				}
				if told := strings.Count(s.out.String(), "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"); told != 1 {
					t.Errorf("told %d times, in %s:\n%s", told, time.Since(begin), tail(s.out.String()))
				}
			})
		})
	}
}

// TestHealthyDetectorsAreNotSaidToStandStill takes detectors that have nothing to read, or
// little, or that replay a long history from a slow broker.
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
			// Each answer takes 0.6 s, and has one record.
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

// healthy stops a detector, which must not have said that it stands still.
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

// TestLagIsThatOfTheLogsEnd: the lag counts to the end of the log. Records behind an open
// transaction are also counted apart. Markers and aborted records are no lag.
func TestLagIsThatOfTheLogsEnd(t *testing.T) {
	inBubble(t, func(s *stand) {
		s.start(true)
		s.feed(10)
		time.Sleep(2 * time.Minute)
		openTransaction(s)
		s.feed(6) // three of them lie behind the open transaction
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

// TestFullDiskIsTold: the line that the intake is stopped says so, and no other.
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

// TestHistoryThatCannotBeReadIsTold: a partition waits for its history, and says so.
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
