package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/configs"
	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/synthetic"
)

// demoOracle knows which anomalies must be committed: it scores the same points without Kafka, and
// compares.
type demoOracle struct {
	scorer *detection.Scorer

	mu       sync.Mutex // the feeder calls expect, the reader calls got
	bin      uint64
	windows  map[string]*detection.Window
	expected map[demoPlace]float64 // deviation
	came     map[demoPlace]int
	wrong    int // committed ones that are not expected, or have another deviation
}

// demoPlace identifies an anomaly: an entity has at most one at a time.
type demoPlace struct {
	entity string
	at     int64
}

// demoFinding is a committed anomaly.
type demoFinding messages.Finding

func (f demoFinding) findings() []messages.Finding { return []messages.Finding{messages.Finding(f)} }

func newDemoOracle(config *configs.Config) *demoOracle {
	return &demoOracle{scorer: detection.NewScorer(rules(config)), windows: make(map[string]*detection.Window),
		expected: make(map[demoPlace]float64), came: make(map[demoPlace]int)}
}

// expect scores the points of a bin.
func (o *demoOracle) expect(points []synthetic.Datapoint) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bin++
	for _, point := range points {
		window := o.windows[point.Entity]
		if window == nil {
			window = new(detection.Window)
			o.windows[point.Entity] = window
		}
		if verdict := window.Add(o.scorer, o.bin, point.At, point.Value); verdict.Reason == detection.Anomalous {
			o.expected[demoPlace{point.Entity, point.At}] = verdict.Deviation
		}
	}
}

// got records a committed anomaly.
func (o *demoOracle) got(f demoFinding) {
	o.mu.Lock()
	defer o.mu.Unlock()
	place := demoPlace{f.Entity, f.At.UnixMilli()}
	o.came[place]++
	if deviation, expected := o.expected[place]; !expected || deviation != f.Deviation {
		o.wrong++
	}
}

// result returns an error if the committed anomalies are not the expected ones.
func (o *demoOracle) result() (text string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	lost, twice := 0, 0
	for place := range o.expected {
		if o.came[place] == 0 {
			lost++
		}
	}
	for _, times := range o.came {
		twice += times - 1
	}
	if lost+twice+o.wrong > 0 {
		err = errors.New("the committed anomalies are not those that a single detector finds")
	}
	return fmt.Sprintf("Of %d anomalies that a single detector finds, %d are lost, %d came twice, %d are wrong.", len(o.expected), lost, twice, o.wrong), err
}

// demoReader reads the committed anomalies from the output topic.
type demoReader struct {
	client *kgo.Client
	topic  string
	take   func(demoFinding)
	value  string // the datapoint's field

	mu     sync.Mutex
	next   map[int32]int64 // offsets
	failed error
	ended  chan struct{}
}

func newDemoReader(brokers []string, config *configs.Config, take func(demoFinding)) (*demoReader, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(config.IO.OutputTopic), kgo.KeepControlRecords(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		return nil, fmt.Errorf("create the demo's reader: %w", err)
	}
	r := &demoReader{client: client, topic: config.IO.OutputTopic, take: take, value: config.IO.ValueField,
		next: make(map[int32]int64), ended: make(chan struct{})}
	go r.run()
	return r, nil
}

func (r *demoReader) run() {
	defer close(r.ended)
	for {
		fetches := r.client.PollFetches(context.Background())
		if fetches.IsClientClosed() {
			return
		}
		fetches.EachRecord(func(record *kgo.Record) {
			err := error(nil)
			if !record.Attrs.IsControl() {
				var f demoFinding
				if f, err = r.read(record); err == nil {
					r.take(f)
				}
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.next[record.Partition] = record.Offset + 1
			r.failed = errors.Join(r.failed, err)
		})
	}
}

// read decodes the record of an anomaly.
func (r *demoReader) read(record *kgo.Record) (f demoFinding, err error) {
	fields, _, err := msgp.ReadMapStrIntfBytes(record.Value, nil)
	if err != nil {
		return f, fmt.Errorf("read an anomaly: %w", err)
	}
	f.Entity, f.At = string(record.Key), record.Timestamp
	f.Deviation, _ = fields["deviation"].(float64)
	datapoint, _ := fields["datapoint"].(map[string]any)
	switch value := datapoint[r.value].(type) {
	case float64:
		f.Value = value
	case int64:
		f.Value = float64(value)
	case uint64:
		f.Value = float64(value)
	}
	for _, header := range record.Headers {
		if header.Key == "usual" {
			if f.Usual, err = strconv.ParseFloat(string(header.Value), 64); err != nil {
				return f, fmt.Errorf("read the usual level of an anomaly: %w", err)
			}
		}
	}
	return f, nil
}

// toEnd waits until everything that was committed is read, for at most demoDrain.
func (r *demoReader) toEnd() error {
	ctx, cancel := context.WithTimeout(context.Background(), demoDrain)
	defer cancel()
	ends, err := kadm.NewClient(r.client).ListEndOffsets(ctx, r.topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("ask for the end of the anomalies: %w", err)
	}
	for !r.reached(ends) {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("read the anomalies to their end: %w", ctx.Err())
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *demoReader) reached(ends kadm.ListedOffsets) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := true
	ends.Each(func(end kadm.ListedOffset) { all = all && r.next[end.Partition] >= end.Offset })
	return all
}

func (r *demoReader) close() {
	r.client.Close()
	<-r.ended
}

func joined(words []string) string { return strings.Join(words, ",") }
