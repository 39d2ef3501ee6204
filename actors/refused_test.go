package actors_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"anomalydetector/actors"
	"anomalydetector/messages"
	"anomalydetector/stream"
	"anomalydetector/test/sink"
)

// outPartitions are those of topics that the detector makes.
const outPartitions = 10

func headerOf(record *kgo.Record, name string) string {
	for _, header := range record.Headers {
		if header.Key == name {
			return string(header.Value)
		}
	}
	return ""
}

// isAnomaly tells an anomaly from a dead letter.
func isAnomaly(record *kgo.Record) bool { return headerOf(record, "id") != "" }

// refused: one in three anomalies, by the offset of its datapoint.
func refused(record *kgo.Record) bool {
	offset, _ := strconv.Atoi(headerOf(record, "offset"))
	return offset%3 == 0
}

// kept is a log in memory.
type kept struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (k *kept) Write(text []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.Write(text)
}

func (k *kept) count(what string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Count(k.text.String(), what)
}

// sum adds up a number of all lines.
func (k *kept) sum(name string) (sum int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, found := range regexp.MustCompile(`\b`+name+`=(\d+)`).FindAllStringSubmatch(k.text.String(), -1) {
		n, _ := strconv.Atoi(found[1])
		sum += n
	}
	return sum
}

// logged keeps what a detector logs.
func logged(change func(*actors.Config, *stream.Config)) (*kept, func(*actors.Config, *stream.Config)) {
	k := new(kept)
	return k, func(config *actors.Config, streams *stream.Config) {
		config.Log = slog.New(slog.NewTextHandler(k, nil))
		streams.Log = config.Log
		if change != nil {
			change(config, streams)
		}
	}
}

// verifyRefused checks that there are exactly the anomalies that were not refused,
// and a dead letter, once, for each of the others.
func (w *world) verifyRefused(deadLetters bool, is func(*kgo.Record) bool) (refusedOnes int) {
	w.Helper()
	offsets := make([]int64, w.golden.Partitions)
	type place struct {
		partition int32
		offset    int64
	}
	want, places := make(map[string]int), make(map[place]int)
	for number, record := range w.golden.Records {
		at := place{record.Partition, offsets[record.Partition]}
		offsets[record.Partition]++
		deviation, anomalous := w.golden.Expected[number]
		if !anomalous {
			continue
		}
		text := strconv.FormatInt(at.offset, 10)
		if is(&kgo.Record{Headers: []kgo.RecordHeader{{Key: "id", Value: []byte("x")}, {Key: "offset", Value: []byte(text)}}}) {
			places[at]++
			refusedOnes++
			continue
		}
		want[strconv.Itoa(int(at.partition))+"/"+text+" "+strconv.FormatFloat(deviation, 'g', -1, 64)]++
	}
	for _, record := range w.read(outputTopic) {
		fields, _, err := msgp.ReadMapStrIntfBytes(record.Value, nil)
		must(w.T, err)
		want[headerOf(record, "partition")+"/"+headerOf(record, "offset")+" "+strconv.FormatFloat(fields["deviation"].(float64), 'g', -1, 64)]--
	}
	for what, count := range want {
		if count != 0 {
			w.Errorf("anomaly %s: %d too few (negative: too many)", what, count)
		}
	}
	if !deadLetters {
		return refusedOnes
	}
	for _, record := range w.read(deadLetterTopic) {
		partition, _ := strconv.Atoi(headerOf(record, "partition"))
		offset, _ := strconv.ParseInt(headerOf(record, "offset"), 10, 64)
		places[place{int32(partition), offset}]--
	}
	for at, count := range places {
		if count != 0 {
			w.Errorf("dead letter of partition %d, offset %d: %d too few (negative: too many)", at.partition, at.offset, count)
		}
	}
	return refusedOnes
}

// TestAnomaliesThatTheTopicRefusesBecomeDeadLetters, and no others, whatever the reason
// is. All partitions go on.
func TestAnomaliesThatTheTopicRefusesBecomeDeadLetters(t *testing.T) {
	t.Parallel()
	for _, err := range []*kerr.Error{kerr.MessageTooLarge, kerr.InvalidRecord, kerr.RecordListTooLarge, kerr.PolicyViolation} {
		t.Run(err.Message, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "hegemony_mean")
			sink.Refuse(w.cluster, outputTopic, outPartitions, err, func(r *kgo.Record) bool { return isAnomaly(r) && refused(r) })
			log, change := logged(nil)
			n := w.start("one", change)
			w.feed(len(w.golden.Records))
			w.untilCommitted()
			must(t, n.stop())
			count := w.verifyRefused(true, refused)
			deadLetters := w.read(deadLetterTopic)
			if len(deadLetters) == 0 {
				t.Fatal("there is no dead letter, so the test tests nothing")
			}
			for _, dead := range deadLetters {
				reason := "anomaly_refused"
				if err == kerr.MessageTooLarge || err == kerr.RecordListTooLarge {
					reason = "anomaly_too_large"
				}
				if headerOf(dead, "reason") != reason || headerOf(dead, "error") != err.Message || headerOf(dead, "deviation") == "" {
					t.Fatalf("a dead letter has headers %v", dead.Headers)
				}
			}
			if told := log.sum("refused"); told != count { // there is a summary each minute, however long this takes
				t.Errorf("the summaries count %d refused anomalies, want %d", told, count)
			}
		})
	}
}

// TestRefusedAnomaliesDoNotHoldUpAnOldBroker: one with the protocol of 3.5.
func TestRefusedAnomaliesDoNotHoldUpAnOldBroker(t *testing.T) {
	t.Parallel()
	c, set := loadGolden(t, "short_window_median")
	w := newWorldOf(t, c, set, kfake.MaxVersions(kversion.V3_5_0()))
	w.refuseSome(nil)
}

// refuseSome feeds all to a detector whose output topic refuses some, and verifies.
func (w *world) refuseSome(change func(*actors.Config, *stream.Config)) {
	w.Helper()
	sink.Refuse(w.cluster, outputTopic, outPartitions, kerr.InvalidRecord, func(r *kgo.Record) bool { return isAnomaly(r) && refused(r) })
	w.feed(len(w.golden.Records))
	n := w.start("one", change)
	w.untilCommitted()
	must(w.T, n.stop())
	if w.verifyRefused(true, refused) == 0 {
		w.Error("nothing was refused, so the test tests nothing")
	}
}

// TestWhatIsRefusedOutlivesTheSession: each session that finds a refusal ends with its
// transaction, and its partitions are unassigned.
func TestWhatIsRefusedOutlivesTheSession(t *testing.T) {
	t.Parallel()
	newWorld(t, "short_window_median").refuseSome(func(config *actors.Config, _ *stream.Config) {
		open := config.Open
		config.Open = func(ctx context.Context) (actors.Session, error) {
			session, err := open(ctx)
			return &brittle{Session: session}, err
		}
	})
}

// brittle is a session that fails when a topic refuses a record. It begins without partitions.
type brittle struct {
	actors.Session
	broken, begun bool
}

func (b *brittle) Assignments() ([]messages.Assignment, bool) {
	if !b.begun {
		b.begun = true
		return nil, true
	}
	return b.Session.Assignments()
}

func (b *brittle) Flush(ctx context.Context) error {
	err := b.Session.Flush(ctx)
	var refused *stream.Refused
	b.broken = errors.As(err, &refused)
	return err
}

func (b *brittle) End(ctx context.Context, commit bool) (bool, error) {
	if b.broken {
		return false, errors.New("the session is broken")
	}
	return b.Session.End(ctx, commit)
}

// TestWithoutADeadLetterTopicARefusedAnomalyIsLogged with its position and entity. The
// stream goes on.
func TestWithoutADeadLetterTopicARefusedAnomalyIsLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "hegemony_mean")
	sink.Refuse(w.cluster, outputTopic, outPartitions, kerr.InvalidTimestamp, refused)
	log, change := logged(func(config *actors.Config, streams *stream.Config) {
		config.DeadLetterTopic, streams.DeadLetterTopic = "", ""
	})
	n := w.start("one", change)
	w.feed(len(w.golden.Records))
	w.untilCommitted()
	must(t, n.stop())
	if lines := log.count("going on without it"); lines == 0 || log.count("entity=") < lines || log.count("error=INVALID_TIMESTAMP") < lines {
		t.Errorf("%d anomalies were logged as refused", lines)
	}
	for _, record := range w.read(outputTopic) {
		if refused(record) {
			t.Errorf("the anomaly of offset %s was written", headerOf(record, "offset"))
		}
	}
}

// TestDeadLetterThatIsRefusedIsShortened, and gets a key and the present time. If that is
// refused, too, it is logged and counted.
func TestDeadLetterThatIsRefusedIsShortened(t *testing.T) {
	t.Parallel()
	small := func(r *kgo.Record) bool { return headerOf(r, "dead_letter_error") != "" }
	for name, taken := range map[string]bool{"the small one is taken": true, "the small one is refused": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "short_window_median")
			sink.Refuse(w.cluster, deadLetterTopic, outPartitions, kerr.InvalidTimestamp, func(r *kgo.Record) bool {
				return !isAnomaly(r) && (!taken || !small(r))
			})
			sink.Refuse(w.cluster, outputTopic, outPartitions, kerr.MessageTooLarge, func(r *kgo.Record) bool { return isAnomaly(r) && refused(r) })
			log, change := logged(nil)
			n := w.start("one", change)
			w.feed(len(w.golden.Records) / 2)
			w.produce(&kgo.Record{Value: []byte("\xc1bad")})
			bad := w.end() // of partition 0: none before it
			w.untilCommitted()
			must(t, n.stop())
			deadLetters := w.read(deadLetterTopic)
			if !taken {
				if len(deadLetters) > 0 || log.count("the dead-letter topic refuses") == 0 {
					t.Errorf("%d dead letters were written, which the topic refuses; log lines: %d", len(deadLetters), log.count("the dead-letter topic refuses"))
				}
				return
			}
			found := false
			for _, dead := range deadLetters {
				found = found || headerOf(dead, "reason") == "not_msgpack" && string(dead.Value) == "\xc1bad"
				if len(dead.Key) == 0 || headerOf(dead, "timestamp") == "" || headerOf(dead, "dead_letter_error") != "INVALID_TIMESTAMP" {
					t.Errorf("a dead letter has key %q and headers %v", dead.Key, dead.Headers)
				}
			}
			if !found || bad == 0 || len(deadLetters) < 2 {
				t.Errorf("there are %d dead letters, that of the bad record among them: %v", len(deadLetters), found)
			}
		})
	}
}

// deny makes brokers refuse to tell their settings.
func (w *world) deny() {
	w.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
}

// TestLimitThatIsNotToldIsFound: if a batch is too large, its records are not refused.
func TestLimitThatIsNotToldIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "hegemony_mean")
	limit := "700"
	must(t, w.cluster.CreateTopic(outputTopic, 1, map[string]string{"max.message.bytes": limit}))
	w.deny()
	w.feed(len(w.golden.Records))
	log, change := logged(nil)
	n := w.start("one", change)
	w.untilCommitted()
	must(t, n.stop())
	w.verify()
	if log.count("does not tell the settings") != 1 || log.count("going on without it") != 0 {
		t.Errorf("the log:\n%s", log.text.String())
	}
	if log.count("writing smaller ones") == 0 {
		t.Error("no batch was too large, so the test tests nothing")
	}
}

// TestLimitThatChangesIsAskedAgain: to less than a batch, and to more.
func TestLimitThatChangesIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "hegemony_mean")
	log, change := logged(nil)
	must(t, w.cluster.CreateTopic(outputTopic, 1, nil))
	n := w.start("one", change)
	third := len(w.golden.Records) / 3
	w.feed(third)
	w.untilCommitted()
	alter := func(limit string) {
		_, err := w.admin.AlterTopicConfigs(context.Background(), []kadm.AlterConfig{{Name: "max.message.bytes", Value: &limit}}, outputTopic)
		must(t, err)
	}
	alter("700")
	w.feed(third)
	w.untilCommitted()
	alter("1000000")
	w.feed(len(w.golden.Records))
	w.untilCommitted()
	must(t, n.stop())
	w.verify()
	if log.count("max.message.bytes of an output topic has changed") == 0 || log.count("going on without it") != 0 {
		t.Errorf("the log:\n%s", log.text.String())
	}
}

// TestLimitIsAskedOfTheTopic: an anomaly that fits is written, however large.
func TestLimitIsAskedOfTheTopic(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "short_window_median")
	limit := "4000000"
	must(t, w.cluster.CreateTopic(outputTopic, 1, map[string]string{"max.message.bytes": limit}))
	n := w.start("one", nil)
	w.feed(len(w.golden.Records))
	last := w.golden.Records[len(w.golden.Records)-1]
	fields, _, err := msgp.ReadMapStrIntfBytes(last.Value, nil)
	must(t, err)
	fields[w.set.valueField], fields["padding"] = 1e12, strings.Repeat("x", 2_000_000)
	anomaly, err := msgp.AppendMapStrIntf(nil, fields)
	must(t, err)
	large, err := kgo.NewClient(kgo.SeedBrokers(w.cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.DefaultProduceTopic(inputTopic), kgo.ProducerBatchMaxBytes(1<<22))
	must(t, err)
	defer large.Close()
	must(t, large.ProduceSync(context.Background(), &kgo.Record{Partition: last.Partition, Timestamp: last.Timestamp, Value: anomaly}).FirstErr())
	w.untilCommitted()
	must(t, n.stop())
	if !slices.ContainsFunc(w.read(outputTopic), func(r *kgo.Record) bool { return len(r.Value) > 2_000_000 }) {
		t.Error("the large anomaly is missing")
	}
}

// TestMissingPermissionIsNoRefusal: the transaction is tried again.
func TestMissingPermissionIsNoRefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "short_window_median")
	n := w.start("one", nil)
	w.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: outputTopic, Err: kerr.TopicAuthorizationFailed, Count: 4})
	w.feed(len(w.golden.Records))
	w.untilCommitted()
	must(t, n.stop())
	w.verify()
	if deadLetters := w.read(deadLetterTopic); len(deadLetters) != 0 {
		t.Errorf("%d anomalies were refused", len(deadLetters))
	}
}

// TestTopicThatIsDeletedWhileItIsWrittenToIsMadeAgain: no record written after that is
// lost, whether the detector or somebody else creates the topic.
func TestTopicThatIsDeletedWhileItIsWrittenToIsMadeAgain(t *testing.T) {
	t.Parallel()
	for name, recreate := range map[string]bool{"deleted": false, "recreated": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "hegemony_mean")
			n := w.start("one", nil)
			half := len(w.golden.Records) / 2
			w.feed(half)
			w.untilCommitted()
			before := w.committedOffsets()
			_, err := w.admin.DeleteTopics(context.Background(), outputTopic, deadLetterTopic)
			must(t, err)
			if recreate {
				must(t, w.cluster.CreateTopic(outputTopic, 3, nil))
			}
			w.produce(&kgo.Record{Value: []byte("\xc1bad")})
			w.feed(len(w.golden.Records))
			w.untilCommitted()
			must(t, n.stop())
			want := 0
			for number := range w.golden.Expected {
				if number >= half {
					want++
				}
			}
			got := make(map[string]int)
			for _, record := range w.read(outputTopic) {
				partition, _ := strconv.Atoi(headerOf(record, "partition"))
				if offset, _ := strconv.ParseInt(headerOf(record, "offset"), 10, 64); offset < before[int32(partition)] {
					t.Errorf("offset %d of partition %d is from before", offset, partition)
				}
				got[headerOf(record, "id")]++
			}
			if len(got) != want || slices.Max(slices.Collect(maps.Values(got))) != 1 {
				t.Errorf("there are %d anomalies, want %d, each once", len(got), want)
			}
			if deadLetters := w.read(deadLetterTopic); len(deadLetters) != 1 {
				t.Errorf("there are %d dead letters, want one", len(deadLetters))
			}
		})
	}
}

func (w *world) committedOffsets() map[int32]int64 {
	offsets, err := w.admin.FetchOffsets(context.Background(), group)
	must(w.T, err)
	all := make(map[int32]int64)
	offsets.Each(func(o kadm.OffsetResponse) { all[o.Partition] = o.At })
	return all
}

// TestForbiddenSearchForRefusedRecordsEndsTheDetector: an ACL of this one transactional
// id forbids the search, and without it the same transaction would be refused for ever.
func TestForbiddenSearchForRefusedRecordsEndsTheDetector(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "short_window_median")
	w.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.TransactionalIDAuthorizationFailed, Count: -1,
		When: func(request kmsg.Request) bool {
			id := request.(*kmsg.InitProducerIDRequest).TransactionalID
			return id != nil && strings.HasSuffix(*id, ".isolation")
		}})
	sink.Refuse(w.cluster, outputTopic, outPartitions, kerr.InvalidRecord, isAnomaly)
	n := w.start("one", nil)
	w.feed(len(w.golden.Records))
	err := n.await()
	n.once.Do(n.system.Shutdown)
	if !errors.Is(err, stream.ErrForbidden) || !strings.Contains(err.Error(), "transactional ids that begin with "+group+".") {
		t.Errorf("the detector ended with %v, want what is not allowed, and what to allow", err)
	}
	if anomalies := w.read(outputTopic); len(anomalies) > 0 {
		t.Errorf("%d anomalies were written", len(anomalies))
	}
}
