package actors_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"anomalydetector/actors"
	"anomalydetector/messages"
	"anomalydetector/persistence"
	"anomalydetector/stream"
)

// journal collects a detector's log lines.
type journal struct {
	mu    sync.Mutex
	lines []byte
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line...)
	return len(line), nil
}

// panics are the lines of panics.
func (j *journal) panics(t *testing.T) (lines []map[string]any) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range bytes.Lines(j.lines) {
		fields := make(map[string]any)
		must(t, json.Unmarshal(line, &fields))
		if fields["msg"] == "panic" {
			lines = append(lines, fields)
		}
	}
	return lines
}

// poison makes an actor panic when it takes a message of some type.
type poison struct {
	actor, message string
	times          int64 // at most; 0: always
	when           func(message any) bool
	drunk          atomic.Int64
}

func (p *poison) touch(actor string, message any) {
	if !strings.HasPrefix(actor, p.actor) || fmt.Sprintf("%T", message) != p.message || p.when != nil && !p.when(message) {
		return
	}
	if n := p.drunk.Add(1); p.times == 0 || n <= p.times {
		deadly()
	}
}

// deadly is found in the stack.
func deadly() { panic("poison") }

// sick is a detector with state in a directory, whose messages are poisoned.
type sick struct {
	*node
	log   *journal
	store *persistence.Store
}

func (w *world) startSick(dir string, poisons []*poison, change func(*actors.Config)) *sick {
	w.Helper()
	s := &sick{log: &journal{}}
	var err error
	s.store, err = persistence.OpenStore(dir, persistence.Options{Journal: 10})
	must(w.T, err)
	s.node = w.start("one", func(c *actors.Config, streams *stream.Config) {
		c.Store, c.Log = s.store, slog.New(slog.NewJSONHandler(s.log, nil))
		c.SetPoison(func(actor string, message any) {
			for _, p := range poisons {
				p.touch(actor, message)
			}
		})
		if change != nil {
			change(c)
		}
		streams.Stored = c.StoredOffset
	})
	return s
}

// failsCommits has the commits of offsets fail, which aborts their transactions.
func (w *world) failsCommits(times int) {
	w.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.IllegalGeneration, Count: times})
}

// stored tells whether all that was fed is.
func (s *sick) stored() bool {
	ends, err := s.world.admin.ListEndOffsets(context.Background(), inputTopic)
	must(s.world.T, err)
	all := true
	ends.Each(func(end kadm.ListedOffset) {
		offset, _ := s.config.StoredOffset(end.Partition, messages.Identity{})
		all = all && offset == end.Offset
	})
	return all
}

// asksUntil asks for an entity again and again.
func (s *sick) asksUntil(over <-chan struct{}) {
	key := string(s.world.read(outputTopic)[0].Key)
	for {
		select {
		case <-over:
			return
		case <-time.After(20 * time.Millisecond):
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			_, _, _ = actors.AskEntity(ctx, s.system.Root, s.pid, key)
			cancel()
		}
	}
}

func replayed(message any) bool { return !message.(*messages.Observation).Scored }
func scored(message any) bool   { return message.(*messages.Observation).Scored }

// sickness is a message whose processing panics.
type sickness struct {
	actor, message string
	when           func(any) bool
	offset         bool // the record is known
	aborts         bool // it needs transactions that are aborted
	rebuilds       bool // it needs a history to be read
	asked          bool // it needs a question
	final          bool // nothing goes on without it
}

func sicknesses() []sickness {
	return []sickness{
		{actor: "partition", message: "*actor.Started"},
		{actor: "partition", message: "*messages.Assignment"},
		{actor: "partition", message: "*messages.HistoryRead", rebuilds: true},
		{actor: "partition", message: "*messages.HistoryEnded"},
		{actor: "partition", message: "*messages.Slice"},
		{actor: "partition", message: "*actors.permitted"},
		{actor: "partition", message: "*messages.Committed"},
		{actor: "partition", message: "*messages.RolledBack", aborts: true},
		{actor: "partition", message: "*actors.checkpointWritten"},
		{actor: "partition", message: "*actors.entityAsked", asked: true},
		{actor: "entity", message: "*messages.Observation", when: scored, offset: true},
		{actor: "entity", message: "*messages.Observation", when: replayed, offset: true, rebuilds: true},
		{actor: "entity", message: "*messages.EntityRollBack", aborts: true},
		{actor: "entity", message: "*messages.WindowQuery"},
		{actor: "entity", message: "*actors.entityOpened"},
		{actor: "producer", message: "*actors.publishing", final: true},
		{actor: "producer", message: "*messages.Anomaly", offset: true},
		{actor: "producer", message: "*messages.Flush"},
	}
}

func (s sickness) name() string {
	name := s.actor + " " + strings.TrimPrefix(s.message, "*")
	if s.message == "*messages.Observation" && s.rebuilds {
		name += " in a replay"
	}
	return name
}

// spread feeds what is left of a case in parts, until it is over. It waits for a commit between two parts, so that there are
// many transactions.
func (w *world) spread(over <-chan struct{}) {
	size, before := len(w.golden.Records)/20+1, int64(-1)
	for w.fed < len(w.golden.Records) {
		select {
		case <-over:
			return
		case <-time.After(50 * time.Millisecond):
			if now := w.committed(); now > before {
				before = now
				w.feed(size)
			}
		}
	}
}

// begun has a third of a case committed and stored, in a directory.
func (w *world) begun(rebuilds bool) (dir string) {
	w.Helper()
	dir = filepath.Join(w.TempDir(), "data")
	s := w.startSick(dir, nil, nil)
	w.feed(len(w.golden.Records) / 3)
	w.untilCommitted()
	must(w.T, s.stop())
	must(w.T, s.store.Close())
	if rebuilds {
		must(w.T, os.RemoveAll(filepath.Join(dir, "state")))
	}
	return dir
}

// TestThirdPanicInARowEndsTheDetector, whichever message causes it. Each panic is logged
// once, with its stack and with what panicked.
func TestThirdPanicInARowEndsTheDetector(t *testing.T) {
	t.Parallel()
	for _, c := range sicknesses() {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "short_window_median")
			dir := w.begun(c.rebuilds)
			if c.aborts {
				w.failsCommits(-1)
			}
			s := w.startSick(dir, []*poison{{actor: c.actor, message: c.message, when: c.when}}, nil)
			over := make(chan struct{})
			var beside sync.WaitGroup
			if c.asked { // records would be committed between two questions, which ends the row
				beside.Go(func() { s.asksUntil(over) })
			} else {
				beside.Go(func() { w.spread(over) })
			}
			err := s.await()
			close(over)
			beside.Wait()
			s.once.Do(s.system.Shutdown)
			must(t, s.store.Close())
			if err == nil || !c.final && !strings.Contains(err.Error(), "poison") {
				t.Errorf("the detector ended with %v, want the panic", err)
			}
			lines := s.log.panics(t)
			most := (2 + 3) * int(w.golden.Partitions) // failures are counted apart while it scores and while it replays
			if len(lines) < 3 || len(lines) > most {
				t.Errorf("%d panics were told, want 3 to %d", len(lines), most)
			}
			if got := s.config.Counts.Panics.Load(); got != int64(len(lines)) {
				t.Errorf("%d panics were counted, %d told", got, len(lines))
			}
			if c.final {
				lines = lines[:1] // the others are what came of it
			}
			for _, line := range lines {
				_, offset := line["offset"]
				_, partition := line["partition"]
				if !strings.Contains(fmt.Sprint(line["stack"]), "deadly") || line["cause"] != "poison" || line["topic"] != inputTopic ||
					c.offset && !offset || c.actor != "producer" && !partition {
					t.Errorf("a panic was told as %v", line)
				}
			}
		})
	}
}

// TestPanicsThatEndChangeNothing: after two panics in a row, progress, and two more, the
// anomalies are the same as without panics.
func TestPanicsThatEndChangeNothing(t *testing.T) {
	t.Parallel()
	for _, c := range sicknesses() {
		if c.final {
			continue
		}
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "short_window_median")
			dir := w.begun(c.rebuilds)
			p := &poison{actor: c.actor, message: c.message, when: c.when, times: 2}
			if c.asked {
				p.times = 1 // questions do not wait for progress
			}
			s := w.startSick(dir, []*poison{p}, nil)
			over := make(chan struct{})
			var beside sync.WaitGroup
			if c.asked {
				beside.Go(func() { s.asksUntil(over) })
			}
			half := len(w.golden.Records) / 5
			for range 2 {
				if c.aborts {
					w.failsCommits(2)
				}
				w.feed(half)
				w.untilCommitted()
				if c.asked || c.message == "*actors.checkpointWritten" {
					w.until("it has panicked", func() bool { return p.drunk.Load() >= p.times })
				}
				p.drunk.Add(p.times) // no more of them, until there was progress
				w.feed(half / 4)
				w.untilCommitted()
				w.until("it is stored", s.stored)
				p.drunk.Store(0)
			}
			p.drunk.Add(p.times)
			w.feed(len(w.golden.Records))
			w.untilCommitted()
			close(over)
			beside.Wait()
			must(t, s.stop())
			must(t, s.store.Close())
			if len(s.log.panics(t)) == 0 {
				t.Error("nothing panicked: the test has not tested anything")
			}
			w.verify()
		})
	}
}

// TestOthersGoOnWhileAPartitionPanics: commits of other partitions are no progress of the
// one that panics.
func TestOthersGoOnWhileAPartitionPanics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "hegemony_median")
	dir := filepath.Join(t.TempDir(), "data")
	over := make(chan struct{})
	s := w.startSick(dir, []*poison{{actor: "partition 2", message: "*messages.Slice"}}, func(c *actors.Config) {
		c.Reader = &lateHistory{c.Reader, w, 2, over}
	})
	var beside sync.WaitGroup
	beside.Go(func() { w.spread(over) })
	err := s.await()
	close(over)
	beside.Wait()
	s.once.Do(s.system.Shutdown)
	must(t, s.store.Close())
	if err == nil {
		t.Error("the detector ended cleanly")
	}
	if lines := s.log.panics(t); len(lines) != 3 {
		t.Errorf("partition 2 panicked %d times, want 3", len(lines))
	}
	if w.committed() == 0 {
		t.Error("the others committed nothing")
	}
}

// lateHistory lets a partition be ready when others have committed something meanwhile.
type lateHistory struct {
	actors.HistoryReader
	world     *world
	partition int32
	over      <-chan struct{}
}

func (l *lateHistory) Read(ctx context.Context, span stream.Span, deliver func(stream.Replayed) error) (int64, error) {
	for before := l.world.committed(); span.Partition == l.partition && l.world.committed() <= before; {
		select {
		case <-l.over:
			return 0, context.Canceled
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return l.HistoryReader.Read(ctx, span, deliver)
}

// unreadable is a history whose reading panics.
type unreadable struct{ actors.HistoryReader }

func (unreadable) Read(context.Context, stream.Span, func(stream.Replayed) error) (int64, error) {
	deadly()
	return 0, nil
}

// TestPanicOfAGoroutineEndsTheDetector and not the process. The panic is logged.
func TestPanicOfAGoroutineEndsTheDetector(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*actors.Config){
		"the history": func(c *actors.Config) { c.Reader = unreadable{c.Reader} },
		"a transaction's end": func(c *actors.Config) {
			open := c.Open
			c.Open = func(ctx context.Context) (actors.Session, error) {
				session, err := open(ctx)
				return &ending{session}, err
			}
		},
		"the opening": func(c *actors.Config) {
			c.Open = func(context.Context) (actors.Session, error) { deadly(); return nil, nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "short_window_median")
			s := w.startSick(w.begun(true), nil, change)
			w.feed(500)
			err := s.await()
			s.once.Do(s.system.Shutdown)
			must(t, s.store.Close())
			lines := s.log.panics(t)
			if err == nil || len(lines) == 0 || !strings.Contains(fmt.Sprint(lines[0]["stack"]), "deadly") {
				t.Errorf("it ended with %v, and told %v", err, lines)
			}
		})
	}
}

// ending panics at the end of a transaction.
type ending struct{ actors.Session }

func (e *ending) End(context.Context, bool) (bool, error) { deadly(); return false, nil }

// TestPanicAtTheEndEndsAllTheSame: a detector that stops ends even if it, or one of its
// partitions, panics.
func TestPanicAtTheEndEndsAllTheSame(t *testing.T) {
	t.Parallel()
	for _, p := range []*poison{
		{actor: "partition", message: "*actor.Stopping"}, {actor: "detector", message: "*actors.closed"},
		{actor: "detector", message: "*messages.Stop"},
		{actor: "producer", message: "*actor.Stopping"},
	} {
		t.Run(p.actor+" "+p.message, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "short_window_median")
			s := w.startSick(w.begun(false), []*poison{p}, nil)
			w.feed(1000)
			w.untilCommitted()
			err := s.stop()
			must(t, s.store.Close())
			if wanted := p.message == "*actors.closed" || p.message == "*messages.Stop"; wanted != (err != nil) {
				t.Errorf("it ended with %v", err)
			}
			if len(s.log.panics(t)) == 0 {
				t.Error("the panic was not told")
			}
		})
	}
}

// TestProducerThatPanicsWhileARoundIsDiscardedGoesOn: the detector waits for its answer.
func TestProducerThatPanicsWhileARoundIsDiscardedGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "short_window_median")
	discard := &poison{actor: "producer", message: "*messages.Discard", times: 1}
	s := w.startSick(w.begun(false), []*poison{discard, {actor: "partition", message: "*messages.Slice", times: 1}}, nil)
	w.feed(len(w.golden.Records))
	w.untilCommitted()
	must(t, s.stop())
	must(t, s.store.Close())
	if discard.drunk.Load() == 0 || len(s.log.panics(t)) != 2 {
		t.Errorf("%d discards, %d panics", discard.drunk.Load(), len(s.log.panics(t)))
	}
	w.verify()
}
