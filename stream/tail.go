package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
)

// Listener takes what FollowOutput reads. One goroutine calls its methods, one after the other.
type Listener interface {
	// Begin says at which offset each partition in from begins, or goes on after records were deleted;
	// earlier records are not given. All records at or after since, Unix milliseconds, are given. Older ones may
	// be left out; if since is 0, they are given, too. With anew, all that was given before is void: the topic is another one,
	// or has lost records that were given, so that other records may be at the same offsets. Fields of topic
	// that are not known are empty.
	Begin(topic messages.Identity, from map[int32]int64, since int64, anew bool)
	// Own says whether a record comes from the listener's detector. Only such records decide where the span
	// begins: other detectors may share the topic, and be far ahead.
	Own(record *kgo.Record) bool
	// Add gives committed records, those of a partition in the order of their offsets. Next holds the next
	// offset of each partition in which reading went on, even if there was only a transaction marker.
	Add(records []*kgo.Record, next map[int32]int64)
	// Tell says whether the end of the topic has been reached once, and what is wrong; empty: nothing.
	Tell(caught bool, problem string)
}

// How many bytes a tail's client fetches ahead from each broker and partition, and how many records it hands
// on at once.
const (
	tailBytes          = 2 << 20
	tailPartitionBytes = 256 << 10
	tailBatch          = 2000
)

// tail reads the output topic. Its config is a copy that names the output topic as the input topic.
type tail struct {
	config Config
	span   time.Duration
	to     Listener

	topic   messages.Identity
	next    map[int32]int64 // the next offset of each partition; nil before the first
	caught  bool            // the end of the topic has been reached once
	problem string
	missing int  // how often in a row a look has not found the topic
	broken  bool // the listener has panicked and has not begun anew since
	panics  int  // how many panics in a row, without reaching the end between them
}

// FollowOutput gives a listener the committed records of the output topic until the context ends. It begins
// with the records whose timestamp is at most span before the listener's newest one. It belongs to no
// consumer group and has a client of its own. If anything goes wrong, even a panic of the listener, it tells
// the listener and tries again.
func FollowOutput(ctx context.Context, config Config, span time.Duration, to Listener) {
	config.InputTopic = config.OutputTopic
	if config.Observer != nil {
		// The detector's watch must not see the tail's errors. An outage is still logged once for both.
		config.outages, config.Observer = &config.Observer.outages, nil
	}
	t := &tail{config: config, span: span, to: to}
	for failures := 0; ctx.Err() == nil; {
		var progress bool
		err := t.safely(func() (err error) {
			progress, err = t.read(ctx)
			return err
		})
		if ctx.Err() != nil {
			return
		}
		if progress {
			failures = 0
		}
		if err == nil {
			continue
		}
		_ = t.safely(func() error { // a panic in here has been logged
			t.tell(err.Error())
			return nil
		})
		failures++
		pause(ctx, t.wait(failures))
	}
}

func pause(ctx context.Context, length time.Duration) {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// tell tells the listener what has changed.
func (t *tail) tell(problem string) {
	t.problem = problem
	t.to.Tell(t.caught, problem)
}

// read reads with one client until something is wrong or the partitions change. It returns whether it has
// read anything.
func (t *tail) read(ctx context.Context) (progress bool, err error) {
	client, err := kgo.NewClient(append(t.config.client("tail"), kgo.WithContext(ctx),
		kgo.FetchMaxBytes(tailBytes), kgo.FetchMaxPartitionBytes(tailPartitionBytes),
		kgo.KeepControlRecords(), // a partition may end with one
	)...)
	if err != nil {
		return false, fmt.Errorf("create Kafka client: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	ends, err := t.ends(ctx, admin)
	if err != nil {
		return false, err
	}
	if err := t.begin(ctx, client, admin, ends); err != nil {
		return false, err
	}
	places := make(map[int32]kgo.Offset)
	for partition, offset := range t.next {
		places[partition] = kgo.NewOffset().At(offset)
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{t.config.InputTopic: places})
	looked := t.config.now()
	t.reach(ends)
	for ctx.Err() == nil {
		every := t.config.lookAtTopic()
		if !t.caught {
			every = min(every, 2*time.Second)
		}
		if t.config.now().Sub(looked) >= every {
			again, err := t.look(ctx, client, admin, ends)
			if again || err != nil {
				return progress, err
			}
			looked = t.config.now()
		}
		read, err := t.poll(ctx, client, every)
		progress = progress || read
		if err != nil {
			return progress, err
		}
		t.reach(ends)
	}
	return progress, ctx.Err()
}

// poll waits for records, at most for the given time, and gives them to the listener.
func (t *tail) poll(ctx context.Context, client *kgo.Client, most time.Duration) (read bool, err error) {
	waiting, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	fetches := client.PollRecords(waiting, tailBatch)
	if err := t.config.same(t.topic, fetches); err != nil {
		return false, err
	}
	next := make(map[int32]int64)
	var records []*kgo.Record
	fetches.EachRecord(func(record *kgo.Record) {
		next[record.Partition] = record.Offset + 1
		if !record.Attrs.IsControl() {
			records = append(records, record)
		}
	})
	if len(next) > 0 {
		maps.Copy(t.next, next)
		t.to.Add(records, next)
		if t.problem != "" {
			t.tell("")
		}
	}
	for _, failed := range fetches.Errors() {
		if !transient(failed.Err) {
			return len(next) > 0, fmt.Errorf("read topic %s, partition %d: %w", t.config.InputTopic, failed.Partition, failed.Err)
		}
	}
	return len(next) > 0, nil
}

// reach notes it if all partitions have been read up to the given ends.
func (t *tail) reach(ends map[int32]Ends) {
	if t.caught {
		return
	}
	for partition, end := range ends {
		if t.next[partition] < end.Stable {
			return
		}
	}
	t.caught = true
	t.tell(t.problem)
}

// ends are the ends of the topic. It is an error if the topic does not exist.
func (t *tail) ends(ctx context.Context, admin *kadm.Client) (map[int32]Ends, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if _, err := t.config.identify(ctx, admin); err != nil {
		return nil, err
	}
	return endsOf(ctx, admin, t.config.InputTopic)
}

// look asks whether the topic is the same, has the same number of partitions, and answers at all. Until the
// end has been reached, it also finds out whether the rest of a partition has nothing to read, as after
// compaction. It returns again if reading has to begin again with another client.
func (t *tail) look(ctx context.Context, client *kgo.Client, admin *kadm.Client, ends map[int32]Ends) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	now, err := t.config.identify(ctx, admin)
	switch {
	case errors.Is(err, errNoTopic):
		if t.missing++; t.missing < missingLooks {
			return false, nil // a broker that has just started may not know it yet
		}
		return false, err
	case err != nil:
		t.tell("the broker does not answer: " + err.Error())
		return false, nil
	case t.topic.Differs(now):
		return true, nil
	}
	t.missing = 0
	id, leaders, err := leadersOf(ctx, admin, t.config.InputTopic)
	if err != nil {
		t.tell(err.Error())
		return false, nil
	}
	if len(leaders) > len(t.next) {
		return true, nil
	}
	if t.problem != "" {
		t.tell("")
	}
	if t.caught {
		return false, nil
	}
	for partition, end := range ends {
		if from := t.next[partition]; from < end.Stable {
			p := peek{config: t.config, client: client, id: id, partition: partition, leader: leaders[partition]}
			passed, err := p.pass(ctx, from, end.Stable)
			if err == nil && passed > from {
				t.next[partition] = passed
				t.to.Add(nil, map[int32]int64{partition: passed})
			}
		}
	}
	return false, nil
}
