package actors_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/actors"
	"anomalydetector/persistence"
	"anomalydetector/stream"
	"anomalydetector/test/sink"
	"anomalydetector/test/transactions"
)

// outputs are the anomalies in the output topic, by their positions.
func (w *world) outputs() map[string]bool {
	w.Helper()
	there := make(map[string]bool)
	for _, record := range w.read(outputTopic) {
		there[placeOf(record)] = true
	}
	return there
}

func placeOf(record *kgo.Record) string {
	return strconv.Itoa(int(record.Partition)) + " " + strconv.FormatInt(record.Offset, 10)
}

// TestWindowsOfAFormerTopicAreNotUsed: the topic is deleted, and created again with other
// records. The anomalies of both topics are those that each gives alone.
func TestWindowsOfAFormerTopicAreNotUsed(t *testing.T) {
	t.Parallel()
	for name, running := range map[string]bool{"while the detector is stopped": false, "while it runs": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, set := wild(12, 200)
			w := newWorldOf(t, g, set)
			dir := t.TempDir()
			n := w.startStoring(dir, persistence.Options{Journal: 300}, nil)
			w.feed(len(g.Records))
			w.untilCommitted()
			if !running {
				n.end()
			}
			w.verify()
			former := w.outputs()
			must(t, w.cluster.DeleteTopic(inputTopic))
			must(t, w.cluster.CreateTopic(inputTopic, g.Partitions, nil))
			w.client.PurgeTopicsFromProducing(inputTopic)
			if !running {
				n = w.startStoring(dir, persistence.Options{Journal: 300}, nil)
			}
			w.fed = 0
			w.feed(len(g.Records))
			w.untilCommitted()
			n.end()
			now := slices.DeleteFunc(w.read(outputTopic), func(record *kgo.Record) bool { return former[placeOf(record)] })
			for _, problem := range g.Verify(now, w.fed) {
				t.Error(problem)
			}
			if !n.log.has("they are of a former topic of this name") {
				t.Errorf("it was not said that the topic is another: %v", n.log.lines)
			}
			ids := make(map[string]bool)
			for _, record := range w.read(outputTopic) {
				for _, header := range record.Headers {
					if header.Key == "id" {
						if ids[string(header.Value)] {
							t.Fatal("two records have the same id")
						}
						ids[string(header.Value)] = true
					}
				}
			}
		})
	}
}

// TestRefusalsOfAFormerTopicAreNotUsed: the topic is deleted when the output topic has just refused anomalies. It is
// created again with the same records, and the output topic refuses nothing any more.
func TestRefusalsOfAFormerTopicAreNotUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "short_window_median")
	refusing := sink.Refuse(w.cluster, outputTopic, outPartitions, kerr.InvalidRecord, isAnomaly)
	w.feed(len(w.golden.Records))
	found, madeAgain := make(chan struct{}), make(chan struct{})
	n := w.start("one", func(config *actors.Config, _ *stream.Config) {
		open := config.Open
		config.Open = func(ctx context.Context) (actors.Session, error) {
			session, err := open(ctx)
			return &interrupted{Session: session, found: found, goOn: madeAgain}, err
		}
	})
	<-found
	refusing.Remove()
	must(t, w.cluster.DeleteTopic(inputTopic))
	must(t, w.cluster.CreateTopic(inputTopic, w.golden.Partitions, nil))
	w.client.PurgeTopicsFromProducing(inputTopic)
	w.fed = 0
	w.feed(len(w.golden.Records))
	close(madeAgain)
	w.untilCommitted()
	must(t, n.stop())
	w.verify()
	if dead := w.read(deadLetterTopic); len(dead) > 0 {
		t.Errorf("%d anomalies of the new topic became dead letters", len(dead))
	}
}

// interrupted is a session that fails when a topic refuses a record. Before that it tells so, and waits.
type interrupted struct {
	actors.Session
	found, goOn chan struct{}
	broken      bool
}

func (i *interrupted) Flush(ctx context.Context) error {
	err := i.Session.Flush(ctx)
	var refused *stream.Refused
	if errors.As(err, &refused) {
		i.broken = true
		close(i.found)
		<-i.goOn
	}
	return err
}

func (i *interrupted) End(ctx context.Context, commit bool) (bool, error) {
	if i.broken {
		return false, errors.New("the session is broken")
	}
	return i.Session.End(ctx, commit)
}

// TestMarkersThatExpireAreNoLoss: all records are read, and nothing of them is left in
// the topic but the offsets of its writer's transaction markers, which go, too.
func TestMarkersThatExpireAreNoLoss(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "short_window_median")
	g := w.golden
	writer, err := kgo.NewClient(kgo.SeedBrokers(w.cluster.ListenAddrs()...), kgo.TransactionalID("writer"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(inputTopic))
	must(t, err)
	defer writer.Close()
	write := func(until int) {
		must(t, writer.BeginTransaction())
		must(t, writer.ProduceSync(context.Background(), g.Records[w.fed:until]...).FirstErr())
		must(t, transactions.End(context.Background(), writer, inputTopic, kgo.TryCommit))
		w.fed = until
	}
	dir := t.TempDir()
	n := w.startStoring(dir, persistence.Options{}, nil)
	write(len(g.Records) / 2)
	w.untilCommitted()
	n.end()
	for partition := range g.Partitions {
		must(t, w.cluster.DeleteRecords(inputTopic, partition, -1))
	}
	n = w.startStoring(dir, persistence.Options{}, nil)
	write(len(g.Records))
	w.untilCommitted()
	n.end()
	if n.log.has("deleted") || n.log.replayed != 0 {
		t.Errorf("%d records were replayed; it said %v", n.log.replayed, n.log.lines)
	}
	w.verify()
}
